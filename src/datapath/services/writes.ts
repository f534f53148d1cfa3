/** Writes to the maps of services, collected and then done in an order that is safe at any point. */

import {constants} from 'node:os';

import {viewOf} from '../../base/bytes.js';
import {mapBatch, mapDelete, mapUpdate} from '../../kernel/sys/map.js';
import {elementError} from '../../object/map/map-error.js';
import type {BpfMap} from '../../object/map/map.js';
import {ENOTSUPP} from '../../uapi/errno.js';
import type {DatapathMapName} from '../layout/map-table.js';
import type {DatapathMaps} from '../maps.js';
import type {Place} from './encode.js';

/**
 * What is written when, top to bottom. A frontend comes after all that it leads to and goes before it,
 * so that no packet finds half a service, and whoever dies on the way leaves one that works.
 */
const order = [
	'put backends',
	'put reverseNat',
	'put affinityMatch',
	'put sourceRange',
	'put tables',
	'put slots',
	'put frontends',
	'put wildcards',
	'delete frontends',
	'delete wildcards',
	'delete slots',
	'delete tables',
	'delete sourceRange',
	'delete affinityMatch',
	'delete reverseNat',
	'delete backends',
] as const;

export type Step = (typeof order)[number];

const placeOf = Object.fromEntries(order.map((step, i) => [step, i])) as Record<Step, number>;

/** What is written at one step, by map: one, or one of each family. */
interface StepWrites {
	readonly step: Step;
	readonly isPut: boolean;
	readonly maps: Pending[];
}

/** Fewer than that are quicker one by one. */
const leastBatch = 8;
/** More are given back when they are done. */
const mostKept = 1024;

const {EINVAL, ENOENT, EOPNOTSUPP} = constants.errno;

/** The writes of one change; used again for the next one. */
export class Writes {
	/** Elements written so far. */
	written = 0;
	/** Elements removed so far. */
	removed = 0;
	private readonly maps: DatapathMaps;
	private readonly steps = order.map((step): StepWrites => ({
		step,
		isPut: step.startsWith('put'),
		maps: [],
	}));
	private count = 0;

	constructor(maps: DatapathMaps) {
		this.maps = maps;
	}

	get isEmpty(): boolean {
		return this.count === 0;
	}

	/** Whether there are services among it that were not there before. */
	get hasServices(): boolean {
		return this.steps[placeOf['put reverseNat']]?.maps.some(({count}) => count > 0) === true;
	}

	/** Forgets what was collected and counted. */
	clear(): void {
		this.written = 0;
		this.removed = 0;
		this.count = 0;
		for (const {maps} of this.steps) {
			for (const pending of maps) if (pending.count > 0) pending.clear();
		}
	}

	put(step: Step, name: DatapathMapName, key: unknown, value: unknown): void {
		this.at(step, name).add(key, value);
	}

	delete(step: Step, name: DatapathMapName, key: unknown): void {
		this.at(step, name).add(key, undefined);
	}

	/** The place of one element more, which the caller encodes; of a deletion only the key. */
	next(step: Step, name: DatapathMapName): NextElement {
		return this.at(step, name).next();
	}

	/** Does what was collected; `tables` does its own two steps when their turn comes. */
	async flush(tables: TableWrites): Promise<void> {
		for (const each of this.steps) {
			if (each.step === 'put tables') await tables.put();
			else if (each.step === 'delete tables') await tables.remove();
			else this.flushStep(each);
		}
	}

	/** The same where there are no tables, without a break. */
	flushNow(): void {
		if (this.count > 0) for (const step of this.steps) this.flushStep(step);
	}

	private flushStep({isPut, maps}: StepWrites): void {
		for (const pending of maps) {
			if (pending.count === 0) continue;
			const done = pending.flush(isPut);
			if (isPut) this.written += done;
			else this.removed += done;
		}
	}

	private at(step: Step, name: DatapathMapName): Pending {
		this.count++;
		const maps = this.steps[placeOf[step]]?.maps ?? [];
		for (const pending of maps) if (pending.name === name) return pending;
		const pending = new Pending(name, this.maps.require(name));
		maps.push(pending);
		return pending;
	}
}

/** What the writes of look-up tables do: they wait for the kernel. */
export interface TableWrites {
	put(): Promise<void>;
	remove(): Promise<void>;
}

/** Elements of one map that wait to be written or removed together. */
class Pending {
	readonly name: DatapathMapName;
	count = 0;
	private readonly map: BpfMap;
	private readonly keySize: number;
	private readonly valueSize: number;
	private capacity = 0;
	private keys = new Uint8Array();
	private values = new Uint8Array();
	private firstKey = this.keys;
	private firstValue = this.values;
	private keyView = viewOf(this.keys);
	private valueView = viewOf(this.values);
	private place = this.placeOf();

