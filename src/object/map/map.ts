import {constants} from 'node:os';

import {alignUp, viewOf} from '../../base/bytes.js';
import type {Codec} from '../../format/codec/codec.js';
import type {Fd} from '../../kernel/sys/fd.js';
import {
	mapDelete,
	mapFreeze,
	mapLookup,
	mapLookupAndDelete,
	mapUpdate,
	possibleCpus,
} from '../../kernel/sys/map.js';
import {SyscallError} from '../../kernel/sys/syscall-error.js';
import {ENOTSUPP} from '../../uapi/errno.js';
import {updateFlags} from '../../uapi/flags.js';
import {KernelObject} from '../pin/kernel-object.js';
import {deleteMany, updateMany} from './batch.js';
import {
	cursorIterator,
	keyIterator,
	pairCaller,
	pairIterator,
	valueIterator,
	type ElementCaller,
	type Entry,
} from './element-iterators.js';
import {batchIterator, Entries, type ElementIterator} from './entries.js';
import type {FastSource} from './fast-scan.js';
import {JsonLines} from './json-lines.js';
import {chooseCodecs, type MapCodecOptions, type MapCodecs, type MapTypes} from './map-codecs.js';
import {elementError, MapError} from './map-error.js';
import {MapMemory, type MemoryOptions} from './map-memory.js';
import {isKeyless, isPerCpu} from '../../uapi/map-kinds.js';
import {isIterable, type MapInfo} from './map-info.js';
import {readCpu, writeCpu} from './one-cpu.js';
import {RawMap} from './raw-map.js';
import {scan, ScanStatus, type Batch, type ScanOptions, type ScanTarget} from './scan.js';

const {EBUSY, ENOENT} = constants.errno;

/** How an element is written. */
export interface SetOptions {
	/** `noexist` refuses a key that is there, `exist` one that is not; `any` unless given. */
	readonly mode?: 'any' | 'noexist' | 'exist';
	/** Takes the value's `bpf_spin_lock` meanwhile. *Kernel:* 5.1. */
	readonly lock?: boolean;
}

/** How an element is looked up. */
export interface GetOptions {
	/** Takes the value's `bpf_spin_lock` meanwhile. *Kernel:* 5.1. */
	readonly lock?: boolean;
}

/** Made when they are first asked for. */
interface WaysToRead<K, V> {
	keys?: ElementIterator<K>;
	values?: ElementIterator<V>;
	pairs?: ElementIterator<[K, V]>;
	cursor?: ElementIterator<Entry<K, V>>;
	each?: ElementCaller<K, V>;
}

/** How to open a map: codecs for its keys and values. */
export type OpenMapOptions = MapCodecOptions;

/**
 * A map in the kernel, by a file descriptor that `close()` gives back.
 *
 * Keys and values are what their BTF types say: objects with named fields, bigint for 64 bits. For
 * per-CPU maps a value is an array with one element per possible CPU. Methods are synchronous; their
 * errors are `ERR_MAP` with `errno`, `ERR_KEY_EXISTS`, `ERR_KEY_NOT_FOUND`, `ERR_MAP_FULL`, and
 * `ERR_CODEC` for a key or value that does not fit its type.
 */
export class BpfMap<K = unknown, V = unknown> extends KernelObject {
	readonly info: MapInfo;
	/** BTF of key and value; undefined where the map has none. */
	readonly types: MapTypes | undefined;
	/** Keys and values as bytes. */
	readonly raw: RawMap;
	private readonly codecs: MapCodecs;
	private readonly fast: FastSource;
	private readonly keyBytes: Uint8Array | null;
	private readonly keyView: DataView;
	private readonly valueBytes: Uint8Array;
	private readonly valueView: DataView;
	private readonly ways: WaysToRead<K, V> = {};

