import {readdirSync, readlinkSync} from 'node:fs';

import type {DatapathMaps} from '../../../src/datapath/index.js';
import {Listener} from '../../../src/datapath/monitor/listener.js';
import {guardEndpoint} from '../../helpers/guarded-endpoint.js';
import {kernelTest} from '../../helpers/kernel.js';

const kernel = kernelTest({feature: 'events of the datapath', since: '5.15'});
const ringSize = 1 << 16;
type Events = ReturnType<DatapathMaps['require']>;

/** Descriptors of maps that this process has. */
function openMaps(): number {
	const links = readdirSync('/proc/self/fd').map(fd => {
		try {
			return readlinkSync(`/proc/self/fd/${fd}`);
		} catch {
			// It read the folder.
			return '';
		}
	});
	return links.filter(link => link.endsWith('bpf-map')).length;
}

/** The maps of a node, of which `set` is called in place of putting a ring into its slot. */
function mapsWith(
	{root, maps}: {root: string; maps: DatapathMaps},
	set: (put: () => void) => void,
) {
	const events = maps.require('events');
	const changed = {
		info: events.info,
		get: (slot: number) => events.get(slot),
		delete: (slot: number) => events.delete(slot),
		set: (slot: number, ring: Parameters<typeof events.set>[1]) =>
			set(() => events.set(slot, ring)),
	};
	return {root, require: () => changed as unknown as Events} as unknown as DatapathMaps;
}

kernel(
	'who begins to listen takes one place, and leaves the others to whoever else begins',
	async t => {
		const node = await guardEndpoint(t);
		let other: Listener | undefined;
		const first = Listener.open(
			mapsWith(node, put => {
				other = Listener.open(node.maps, ringSize);
				put();
			}),
			ringSize,
		);
		t.deepEqual([first.slot, other?.slot], [0, 1]);
		t.deepEqual([...node.maps.require('events').keys()], [0, 1]);
		other?.close();
		first.close();
		t.deepEqual([...node.maps.require('events').keys()], []);
	},
);

kernel('who cannot listen leaves nothing open', async t => {
	const node = await guardEndpoint(t);
	const maps = mapsWith(node, () => {
		throw new Error('refused');
	});
	const before = openMaps();
	t.throws(() => Listener.open(maps, ringSize), {message: 'refused'});
	t.is(openMaps(), before);
	const listener = Listener.open(node.maps, ringSize);
	t.is(listener.slot, 0);
	listener.close();
});
