/** Writes to the maps of services, collected and then done in an order that is safe at any point. */

import {constants} from 'node:os';

import {hostLittleEndian, viewOf} from '../../base/bytes.js';
import {mapBatch, mapDelete, mapUpdate} from '../../kernel/sys/map.js';
import {elementError} from '../../object/map/map-error.js';
import type {BpfMap} from '../../object/map/map.js';
import {ENOTSUPP} from '../../uapi/errno.js';
import type {DatapathMapName} from '../layout/map-table.js';
import type {DatapathMaps} from '../maps.js';

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
	private readonly steps = new Map<Step, Map<DatapathMapName, Pending>>();
	private count = 0;

	constructor(maps: DatapathMaps) {
		this.maps = maps;
	}

	get isEmpty(): boolean {
		return this.count === 0;
	}

	/** Forgets what was collected and counted. */
	clear(): void {
		this.written = 0;
		this.removed = 0;
		this.count = 0;
		for (const maps of this.steps.values())
			for (const pending of maps.values()) pending.clear();
	}

	put(step: Step, name: DatapathMapName, key: unknown, value: unknown): void {
		this.at(step, name).add(key, value, undefined);
	}

	/** The same for a key of which 16 bits, at an offset in bytes, are another number. */
	putAt(
		step: Step,
		name: DatapathMapName,
		key: unknown,
		part: {readonly offset: number; readonly number: number},
		value: unknown,
	): void {
		this.at(step, name).add(key, value, part);
	}

	delete(
		step: Step,
		name: DatapathMapName,
		key: unknown,
		part?: {readonly offset: number; readonly number: number},
	): void {
		this.at(step, name).add(key, undefined, part);
	}

	/** Does what was collected; `tables` does its own two steps when their turn comes. */
	async flush(tables: TableWrites): Promise<void> {
		for (const step of order) {
			if (step === 'put tables') await tables.put();
			else if (step === 'delete tables') await tables.remove();
			else this.flushStep(step);
		}
	}

	/** The same where there are no tables, without a break. */
	flushNow(): void {
		for (const step of order) this.flushStep(step);
	}

	private flushStep(step: Step): void {
		const maps = this.steps.get(step);
		if (maps === undefined) return;
		const isPut = step.startsWith('put');
		for (const pending of maps.values()) {
			if (pending.count === 0) continue;
			const done = pending.flush(isPut);
			if (isPut) this.written += done;
			else this.removed += done;
		}
	}

	private at(step: Step, name: DatapathMapName): Pending {
		this.count++;
		let maps = this.steps.get(step);
		if (maps === undefined) {
			maps = new Map<DatapathMapName, Pending>();
			this.steps.set(step, maps);
		}

		let found = maps.get(name);
		if (found === undefined) {
			maps.set(name, (found = new Pending(this.maps.require(name))));
		}

		return found;
	}
}

/** What the writes of look-up tables do: they wait for the kernel. */
export interface TableWrites {
	put(): Promise<void>;
	remove(): Promise<void>;
}

/** Elements of one map that wait to be written or removed together. */
class Pending {
	count = 0;
	private readonly map: BpfMap;
	private readonly keySize: number;
	private readonly valueSize: number;
	private keys = new Uint8Array();
	private values = new Uint8Array();
	private keyView = viewOf(this.keys);
	private valueView = viewOf(this.values);

	constructor(map: BpfMap) {
		this.map = map;
		this.keySize = map.info.keySize;
		this.valueSize = map.info.valueSize;
		this.resize(8);
	}

	add(
		key: unknown,
		value: unknown,
		part: {readonly offset: number; readonly number: number} | undefined,
	): void {
		const {count, keySize, valueSize, map} = this;
		if ((count + 1) * keySize > this.keys.length) this.resize(count * 2);
		map.keyCodec.encode(key, this.keyView, count * keySize);
		if (part !== undefined) {
			this.keyView.setUint16(count * keySize + part.offset, part.number, hostLittleEndian);
		}

		if (value !== undefined) map.valueCodec.encode(value, this.valueView, count * valueSize);
		this.count++;
	}

	clear(): void {
		this.count = 0;
		if (this.keys.length > mostKept * this.keySize) {
			this.keys = new Uint8Array();
			this.values = new Uint8Array();
			this.resize(8);
		}
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
		const key = this.keys.subarray(index * keySize, (index + 1) * keySize);
		const at = index * valueSize;
		const result = isPut
			? mapUpdate(map.fd, key, this.values.subarray(at, at + valueSize), 0)
			: mapDelete(map.fd, key);
		return result < 0 ? {count: 0, errno: -result} : {count: 1, errno: 0};
	}

	private resize(count: number): void {
		const keys = new Uint8Array(count * this.keySize);
		const values = new Uint8Array(count * this.valueSize);
		keys.set(this.keys);
		values.set(this.values);
		this.keys = keys;
		this.values = values;
		this.keyView = viewOf(keys);
		this.valueView = viewOf(values);
	}
}

function isUnsupported(errno: number): boolean {
	return errno === EINVAL || errno === ENOTSUPP || errno === EOPNOTSUPP;
}

/** The bytes of a key. */
export function encodeKey(map: BpfMap, key: unknown): Uint8Array {
	const bytes = new Uint8Array(map.info.keySize);
	map.keyCodec.encode(key, viewOf(bytes), 0);
	return bytes;
}