	/** Use `createMap`, `openPinnedMap` or `openMapById`. Takes over `fd`. */
	constructor(fd: Fd, info: MapInfo, types: MapTypes | undefined, options: OpenMapOptions = {}) {
		super(fd, `map "${info.name}"`);
		this.info = info;
		this.types = types;
		this.codecs = chooseCodecs(info, types, options);
		this.fast = {info, types, codecs: options};
		const keyless = isKeyless(info.type) || info.keySize === 0;
		const keyBytes = new Uint8Array(keyless ? 0 : info.keySize);
		this.keyBytes = keyless ? null : keyBytes;
		this.keyView = viewOf(keyBytes);
		this.valueBytes = new Uint8Array(this.codecs.value.size);
		this.valueView = viewOf(this.valueBytes);
		this.raw = new RawMap(fd, this.fast, this.codecs.value.size);
	}

	get name(): string {
		return this.info.name;
	}

	/** Codecs of key, of one value, and of everything exchanged for a key. */
	get keyCodec(): Codec<K> {
		return this.codecs.key as Codec<K>;
	}

	get valueCodec(): Codec<V> {
		return this.codecs.value as Codec<V>;
	}

	/** The value of `key`; undefined when there is none. */
	get(key: K, options?: GetOptions): V | undefined {
		const flags = options?.lock === true ? updateFlags.lock : 0;
		const result = mapLookup(this.fd, this.encodeKey(key), this.valueBytes, flags);
		if (result === 0) return this.codecs.value.decode(this.valueView, 0) as V;
		if (result === -ENOENT) return undefined;
		throw elementError('read', this.name, -result);
	}

	/** Is there an element under this key? */
	has(key: K): boolean {
		const result = mapLookup(this.fd, this.encodeKey(key), this.valueBytes, 0);
		if (result === 0 || result === -ENOENT) return result === 0;
		throw elementError('read', this.name, -result);
	}

	/** Writes an element. */
	set(key: K, value: V, options?: SetOptions): void {
		this.codecs.value.encode(value, this.valueView, 0);
		const flags = options === undefined ? 0 : flagsOf(options);
		const result = mapUpdate(this.fd, this.encodeKey(key), this.valueBytes, flags);
		if (result < 0) throw elementError('write', this.name, -result);
	}

	/**
	 * One CPU's value of a per-CPU map. Kernels before 7.0 hand over those of all CPUs, of which one
	 * is decoded.
	 */
	getCpu(key: K, cpu: number): unknown {
		const {fd, info, valueBytes: values} = this;
		const at = readCpu({fd, info, key: this.encodeKey(key), values, cpu});
		return at === undefined ? undefined : this.codecs.element.decode(this.valueView, at);
	}

	/**
	 * Writes one CPU's value of a per-CPU map and leaves those of the others. *Throws:*
	 * `ERR_UNSUPPORTED`. *Kernel:* 7.0.
	 */
	setCpu(key: K, cpu: number, value: unknown, options: SetOptions = {}): void {
		const {fd, info, valueBytes: values} = this;
		this.codecs.element.encode(value, this.valueView, 0);
		writeCpu({fd, info, key: this.encodeKey(key), values, cpu}, flagsOf(options));
	}

	/** Gives every CPU of a per-CPU map the same value. */
	setEveryCpu(key: K, value: unknown, options: SetOptions = {}): void {
		if (!isPerCpu(this.info.type)) {
			const detail = `a map of type ${this.info.type} has one value for all CPUs`;
			throw new MapError('write', this.name, detail);
		}

		const cpus = possibleCpus();
		for (let cpu = 0; cpu < cpus; cpu++) {
			const at = (cpu * this.valueBytes.length) / cpus;
			this.codecs.element.encode(value, this.valueView, at);
		}

		const bytes = this.encodeKey(key);
		const result = mapUpdate(this.fd, bytes, this.valueBytes, flagsOf(options));
		if (result < 0) throw elementError('write', this.name, -result);
	}

	/** True when the key was there. */
	delete(key: K): boolean {
		const bytes = this.encodeKey(key);
		if (bytes === null) throw new MapError('delete from', this.name, 'it has no keys');
		const result = mapDelete(this.fd, bytes);
		if (result === 0 || result === -ENOENT) return result === 0;
		throw elementError('delete from', this.name, -result);
	}

