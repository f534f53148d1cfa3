/** Copies the elements of a map into its successor, again and again, while programs write to both. */

import {constants} from 'node:os';

import {hostLittleEndian, viewOf} from '../../base/bytes.js';
import {mapDelete, mapLookup, mapLookupAndDelete, mapUpdate} from '../../kernel/sys/map.js';
import {CodecError} from '../../format/codec/codec-error.js';
import {updateFlags} from '../../uapi/flags.js';
import {elementError} from '../map/map-error.js';
import type {BpfMap} from '../map/map.js';
import {evicts} from '../map/map-families.js';
import {isIndexed} from '../../uapi/map-kinds.js';
import {scan, ScanStatus} from '../map/scan.js';
import {ByteTable, same} from '../map/byte-table.js';
import type {Adder} from './adder.js';
import type {Converter, Counter} from './converter.js';
import {MigrationError} from './migration-error.js';
import {deltasOf, isOnlyCounted, withCounters} from './counters.js';

const {E2BIG, EEXIST, ENOENT} = constants.errno;

/** What was copied so far. */
export interface CopyCounts {
	/** Elements that went from the old map to the new one. */
	copied: number;
	/** Elements that the old programs changed after they had been copied. */
	updated: number;
	/** Elements that the old programs removed after they had been copied. */
	deleted: number;
	/** Elements that `transform` dropped. */
	dropped: number;
	/** Elements that both wrote: the new programs' values were kept. */
	kept: number;
	/** Elements to whose counters the old programs' were added. */
	summed: number;
}

/** One element in its new form. */
interface Form {
	readonly key: Uint8Array;
	readonly value: Uint8Array;
	present: boolean;
}

export interface CopierParts {
	readonly old: BpfMap;
	readonly made: BpfMap;
	readonly path: string;
	readonly converter: Converter;
	/** True when the new map has been in use before. */
	readonly resumed: boolean;
	readonly counters: readonly Counter[];
	/** Undefined where no counters were named. */
	readonly adder: Adder | undefined;
	/** Values that each key has: possible CPUs, or 1. */
	readonly cpus: number;
}

export class Copier {
	readonly counts: CopyCounts = {
		copied: 0,
		updated: 0,
		deleted: 0,
		dropped: 0,
		kept: 0,
		summed: 0,
	};
	private readonly parts: CopierParts;
	/** Old elements as they were when they were copied last. */
	private readonly base: ByteTable;
	/** Old keys by their new ones, where two might become one. */
	private readonly taken: ByteTable | undefined;
	private readonly before: Form;
	private readonly now: Form;
	private readonly found: Uint8Array;
	private round = 0;

	constructor(parts: CopierParts) {
		const {old, made, converter} = parts;
		this.parts = parts;
		this.base = new ByteTable(old.raw.keySize, old.raw.valueSize);
		this.taken = converter.sameKeys
			? undefined
			: new ByteTable(made.raw.keySize, old.raw.keySize);
		const form = (): Form => ({
			key: new Uint8Array(made.raw.keySize),
			value: new Uint8Array(made.raw.valueSize),
			present: false,
		});
		[this.before, this.now] = [form(), form()];
		this.found = new Uint8Array(made.raw.valueSize);
	}

	/**
	 * One round: carries over what changed in the old map since the round before. Yields now and
	 * then, for others to run. *Throws:* `ERR_MIGRATION`, `ERR_MAP`, `ERR_MAP_FULL`.
	 */
	*run(): Generator<void, void, undefined> {
		const {old, path} = this.parts;
		const round = ++this.round;
		const status = new ScanStatus();
		const target = {
			fd: old.fd,
			name: old.name,
			keySize: old.raw.keySize,
			valueStride: old.raw.valueSize,
			maxEntries: old.info.maxEntries,
		};
		for (const {keys, values, count, keySize, valueStride} of scan(
			target,
			{batchSize: 1024},
			status,
		)) {
			for (let i = 0; i < count; i++) this.visit(keys, i * keySize, values, i * valueStride);
			yield;
		}

		if (!status.complete) {
			throw new MigrationError(old.name, path, 'it changes faster than it can be read');
		}

		for (const entry of this.base.unmarked(round)) this.vanished(entry);
		// It would not say so, but evict.
		const {made} = this.parts;
		if (round === 1 && evicts(made.info.type) && this.base.size > made.info.maxEntries) {
			this.refuseSize();
		}
	}

	private visit(keys: Uint8Array, keyAt: number, values: Uint8Array, valueAt: number): void {
		const {base, round} = this;
		const entry = base.find(keys, keyAt);
		if (entry >= 0 && base.hasValue(entry, values, valueAt)) {
			base.mark(entry, round);
			return;
		}

		this.convert(keys, keyAt, values, valueAt, this.now);
		if (entry < 0) {
			this.add(keys, keyAt);
		} else {
			this.convert(base.key(entry), 0, base.value(entry), 0, this.before);
			this.change(keys, keyAt);
			this.counts.updated++;
		}

		base.set(keys, keyAt, values, valueAt, round);
	}

	private vanished(entry: number): void {
		this.convert(this.base.key(entry), 0, this.base.value(entry), 0, this.before);
		this.take();
		this.base.remove(entry);
		this.counts.deleted++;
	}