	constructor(name: DatapathMapName, map: BpfMap) {
		this.name = name;
		this.map = map;
		this.keySize = map.info.keySize;
		this.valueSize = map.info.valueSize;
		this.resize(leastBatch);
	}

	add(key: unknown, value: unknown): void {
		this.next();
		const {map, keySize, valueSize} = this;
		const last = this.count - 1;
		map.keyCodec.encode(key, this.keyView, last * keySize);
		if (value !== undefined) map.valueCodec.encode(value, this.valueView, last * valueSize);
	}

	/** Where the next element belongs: the same object each time. */
	next(): NextElement {
		if (this.count === this.capacity) this.resize(this.count * 2);
		const {place} = this;
		place.key.at = this.count * this.keySize;
		place.value.at = this.count * this.valueSize;
		this.count++;
		return place;
	}

	clear(): void {
		this.count = 0;
		if (this.capacity > mostKept) this.resize(leastBatch);
	}

	/** How many there were. *Throws:* `ERR_MAP`. */
	flush(isPut: boolean): number {
		// The kernel has no batches for tries that it can be relied on to have.
		const batches = this.count >= leastBatch && this.map.info.type !== 'lpm_trie';
		let done = 0;
		for (let first = 0; first < this.count;) {
			const result = batches ? this.many(isPut, first) : this.one(isPut, first);
			done += result.count;
			first += result.count;
			if (result.errno === 0) continue;
			if (result.errno === ENOENT && !isPut) {
				first++;
			} else if (batches && isUnsupported(result.errno)) {
				const single = this.one(isPut, first);
				if (single.errno !== 0 && (isPut || single.errno !== ENOENT)) {
					throw this.refused(isPut, single.errno);
				}

				done += single.count;
				first++;
			} else {
				throw this.refused(isPut, result.errno);
			}
		}

		return done;
	}

	private refused(isPut: boolean, errno: number): Error {
		return elementError(isPut ? 'write' : 'delete from', this.map.name, errno);
	}

	private many(isPut: boolean, first: number): {count: number; errno: number} {
		return mapBatch(isPut ? 'map_update_batch' : 'map_delete_batch', {
			fd: this.map.fd,
			inCursor: null,
			outCursor: null,
			keys: this.keys.subarray(first * this.keySize),
			values: isPut ? this.values.subarray(first * this.valueSize) : null,
			count: this.count - first,
			elementFlags: 0,
		});
	}

	private one(isPut: boolean, index: number): {count: number; errno: number} {
		const {keySize, valueSize, map} = this;
		// Most changes write one element of a map, which is not to cost a view.
		const key =
			index === 0
				? this.firstKey
				: this.keys.subarray(index * keySize, (index + 1) * keySize);
		const value =
			index === 0
				? this.firstValue
				: this.values.subarray(index * valueSize, (index + 1) * valueSize);
		const result = isPut ? mapUpdate(map.fd, key, value, 0) : mapDelete(map.fd, key);
		return result < 0 ? {count: 0, errno: -result} : doneOne;
	}

	private resize(count: number): void {
		const keys = new Uint8Array(count * this.keySize);
		const values = new Uint8Array(count * this.valueSize);
		keys.set(this.keys.subarray(0, keys.length));
		values.set(this.values.subarray(0, values.length));
		this.capacity = count;
		this.keys = keys;
		this.values = values;
		this.keyView = viewOf(keys);
		this.valueView = viewOf(values);
		this.firstKey = keys.subarray(0, this.keySize);
		this.firstValue = values.subarray(0, this.valueSize);
		this.place = this.placeOf();
	}

	private placeOf(): NextElement {
		return {
			key: {bytes: this.keys, view: this.keyView, at: 0},
			value: {bytes: this.values, view: this.valueView, at: 0},
		};
	}
}

/** Where an element's key and value belong, until the next one. */
export interface NextElement {
	readonly key: Place & {at: number};
	readonly value: Place & {at: number};
}

const doneOne = {count: 1, errno: 0};

function isUnsupported(errno: number): boolean {
	return errno === EINVAL || errno === ENOTSUPP || errno === EOPNOTSUPP;
}

/** The bytes of a key. */
export function encodeKey(map: BpfMap, key: unknown): Uint8Array {
	const bytes = new Uint8Array(map.info.keySize);
	map.keyCodec.encode(key, viewOf(bytes), 0);
	return bytes;
}
