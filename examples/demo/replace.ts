/** Replaces the XDP program again and again while pings fly, and counts them. */

import {
	copyCollectionSpec,
	loadCollection,
	openPinnedLink,
	type BpfMap,
	type Collection,
	type CollectionSpec,
} from 'skep';

import {packetsOf, type PacketCount, type PacketKey} from './report.js';
import {flood} from './traffic.js';
import type {World} from './world.js';

const pings = 20_000;
const icmp = 1;

/** *Throws:* when a packet was lost or met neither program. */
export async function replaceUnderTraffic(
	world: World,
	spec: CollectionSpec | undefined,
	first: Collection,
	counts: BpfMap<PacketKey, PacketCount[]>,
	signal: AbortSignal,
): Promise<void> {
	if (spec === undefined) throw new Error('no object');
	const next = copyCollectionSpec(spec);
	next.variables['generation']?.set(2);
	// The same pinned map, so that both generations count in one place.
	using second = loadCollection(next, {replaceMaps: {packet_counts: first.map('packet_counts')}});
	using link = openPinnedLink(`${world.bpffs}/links/xdp`);

	const before = packetsOf(counts, 1, icmp);
	const programs = [second.program('xdp_count'), first.program('xdp_count')];
	let replaced = 0;
	let timer: NodeJS.Timeout | undefined;
	const replace = (): void => {
		const program = programs[replaced % 2];
		if (program === undefined) return;
		link.update(program);
		replaced++;
		timer = setTimeout(replace, 5);
	};
	replace();
	let result;
	try {
		result = await flood(world.left, world.right.ipv4, pings, signal);
	} finally {
		clearTimeout(timer);
	}

	const generation1 = packetsOf(counts, 1, icmp) - before;
	const generation2 = packetsOf(counts, 2, icmp);
	const lost = result.sent - result.received;
	console.log(`  replaced ${replaced} times while ${result.sent} pings were sent`);
	console.log(`  counted by generation 1: ${generation1}, by generation 2: ${generation2}`);
	console.log(`  answered: ${result.received}, lost: ${lost}`);
	if (lost > 0 || generation1 + generation2 !== BigInt(result.sent)) {
		throw new Error('a packet was lost while the program was replaced');
	}
}
