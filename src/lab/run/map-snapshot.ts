/** What a map held at some moment: to tell what changed since, and to bring it back. */

import {viewOf} from '../../base/bytes.js';
import {ByteTable} from '../../object/map/byte-table.js';
import type {BpfMap} from '../../object/map/map.js';
import {isIndexed, isPerCpu} from '../../uapi/map-kinds.js';

/** What became of one element; values as the map's codecs read them. */
export interface MapEffect {
	/** The map's name, as in the object where a collection was given. */
	readonly map: string;
	readonly kind: 'added' | 'changed' | 'deleted';
	/** In a data section, the name of the variable. */
	readonly key: unknown;
	/** Undefined where there was no such key; of per-CPU maps an array, as always. */
	readonly before: unknown;
	/** Undefined where there is no such key any more. */
	readonly after: unknown;
}

/** A difference in bytes; a value that is not there is undefined. */
interface RawEffect {
	readonly key: Uint8Array;
	readonly before: Uint8Array | undefined;
	readonly after: Uint8Array | undefined;
}

/** Nothing reads elements one by one, so that the order of use of an LRU map stays as it is. */
export interface MapSnapshot {
	/** The same map now. */
	again(): MapSnapshot;
	/** What it takes to get from this snapshot to a later one of the same map. */
	effects(later: MapSnapshot): RawEffect[];
}

/** *Throws:* `ERR_MAP`; undefined when there are more than `limit` elements. */
export function takeSnapshot(map: BpfMap, limit = Infinity): MapSnapshot | undefined {
	if (isIndexed(map.info.type)) {
		if (map.info.maxEntries > limit) return undefined;
		return new ArraySnapshot(map);
	}

	const {keySize, valueSize} = map.raw;
	const table = new ByteTable(keySize, valueSize);
	for (const {count, keys, values} of map.batches()) {
		for (let i = 0; i < count; i++) table.set(keys, i * keySize, values, i * valueSize, 1);
		if (table.size > limit) return undefined;
	}

	return new TableSnapshot(map, table);
}

/** Elements compared at a time before they are looked at one by one. */
const stretch = 256;

class ArraySnapshot implements MapSnapshot {
	private readonly map: BpfMap;
	private readonly values: Buffer;

	constructor(map: BpfMap) {
		const {valueSize} = map.raw;
		this.map = map;
		this.values = Buffer.alloc(map.info.maxEntries * valueSize);
		let at = 0;
		for (const {count, values} of map.batches()) {
			this.values.set(values.subarray(0, count * valueSize), at);
			at += count * valueSize;
		}
	}

	again(): MapSnapshot {
		return new ArraySnapshot(this.map);
	}

	effects(later: MapSnapshot): RawEffect[] {
		if (!(later instanceof ArraySnapshot)) return [];
		const found: RawEffect[] = [];
		const {valueSize} = this.map.raw;
		const {maxEntries} = this.map.info;
		for (let first = 0; first < maxEntries; first += stretch) {
			const end = Math.min(first + stretch, maxEntries);
			const [from, to] = [first * valueSize, end * valueSize];
			if (this.values.compare(later.values, from, to, from, to) === 0) continue;
			for (let index = first; index < end; index++) {
				const before = this.at(index);
				const after = later.at(index);
				if (before.equals(after)) continue;
				found.push({key: new Uint8Array(new Uint32Array([index]).buffer), before, after});
			}
		}

		return found;
	}

	private at(index: number): Buffer {
		const {valueSize} = this.map.raw;
		return this.values.subarray(index * valueSize, (index + 1) * valueSize);
	}
}

class TableSnapshot implements MapSnapshot {
	private readonly map: BpfMap;
	private readonly table: ByteTable;

	constructor(map: BpfMap, table: ByteTable) {
		this.map = map;
		this.table = table;
	}

	again(): MapSnapshot {
		return takeSnapshot(this.map) ?? this;
	}

	effects(later: MapSnapshot): RawEffect[] {
		if (!(later instanceof TableSnapshot)) return [];
		const [old, now] = [this.table, later.table];
		const found: RawEffect[] = [];
		// No entry has mark 0, so these are all of them.
		for (const entry of now.unmarked(0)) {
			const key = now.key(entry);
			const after = now.value(entry);
			const same = old.find(key, 0);
			if (same < 0) found.push({key, before: undefined, after});
			else if (!old.hasValue(same, after, 0))
				found.push({key, before: old.value(same), after});
		}

		for (const entry of old.unmarked(0)) {
			const key = old.key(entry);
			if (now.find(key, 0) < 0) found.push({key, before: old.value(entry), after: undefined});
		}

		return found;
	}
}

/** The difference as the map's codecs read it; a data section's by its variables. */
export function readEffects(name: string, map: BpfMap, raw: readonly RawEffect[]): MapEffect[] {
	const {keyCodec, valueCodec} = map;
	const value = (bytes: Uint8Array | undefined): unknown =>
		bytes && valueCodec.decode(viewOf(bytes), 0);
	return raw.flatMap(({key, before, after}) => {
		if (isDataSection(map)) return readVariables(name, value(before), value(after));
		const kind = before === undefined ? 'added' : after === undefined ? 'deleted' : 'changed';
		return {
			map: name,
			kind,
			key: keyCodec.decode(viewOf(key), 0),
			before: value(before),
			after: value(after),
		};
	});
}

/** Variables of an object live in the only value of an array. */
export function isDataSection({info, types}: BpfMap): boolean {
	const type = types?.btf.type(types.valueTypeId);
	return info.type === 'array' && info.maxEntries === 1 && type?.kind === 'datasec';
}

function readVariables(name: string, before: unknown, after: unknown): MapEffect[] {
	const [old, now] = [before, after] as Readonly<Record<string, unknown>>[];
	return Object.keys(now ?? {})
		.filter(key => !isSameValue(old?.[key], now?.[key]))
		.map(key => ({map: name, kind: 'changed', key, before: old?.[key], after: now?.[key]}));
}

/** Values as codecs make them. */
function isSameValue(a: unknown, b: unknown): boolean {
	if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null)
		return Object.is(a, b);
	const [left, right] = [Object.entries(a), new Map(Object.entries(b))];
	return (
		left.length === right.size &&
		left.every(([key, value]) => isSameValue(value, right.get(key)))
	);
}

/** Brings the map from a later snapshot back to an earlier one. *Throws:* `ERR_MAP`. */
export function undoEffects(map: BpfMap, effects: readonly RawEffect[]): void {
	// A map that is full must lose what was added before it gets back what was deleted.
	for (const {key, before} of effects) if (before === undefined) map.raw.delete(key);
	for (const {key, before} of effects) if (before !== undefined) map.raw.set(key, before);
}

/** What all CPUs' values of a per-CPU map add up to, number by number. */
export function sumCpus(map: BpfMap, values: unknown): unknown {
	if (!isPerCpu(map.info.type) || !Array.isArray(values)) return values;
	return values.reduce<unknown>((sum, each) => add(sum, each), undefined);
}

function add(a: unknown, b: unknown): unknown {
	if (a === undefined) return b;
	if (typeof a === 'number' && typeof b === 'number') return a + b;
	if (typeof a === 'bigint' && typeof b === 'bigint') return a + b;
	if (Array.isArray(a) && Array.isArray(b)) return a.map((each, i) => add(each, b[i]));
	if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return a;
	const other = b as Readonly<Record<string, unknown>>;
	return Object.fromEntries(
		Object.entries(a).map(([name, value]) => [name, add(value, other[name])]),
	);
}
