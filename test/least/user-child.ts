/**
 * Does what most users of skep do, as whoever runs it, and prints what came of it: results of what
 * works, the messages of what is refused.
 */

import {
	attachCgroup,
	attachTcx,
	attachXdp,
	enableProgramStats,
	listPrograms,
	loadCollection,
	openMapById,
	openPinnedLink,
	openPinnedMap,
	openRingBuffer,
	readObject,
	type CollectionSpec,
	type Link,
} from '../../src/index.js';

const [file = '', folder = '', device = '', cgroup = '', otherNetns = ''] = process.argv.slice(2);
const spec = await readObject(file);

const load = (spec: CollectionSpec) =>
	loadCollection(spec, {pinRoot: `${folder}/maps`, onMismatch: 'migrate'});

function refusal(work: () => unknown): string {
	try {
		work();
		return '';
	} catch (error) {
		return (error as Error).message;
	}
}

using first = load(spec);
const links: Link[] = [
	attachXdp(first.program('see_frame'), device, {mode: 'native'}),
	attachTcx(first.program('see_packet'), device),
	attachCgroup(first.program('see_socket'), cgroup),
];
for (const [index, link] of links.entries()) link.pin(`${folder}/link${index}`);
const {returnValue} = first.program('see_frame').run({data: new Uint8Array(64)});

// An upgrade: the programs of a second load use the pinned maps, and take the links over.
using second = load(spec);
using xdp = openPinnedLink(`${folder}/link0`);
xdp.update(second.program('see_frame'));
const counted = second.map('counts');
for (let key = 10; key < 60; key++) counted.set(key, {frames: key, packets: 0});
// Its types are not told by the kernel, its bytes are.
using bytes = openPinnedMap(`${folder}/maps/counts`);
using events = openRingBuffer(second.map('events'));
second.program('see_frame').run({data: new Uint8Array(64)});

const wider = {...spec, maps: {...spec.maps}};
const map = spec.maps['counts'];
if (map !== undefined) wider.maps['counts'] = {...map, valueSize: 16, valueTypeId: 0};

process.stdout.write(
	JSON.stringify({
		uid: process.getuid?.(),
		attached: links.map(link => link.info().type),
		pins: second.pins.map(({how}) => how),
		ran: returnValue,
		entries: [...counted.entries()].length,
		value: counted.get(10),
		bytes: [...bytes.entries()].length,
		events: events.read()?.count,
		refused: {
			list: refusal(() => [...listPrograms()]),
			byId: refusal(() => openMapById(1)),
			netns: refusal(() => attachXdp(first.program('see_frame'), 'lo', {netns: otherNetns})),
			statistics: refusal(() => enableProgramStats()),
			migrate: refusal(() => load(wider)),
		},
	}),
);
for (const [index, link] of links.entries()) {
	link.unpin(`${folder}/link${index}`);
	link.close();
}

second.unpin();
