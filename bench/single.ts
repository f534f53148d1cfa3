/** One element at a time, by random keys. */

import {mapLookup, mapUpdate} from '../src/kernel/sys/map.js';
import {floor} from './floor.js';
import {keySize, randomOrder, valueSize, type Flow, type FlowKey, type Flows} from './flows.js';
import {cpu, race, type Sample} from './measure.js';
import {atLeast, figures, type Figure} from './report.js';

/** Lookups and updates of existing elements. */
export function benchSingle(flows: Flows, rounds: number, operations: number): Figure[] {
	const order = randomOrder(operations, flows.count);
	const lookups = race(lookupSamples(flows, order), rounds);
	const updates = race(updateSamples(flows, order), rounds);
	return [
		...figures(lookups, 'ns', {'lookup: skep map.raw.get(key, into)': atLeast(0.85)}),
		...figures(updates, 'ns', {
			'update: skep map.raw.set(key, value)': atLeast(0.78),
			'update: skep map.set({…}, {…})': atLeast(0.75),
		}),
	];
}

function lookupSamples({map, keys}: Flows, order: Uint32Array): [string, Sample][] {
	const words = new Uint32Array(keys.buffer);
	const key = new Uint8Array(keySize);
	const keyWords = new Uint32Array(key.buffer);
	const into = new Uint8Array(valueSize);
	const {fd, raw} = map;
	return [
		['lookup: C bpf_map_lookup_elem', cpu(() => checked(floor.lookup(fd, keys, order), order))],
		[
			'lookup: skep addon function',
			cpu(() => {
				let hits = 0;
				for (const at of order) {
					copyKey(words, at, keyWords);
					if (mapLookup(fd, key, into, 0) === 0) hits++;
				}

				return checked(hits, order);
			}),
		],
		[
			'lookup: skep map.raw.get(key, into)',
			cpu(() => {
				let hits = 0;
				for (const at of order) {
					copyKey(words, at, keyWords);
					if (raw.get(key, into) !== undefined) hits++;
				}

				return checked(hits, order);
			}),
		],
		[
			'lookup: skep map.get({…})',
			cpu(() => {
				let hits = 0;
				for (const at of order) if (map.get(keyAt(words, at)) !== undefined) hits++;
				return checked(hits, order);
			}),
		],
	];
}

function updateSamples({map, keys, values}: Flows, order: Uint32Array): [string, Sample][] {
	const words = new Uint32Array(keys.buffer);
	const key = new Uint8Array(keySize);
	const keyWords = new Uint32Array(key.buffer);
	const bytes = values.slice(0, valueSize);
	const value: Flow = map.valueCodec.decode(new DataView(bytes.buffer), 0);
	const {fd, raw} = map;
	return [
		[
			'update: C bpf_map_update_elem',
			cpu(() => checked(floor.update(fd, keys, order, bytes), order)),
		],
		[
			'update: skep addon function',
			cpu(() => {
				let done = 0;
				for (const at of order) {
					copyKey(words, at, keyWords);
					if (mapUpdate(fd, key, bytes, 0) === 0) done++;
				}

				return checked(done, order);
			}),
		],
		[
			'update: skep map.raw.set(key, value)',
			cpu(() => {
				for (const at of order) {
					copyKey(words, at, keyWords);
					raw.set(key, bytes);
				}

				return order.length;
			}),
		],
		[
			'update: skep map.set({…}, {…})',
			cpu(() => {
				for (const at of order) map.set(keyAt(words, at), {...value, lifetime: at});
				return order.length;
			}),
		],
	];
}

function checked(done: number, order: Uint32Array): number {
	if (done !== order.length) throw new Error(`${done} of ${order.length} keys were there`);
	return done;
}

function copyKey(words: Uint32Array, at: number, into: Uint32Array): void {
	const first = at * 4;
	into[0] = words[first] ?? 0;
	into[1] = words[first + 1] ?? 0;
	into[2] = words[first + 2] ?? 0;
	into[3] = words[first + 3] ?? 0;
}

/** The key as a caller writes it: a new object. */
function keyAt(words: Uint32Array, at: number): FlowKey {
	const first = at * 4;
	const ports = words[first + 2] ?? 0;
	const rest = words[first + 3] ?? 0;
	return {
		source: words[first] ?? 0,
		destination: words[first + 1] ?? 0,
		source_port: ports & 0xffff,
		destination_port: ports >>> 16,
		protocol: rest & 0xff,
		direction: (rest >>> 8) & 0xff,
	};
}