	/** Reads and removes at once. *Kernel:* 5.14 for hash maps. */
	take(key: K): V | undefined {
		return this.lookupAndDelete(this.encodeKey(key));
	}

	/**
	 * Appends to a queue or stack, or adds to a bloom filter. With mode `exist` a full queue or stack
	 * loses its oldest element for it.
	 */
	push(value: V, options: SetOptions = {}): void {
		this.requireKeyless('push to');
		this.codecs.value.encode(value, this.valueView, 0);
		const result = mapUpdate(this.fd, null, this.valueBytes, flagsOf(options));
		if (result < 0) throw elementError('push to', this.name, -result);
	}

	/** Takes the next element of a queue or stack; undefined when it is empty. */
	pop(): V | undefined {
		this.requireKeyless('pop from');
		return this.lookupAndDelete(null);
	}

	/** Reads the next element of a queue or stack without taking it. */
	peek(): V | undefined {
		this.requireKeyless('peek into');
		if (this.info.type === 'bloom_filter') {
			throw new MapError(
				'peek into',
				this.name,
				'a bloom filter gives nothing back; use mayHave',
			);
		}

		const result = mapLookup(this.fd, null, this.valueBytes, 0);
		if (result === 0) return this.codecs.value.decode(this.valueView, 0) as V;
		if (result === -ENOENT) return undefined;
		throw elementError('peek into', this.name, -result);
	}

	/**
	 * False when the value was never added to a bloom filter; true when it probably was. *Kernel:*
	 * 5.16.
	 */
	mayHave(value: V): boolean {
		if (this.info.type !== 'bloom_filter') {
			throw new MapError(
				'look into',
				this.name,
				`a map of type ${this.info.type} is no filter`,
			);
		}

		this.codecs.value.encode(value, this.valueView, 0);
		const result = mapLookup(this.fd, null, this.valueBytes, 0);
		if (result === 0 || result === -ENOENT) return result === 0;
		throw elementError('look into', this.name, -result);
	}

	/** Writes many elements in few calls; the number written. *Kernel:* batches from 5.6. */
	setMany(entries: Iterable<readonly [K, V]>, options: SetOptions = {}): number {
		return updateMany(this.target(), this.codecs, entries, flagsOf(options));
	}

	/** Removes many keys in few calls; the number that were there. */
	deleteMany(keys: Iterable<K>): number {
		return deleteMany(this.target(), this.codecs, keys);
	}

	/** Every element as `[key, value]`; `complete` of the result tells how it ended. */
	entries(options: ScanOptions = {}): Entries<[K, V]> {
		const {key, value} = this.codecs;
		this.ways.pairs ??= pairIterator(key as Codec<K>, value as Codec<V>);
		return this.scan(options, this.ways.pairs);
	}

	/**
	 * Calls a function with every value and key: the fastest way to look at whole elements. True
	 * when it saw the whole map, see `Entries.complete`. To end early, throw.
	 */
	forEach(callback: (value: V, key: K) => void, options: ScanOptions = {}): boolean {
		const {key, value} = this.codecs;
		this.ways.each ??= pairCaller(key as Codec<K>, value as Codec<V>);
		const status = new ScanStatus();
		this.ways.each(scan(this.scanTarget(), options, status), callback);
		return status.complete;
	}

	/** All keys, as `entries` gives elements. */
	keys(options: ScanOptions = {}): Entries<K> {
		this.ways.keys ??= keyIterator(this.codecs.key as Codec<K>);
		return this.scan(options, this.ways.keys);
	}

	/** All values, as `entries` gives elements. */
	values(options: ScanOptions = {}): Entries<V> {
		this.ways.values ??= valueIterator(this.codecs.value as Codec<V>);
		return this.scan(options, this.ways.values);
	}

	/**
	 * Every element through one object that moves: its fields are read only when asked for, and are
	 * overwritten by the next step. The fastest way to look at few fields of many elements.
	 */
	cursor(options: ScanOptions = {}): Entries<Entry<K, V>> {
		const {key, value} = this.codecs;
		this.ways.cursor ??= cursorIterator(key as Codec<K>, value as Codec<V>);
		return this.scan(options, this.ways.cursor);
	}

