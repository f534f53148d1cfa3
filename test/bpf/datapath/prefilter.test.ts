/** What becomes of frames of denied and other sources. */

import test from 'ava';

import {monitor, Metrics} from '../../../src/datapath/index.js';
import {ethernet, fragment, ipv4, ipv6, packet, udp, vlan} from '../../../src/lab/index.js';
import {kernelTest} from '../../helpers/kernel.js';
import {makeFrameNode} from './frames.js';
import {families, type Family, type Person} from './people.js';

const kernel = kernelTest({feature: 'frames in several pieces', since: '5.18'});

interface Line {
	readonly name: string;
	/** Prefixes beside the address of somebody. */
	readonly denied: (f: Family) => readonly string[];
	readonly frame: (f: Family) => Uint8Array;
	readonly dropped: boolean;
}

const from = (person: Person) => (f: Family) => f.tcp({from: person, to: 'red'}).bytes;
const cut = (bytes: number) => (f: Family) => from('desk')(f).subarray(0, bytes);
const everybody = (f: Family): readonly string[] => [f.is6 ? '::/0' : '0.0.0.0/0'];
const head = (f: Family) => ({source: f.address.desk, destination: f.address.red});

const lines: readonly Line[] = [
	{name: 'nobody is denied', denied: () => [], frame: from('desk'), dropped: false},
	{
		name: 'an address is denied',
		denied: f => [f.address.desk],
		frame: from('desk'),
		dropped: true,
	},
	{
		name: 'another address is denied',
		denied: f => [f.address.room],
		frame: from('desk'),
		dropped: false,
	},
	{name: 'a prefix is denied', denied: f => [f.prefixes.lab], frame: from('desk'), dropped: true},
	{
		name: 'a prefix is denied, and the source is not in it',
		denied: f => [f.prefixes.room],
		frame: from('lab'),
		dropped: false,
	},
	{
		name: 'a prefix within a denied one is denied too',
		denied: f => [f.prefixes.lab, f.prefixes.room],
		frame: from('lab'),
		dropped: true,
	},
	{
		name: 'an address and a prefix are denied, and the source is another one',
		denied: f => [f.address.desk, f.prefixes.lab],
		frame: from('world'),
		dropped: false,
	},
	{name: 'everybody is denied', denied: everybody, frame: from('world'), dropped: true},
	{
		name: 'the destination is denied, which is no source',
		denied: f => [f.address.red],
		frame: from('world'),
		dropped: false,
	},
	{
		name: 'the other family is denied',
		denied: f => everybody(families[f.is6 ? 0 : 1]),
		frame: from('world'),
		dropped: false,
	},
	{
		name: 'a later fragment is of a denied source',
		denied: f => [f.address.desk],
		frame: f =>
			packet(
				ethernet(),
				...(f.is6
					? [ipv6(head(f)), fragment({fragmentOffset: 1480, identification: 7})]
					: [ipv4({...head(f), fragmentOffset: 1480})]),
				new Uint8Array(100),
			).bytes,
		dropped: true,
	},
	{
		name: 'the frame is of a VLAN',
		denied: everybody,
		frame: f =>
			packet(ethernet(), vlan({id: 7}), f.is6 ? ipv6(head(f)) : ipv4(head(f)), udp()).bytes,
		dropped: false,
	},
	{
		name: 'the frame ends in its IP header',
		denied: everybody,
		frame: f => cut(14 + (f.is6 ? 39 : 19))(f),
		dropped: false,
	},
	{
		name: 'the frame ends behind its IP header',
		denied: everybody,
		frame: f => cut(14 + (f.is6 ? 40 : 20))(f),
		dropped: true,
	},
	{name: 'the frame has no IP header', denied: everybody, frame: cut(14), dropped: false},
	{
		name: 'the frame is no IP',
		denied: everybody,
		frame: f => from('desk')(f).map((byte, i) => (i === 12 || i === 13 ? 0x11 : byte)),
		dropped: false,
	},
];

const behaves = test.macro({
	async exec(t, f: Family, {denied, frame, dropped}: Line) {
		const {program, prefilter, maps} = await makeFrameNode(t);
		await prefilter.replace(denied(f));
		const {verdict, data} = program.run({data: frame(f)});
		t.is(verdict, dropped ? 'drop' : 'pass');
		t.deepEqual(Buffer.from(data), Buffer.from(frame(f)));
		const counted = new Metrics(maps)
			.list()
			.map(({reason, direction, packets}) => [reason, direction, packets]);
		t.deepEqual(counted, dropped ? [[255, 'ingress', 1n]] : []);
	},
	title: (_: string | undefined, f: Family, {name, dropped}: Line) =>
		`${f.name}: ${name}: ${dropped ? 'dropped' : 'passed'}`,
});

for (const f of families) for (const line of lines) kernel(behaves, f, line);

kernel('a drop is told with its reason, its source and its frame', async t => {
	const {program, prefilter, maps} = await makeFrameNode(t);
	await prefilter.add(families.map(({address}) => address.desk));
	const events = monitor({root: maps.root});
	t.teardown(() => {
		events.close();
	});
	for (const f of families) program.run({data: from('desk')(f)});
	const told = [];
	for await (const event of events) {
		told.push(event);
		if (told.length === 2) break;
	}

	for (const [i, f] of families.entries()) {
		const frame = from('desk')(f);
		t.like(told[i], {
			...{kind: 'drop', reasonText: 'Source denied by prefilter', file: 'xdp.bpf.c'},
			...{sourceIdentity: f.worldIdentity, length: frame.length},
		});
		t.deepEqual(told[i]?.kind === 'drop' && Buffer.from(told[i].packet), Buffer.from(frame));
	}
});
