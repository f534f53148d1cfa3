/** How full NAT is: entries, ports, and how long it looks for one. */

import {formatIpv4, formatIpv6} from '../../base/address.js';
import {hostLittleEndian, viewOf} from '../../base/bytes.js';
import type {Turns} from '../../base/turns.js';
import type {BpfMap} from '../../object/map/map.js';
import {keyPlaces} from '../conntrack/raw-entry.js';
import type {CtTuple, NatEntry} from '../layout/conntrack.js';
import {protocolName} from '../protocols.js';
import {NatRelations, type NatTables} from './orphans.js';
import {natPlaces} from './translation.js';

/** Ports that are taken towards one place in the network. */
export interface NatPortUse {
	readonly protocol: string;
	/** What flows become. */
	readonly address: string;
	/** Where they go. */
	readonly destination: string;
	readonly destinationPort: number;
	readonly used: number;
	/** Of the range, or of an echo's identifiers: 0 to 100. */
	readonly percent: number;
}

/** Of one family. */
export interface NatStats {
	readonly family: 4 | 6;
	readonly entries: number;
	readonly maxEntries: number;
	/** How full the map is: 0 to 100. At 100 entries of the flows that were quiet longest go. */
	readonly pressure: number;
	readonly out: number;
	readonly in: number;
	/** Of connections of the node itself, both directions. */
	readonly ofNode: number;
	/** Entries without the other one of their flow. */
	readonly unpaired: number;
	/** The fullest first. */
	readonly ports: readonly NatPortUse[];
	/** Flows by the number of ports that were tried in vain, since the map was made. */
	readonly retries: readonly number[];
	/** Flows that got no port: they were dropped with reason 167. */
	readonly failed: number;
}

/** A family's maps. */
export interface NatFamily {
	readonly family: 4 | 6;
	readonly map: BpfMap<CtTuple, NatEntry>;
	readonly retries: BpfMap<number, number[]> | undefined;
	readonly tables: NatTables;
}

/** What is counted. */
export interface StatsOptions {
	/** Ports that flows get: 32768 to 65535 unless given. */
	readonly ports?: readonly [first: number, last: number];
	/** Places in the network at most: 10 unless given. */
	readonly limit?: number;
}

/** *Throws:* `ERR_MAP`. */
export async function readStats(
	{family, map, retries, tables}: NatFamily,
	turns: Turns,
	{ports = [32_768, 65_535], limit = 10}: StatsOptions,
): Promise<NatStats> {
	const relations = new NatRelations(family, tables);
	const uses = new Map<string, {key: Uint8Array; used: number}>();
	const counts = {entries: 0, in: 0, ofNode: 0, unpaired: 0};
	const places = natPlaces[family];
	for await (const batch of map.raw.batches({batchSize: 1024})) {
		const {count, keys, values, keySize, valueStride} = batch;
		const view = viewOf(values);
		counts.entries += count;
		for (let i = 0; i < count; i++) {
			if (turns.isDue()) await turns.next();
			const [keyAt, valueAt] = [i * keySize, i * valueStride];
			const parts = relations.read(keys, keyAt, values, valueAt);
			if (relations.agrees(parts) !== true) counts.unpaired++;
			if (view.getBigUint64(valueAt + places.needsCt, hostLittleEndian) !== 0n)
				counts.ofNode++;
			if (parts.out) continue;
			counts.in++;
			countUse(uses, family, keys.subarray(keyAt, keyAt + keySize));
		}
	}

	const histogram = retries === undefined ? [] : [...retries].map(([, cpus]) => sum(cpus));
	const {maxEntries} = map.info;
	return {
		family,
		...counts,
		maxEntries,
		pressure: (counts.entries / maxEntries) * 100,
		out: counts.entries - counts.in,
		ports: [...uses.values()]
			.sort((a, b) => b.used - a.used)
			.slice(0, limit)
			.map(({key, used}) => useOf(family, key, used, ports[1] - ports[0] + 1)),
		retries: histogram.slice(0, -1),
		failed: histogram.at(-1) ?? 0,
	};
}

/** By the key without the port that was given. */
function countUse(
	uses: Map<string, {key: Uint8Array; used: number}>,
	family: 4 | 6,
	key: Uint8Array,
): void {
	const {dport} = keyPlaces[family];
	let name = '';
	for (let i = 0; i < key.length; i++) {
		if (i !== dport && i !== dport + 1) name += String.fromCharCode(key[i] ?? 0);
	}

	const known = uses.get(name);
	if (known === undefined) uses.set(name, {key: key.slice(), used: 1});
	else known.used++;
}

function useOf(family: 4 | 6, key: Uint8Array, used: number, range: number): NatPortUse {
	const view = viewOf(key);
	const places = keyPlaces[family];
	const format = family === 4 ? formatIpv4 : formatIpv6;
	const protocol = key[places.protocol] ?? 0;
	const all = protocol === 1 || protocol === 58 ? 0x1_0000 : range;
	return {
		protocol: protocolName(protocol),
		address: format(view, 0),
		destination: format(view, places.address),
		destinationPort: view.getUint16(places.sport),
		used,
		percent: Math.min(100, (used / all) * 100),
	};
}

const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);