	/** Every element as JSON, 64-bit numbers with all their digits. */
	json(options: ScanOptions = {}): Entries<string> {
		return this.scan(options, batchIterator(this.jsonLines().lines));
	}

	/**
	 * The same as bytes: pieces of about 64 KB, of whole lines that end in a line feed each. The
	 * fastest way to write a map to a file or a pipe.
	 */
	jsonBytes(options: ScanOptions = {}): Entries<Uint8Array> {
		const lines = this.jsonLines();
		return this.scan(options, batchIterator(lines.pieces, lines.count));
	}

	/** Undecoded batches; see `ScanOptions`. */
	batches(options: ScanOptions = {}): Iterable<Batch> & AsyncIterable<Batch> {
		return this.raw.batches(options);
	}

	/**
	 * The values of an array map with the flag `BPF_F_MMAPABLE` as memory, to be closed by the caller.
	 *
	 * *Kernel:* 5.5. *Throws:* `ERR_MAP` for any other map, and with `writable` for one that is
	 * frozen.
	 */
	memory(options: MemoryOptions = {}): MapMemory<V> {
		return new MapMemory(this.fd, this.info, this.codecs.value as Codec<V>, options);
	}

	/** All elements, as `entries` gives them. */
	[Symbol.iterator](): Iterator<[K, V]> {
		return this.entries()[Symbol.iterator]();
	}

	/**
	 * Forbids every further write from user space. *Throws:* `ERR_MAP`: it is mapped for writing
	 * (`EBUSY`), or its values have locks, timers or the like. *Kernel:* 5.2.
	 */
	freeze(): void {
		try {
			mapFreeze(this.fd);
		} catch (cause) {
			if (!(cause instanceof SyscallError)) throw cause;
			throw new MapError('freeze', this.name, freezeDetail(cause), {
				cause,
				errno: cause.errno,
			});
		}
	}

	private encodeKey(key: K): Uint8Array | null {
		if (this.keyBytes !== null) this.codecs.key.encode(key, this.keyView, 0);
		return this.keyBytes;
	}

	private lookupAndDelete(key: Uint8Array | null): V | undefined {
		const result = mapLookupAndDelete(this.fd, key, this.valueBytes, 0);
		if (result >= 0) return this.codecs.value.decode(this.valueView, 0) as V;
		if (result === -ENOENT) return undefined;
		throw elementError('take from', this.name, -result);
	}

	private requireKeyless(action: string): void {
		if (isKeyless(this.info.type)) return;
		throw new MapError(action, this.name, `a map of type ${this.info.type} has keys`);
	}

	private jsonLines(): JsonLines {
		const {key, value} = this.codecs;
		return new JsonLines(key, value, isPerCpu(this.info.type));
	}

	private scan<T>(options: ScanOptions, iterate: ElementIterator<T>): Entries<T> {
		return new Entries<T>(this.scanTarget(), options, iterate);
	}

	private scanTarget(): ScanTarget {
		if (isIterable(this.info.type)) return this.target();
		const detail = `the kernel cannot list a map of type ${this.info.type}`;
		throw new MapError('list', this.name, detail);
	}

	private target(): ScanTarget {
		const {name, keySize, maxEntries} = this.info;
		const valueStride = this.codecs.value.size;
		return {fd: this.fd, name, keySize, valueStride, maxEntries, fast: this.fast};
	}
}

function flagsOf({mode = 'any', lock = false}: SetOptions): number {
	return updateFlags[mode] | (lock ? updateFlags.lock : 0);
}

function freezeDetail({errno, message}: SyscallError): string {
	if (errno === EBUSY) return 'it is being written to, or mapped for writing';
	return errno === ENOTSUPP ? 'its values have locks, timers or the like' : message;
}

/** Bytes that the kernel exchanges for one value. */
export function valueStride(info: Pick<MapInfo, 'type' | 'valueSize'>): number {
	return isPerCpu(info.type) ? alignUp(info.valueSize, 8) * possibleCpus() : info.valueSize;
}
