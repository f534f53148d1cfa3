/** The map that is read and written: `count` connections, of keys in random order. */

import {readFileSync} from 'node:fs';
import {join} from 'node:path';

import {
	compileObject,
	loadCollection,
	parseObject,
	type BpfMap,
	type Collection,
} from '../src/index.js';
import {build, floor, project} from './floor.js';

export interface FlowKey {
	source: number;
	destination: number;
	source_port: number;
	destination_port: number;
	protocol: number;
	direction: number;
}

export interface Flow {
	rx_packets: bigint;
	rx_bytes: bigint;
	tx_packets: bigint;
	tx_bytes: bigint;
	lifetime: number;
	identity: number;
	rx_report: number;
	tx_report: number;
	rev_nat_index: number;
	flags: number;
	backend: number;
	zone: number;
}

export const keySize = 16;
export const valueSize = 56;

export interface Flows extends Disposable {
	readonly map: BpfMap<FlowKey, Flow>;
	readonly count: number;
	readonly keys: Uint8Array;
	readonly values: Uint8Array;
}

/** Compiles one of the sources in bench/bpf; the object's bytes. */
export async function compileBench(name: string): Promise<Uint8Array> {
	const object = join(build, `${name}.bpf.o`);
	await compileObject(join(project, 'bench/bpf', `${name}.bpf.c`), {output: object});
	return readFileSync(object);
}

export async function makeFlows(count: number): Promise<Flows> {
	const spec = parseObject(await compileBench('flows'), {name: 'flows'});
	const {flows} = spec.maps;
	if (flows === undefined) throw new Error('bench/bpf/flows.bpf.c has no map "flows"');
	const collection: Collection = loadCollection({
		...spec,
		maps: {flows: {...flows, maxEntries: count}},
	});
	const map = collection.maps['flows'] as BpfMap<FlowKey, Flow>;
	const {keys, values} = fillBuffers(count);
	if (floor.fill(map.fd, keys, values, count) !== count)
		throw new Error('the map was not filled');
	return {map, count, keys, values, [Symbol.dispose]: () => collection.close()};
}

/** Keys are distinct; counters are of the size that long-lived connections reach. */
function fillBuffers(count: number): {keys: Uint8Array; values: Uint8Array} {
	const keyWords = new Uint32Array((count * keySize) / 4);
	const valueWords = new Uint32Array((count * valueSize) / 4);
	const random = randomWords(1);
	for (let i = 0; i < count; i++) {
		// The two lowest words of the key: source and destination; the index makes them distinct.
		keyWords.set([0x0a_00_00_00 + i, random(), random(), 6 + (random() & 0x100)], i * 4);
		const at = (i * valueSize) / 4;
		for (let word = 0; word < valueSize / 4; word++) valueWords[at + word] = random();
		// The high halves of four 64-bit counters; times and identities of fewer than 32 bits.
		for (let word = 1; word < 8; word += 2) valueWords[at + word] = random() & 0xff;
		for (let word = 8; word < 12; word++) valueWords[at + word] = random() >>> 2;
	}

	return {keys: new Uint8Array(keyWords.buffer), values: new Uint8Array(valueWords.buffer)};
}

/** `length` indices below `count`, the same in every run. */
export function randomOrder(length: number, count: number): Uint32Array {
	const random = randomWords(2);
	return Uint32Array.from({length}, () => random() % count);
}

/** Marsaglia's xorshift: 32 bits at a time. */
function randomWords(seed: number): () => number {
	let state = seed * 0x9e_37_79_b9;
	return () => {
		state ^= state << 13;
		state ^= state >>> 17;
		state ^= state << 5;
		return state >>> 0;
	};
}