	/** An old element that was not there in the round before. */
	private add(keys: Uint8Array, keyAt: number): void {
		const {now, parts, counts} = this;
		if (!now.present) {
			counts.dropped++;
			return;
		}

		if (this.isBeyond()) return;
		this.claim(keys, keyAt);
		// Arrays have all their elements from the start; nobody else writes to them yet.
		const isFirst = this.round === 1 && !parts.resumed;
		const flags = isFirst && isIndexed(parts.made.info.type) ? 'any' : 'noexist';
		const errno = this.write(now, flags);
		if (errno === EEXIST) this.conflict(undefined);
		else counts.copied++;
	}

	/** An old element that was changed after it had been copied. */
	private change(keys: Uint8Array, keyAt: number): void {
		const {before, now} = this;
		if (!before.present || !now.present || !isSame(before.key, now.key)) {
			this.take();
			if (now.present) this.add(keys, keyAt);
			return;
		}

		if (isSame(before.value, now.value) || this.isBeyond()) return;
		// The new programs removed it: theirs is the later word.
		if (!this.look(now.key)) return;
		if (isSame(this.found, now.value)) return;
		if (this.parts.counters.length > 0) {
			this.conflict(before.value);
		} else if (isSame(this.found, before.value)) {
			this.write(now, 'exist');
		} else {
			this.counts.kept++;
		}
	}

	/** Both sides have written. `before` is what was copied, undefined where nothing was. */
	private conflict(before: Uint8Array | undefined): void {
		const {adder, counters, resumed, cpus} = this.parts;
		const isUnknown = resumed && this.round === 1;
		if (adder === undefined || isUnknown) {
			this.counts.kept++;
			return;
		}

		const {now} = this;
		const stride = now.value.length / cpus;
		if (before !== undefined && !isOnlyCounted(before, now.value, counters, stride)) {
			// More than counters changed: where the new programs left the rest alone, it is carried over.
			if (isOnlyCounted(before, this.found, counters, stride)) {
				const value = withCounters(now.value, this.found, counters, stride);
				this.write({...now, value}, 'exist');
			} else {
				this.counts.kept++;
			}
		}

		for (const {cpu, delta} of deltasOf(before, now.value, counters, stride)) {
			if (!adder.add(now.key, cpu, delta)) return;
		}

		this.counts.summed++;
	}

	/** Removes what the old programs removed, unless the new ones have written to it. */
	private take(): void {
		const {before, parts} = this;
		if (!before.present || !this.look(before.key)) return;
		if (!isSame(this.found, before.value)) {
			this.counts.kept++;
			return;
		}

		const result = mapLookupAndDelete(parts.made.fd, before.key, this.found, 0);
		if (result === -ENOENT) return;
		if (result < 0) {
			mapDelete(parts.made.fd, before.key);
			return;
		}

		// It was written to in between: back again, unless there is one already.
		if (isSame(this.found, before.value)) return;
		this.counts.kept++;
		this.write({key: before.key, value: this.found, present: true}, 'noexist');
	}

	/** Two old elements must not become one. */
	private claim(keys: Uint8Array, keyAt: number): void {
		const {taken, base, now, parts} = this;
		if (taken === undefined) return;
		const entry = taken.find(now.key, 0);
		const isOther = entry >= 0 && !taken.hasValue(entry, keys, keyAt);
		if (isOther && base.find(taken.value(entry), 0) >= 0) {
			const key = parts.made.keyCodec.toJson(viewOf(now.key), 0);
			const detail = `two of its keys would both become ${key}`;
			throw new MigrationError(parts.old.name, parts.path, detail);
		}

		taken.set(now.key, 0, keys, keyAt, 1);
	}

	/** True of an element of zeros for which a shorter array has no place. */
	private isBeyond(): boolean {
		const {key, value} = this.now;
		const {type, maxEntries} = this.parts.made.info;
		if (!isIndexed(type) || viewOf(key).getUint32(0, hostLittleEndian) < maxEntries)
			return false;
		if (value.some(byte => byte !== 0)) this.refuseSize();
		return true;
	}

	private refuseSize(): never {
		const {old, made, path} = this.parts;
		const detail = `the new one has room for ${made.info.maxEntries} elements only`;
		throw new MigrationError(old.name, path, detail);
	}

	private look(key: Uint8Array): boolean {
		const {made} = this.parts;
		const result = mapLookup(made.fd, key, this.found, 0);
		if (result === -ENOENT) return false;
		if (result < 0) throw elementError('read', made.name, -result);
		return true;
	}

	/** 0, or an errno that says whether the key is there. */
	private write({key, value}: Form, mode: 'any' | 'noexist' | 'exist'): number {
		const {made} = this.parts;
		const result = mapUpdate(made.fd, key, value, updateFlags[mode]);
		if (result === 0 || result === -EEXIST || result === -ENOENT) return -result;
		if (result === -E2BIG) this.refuseSize();
		throw elementError('write', made.name, -result);
	}

	private convert(
		keys: Uint8Array,
		keyAt: number,
		values: Uint8Array,
		valueAt: number,
		into: Form,
	): void {
		const {converter, old, path} = this.parts;
		try {
			into.present = converter.convert(keys, keyAt, values, valueAt, into.key, into.value);
		} catch (cause) {
			if (!(cause instanceof CodecError)) throw cause;
			const key = keys.slice(keyAt, keyAt + old.raw.keySize);
			const detail = `the value of key ${converter.describeKey(key)} does not fit: ${cause.message}`;
			throw new MigrationError(old.name, path, detail, {cause});
		}
	}
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
	return same(a, 0, b, 0, a.length);
}
