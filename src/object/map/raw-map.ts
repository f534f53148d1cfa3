import {constants} from 'node:os';

import {UsageError} from '../../base/errors.js';
import type {Fd} from '../../kernel/sys/fd.js';
import {mapDelete, mapLookup, mapLookupAndDelete, mapUpdate} from '../../kernel/sys/map.js';
import {updateBytes} from './batch.js';
import type {FastSource} from './fast-scan.js';
import {elementError} from './map-error.js';
import type {MapInfo} from './map-info.js';
import {
	scan,
	scanAsync,
	ScanStatus,
	type Batch,
	type ScanOptions,
	type ScanTarget,
} from './scan.js';

const {ENOENT} = constants.errno;

/**
 * A map's keys and values as bytes, just as the kernel has them.
 *
 * Per-CPU values stand one after the other, each at a multiple of 8 bytes. *Throws:* `ERR_MAP`,
 * `ERR_USAGE` for bytes of the wrong length.
 */
export class RawMap {
	/** Bytes of a key. */
	readonly keySize: number;
	/** Bytes of what belongs to a key. */
	readonly valueSize: number;
	private readonly fd: Fd;
	private readonly info: MapInfo;
	private readonly fast: FastSource;
	private scratch: Uint8Array | undefined;

	constructor(fd: Fd, fast: FastSource, valueSize: number) {
		this.fd = fd;
		this.info = fast.info;
		this.fast = fast;
		this.keySize = fast.info.keySize;
		this.valueSize = valueSize;
	}

	/**
	 * The value, in `into` where it is given, which makes nothing new then; undefined when there is no
	 * such key.
	 */
	get(key: Uint8Array, into?: Uint8Array): Uint8Array | undefined {
		this.check('key', key, this.keySize);
		if (into !== undefined) this.check('buffer', into, this.valueSize);
		const target = into ?? (this.scratch ??= new Uint8Array(this.valueSize));
		const result = mapLookup(this.fd.number, key, target, 0);
		if (result === 0) return into ?? target.slice();
		if (result === -ENOENT) return undefined;
		throw elementError('read', this.info.name, -result);
	}

	/** `flags`: `BPF_ANY` 0, `BPF_NOEXIST` 1, `BPF_EXIST` 2, `BPF_F_LOCK` 4. */
	set(key: Uint8Array, value: Uint8Array, flags = 0): void {
		this.check('key', key, this.keySize);
		this.check('value', value, this.valueSize);
		const result = mapUpdate(this.fd.number, key, value, flags);
		if (result < 0) throw elementError('write', this.info.name, -result);
	}

	/**
	 * Writes elements whose keys and values stand one behind the other, in few calls. Where one is
	 * refused, those before it are written. *Kernel:* batches from 5.6.
	 */
	setMany(keys: Uint8Array, values: Uint8Array): void {
		const count = Math.floor(keys.length / this.keySize);
		this.check('keys', keys, count * this.keySize);
		this.check('values', values, count * this.valueSize);
		updateBytes(this.target(), keys, values);
	}

	/** Reads and removes at once; undefined when there is no such key. *Kernel:* 5.14 for hash maps. */
	take(key: Uint8Array): Uint8Array | undefined {
		this.check('key', key, this.keySize);
		const value = new Uint8Array(this.valueSize);
		const result = mapLookupAndDelete(this.fd.number, key, value, 0);
		if (result >= 0) return value;
		if (result === -ENOENT) return undefined;
		throw elementError('take from', this.info.name, -result);
	}

	/** True when the key was there. */
	delete(key: Uint8Array): boolean {
		this.check('key', key, this.keySize);
		const result = mapDelete(this.fd.number, key);
		if (result === 0 || result === -ENOENT) return result === 0;
		throw elementError('delete from', this.info.name, -result);
	}

	/** All elements in batches whose bytes the next batch overwrites. */
	batches(options: ScanOptions = {}): Iterable<Batch> & AsyncIterable<Batch> {
		const target = this.target();
		return {
			[Symbol.iterator]: () => scan(target, options, new ScanStatus()),
			[Symbol.asyncIterator]: () => scanAsync(target, options, new ScanStatus()),
		};
	}

	private target(): ScanTarget {
		return {
			fd: this.fd.number,
			name: this.info.name,
			keySize: this.keySize,
			valueStride: this.valueSize,
			maxEntries: this.info.maxEntries,
			fast: this.fast,
		};
	}

	private check(what: string, bytes: Uint8Array, size: number): void {
		if (bytes.length === size) return;
		throw new UsageError(
			`use ${what} of map "${this.info.name}": expected ${size} bytes, got ${bytes.length}`,
		);
	}
}
