/** How often each rule decided. */

import type {PolicyKey, PolicyStatsValue} from '../layout/policy.js';
import type {DatapathMaps} from '../maps.js';
import {peerBits} from './compile.js';
import type {DecidedCount} from './map-entry.js';

type Counted = Pick<PolicyKey, 'sec_label' | 'egress' | 'protocol' | 'dport'>;

/** Names an entry of one endpoint's policy. */
export function statsKey({prefixlen, ...key}: PolicyKey): string {
	return nameOf(prefixlen - peerBits, key);
}

function nameOf(prefix: number, {sec_label, egress, protocol, dport}: Counted): string {
	return [prefix, sec_label, Number(egress), protocol, dport].join(' ');
}

/** Counts by `statsKey`, of all CPUs together; none where the node does not count. */
export function readStats(maps: DatapathMaps, endpointId: number): Map<string, DecidedCount> {
	const counts = new Map<string, DecidedCount>();
	const stats = maps.policyStats;
	if (stats?.known !== true) return counts;
	for (const [key, values] of stats.map) {
		if (key.endpoint_id === endpointId) counts.set(nameOf(key.prefix_len, key), sum(values));
	}

	return counts;
}

function sum(values: readonly PolicyStatsValue[]): DecidedCount {
	let packets = 0n;
	let bytes = 0n;
	for (const value of values) {
		packets += value.packets;
		bytes += value.bytes;
	}

	return {packets, bytes};
}
