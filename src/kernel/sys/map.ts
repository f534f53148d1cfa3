/** The map commands of bpf(2), one function per command. */

import {constants} from 'node:os';

import type {Command} from '../../uapi/commands.js';
import {addon} from './addon.js';
import {Attr, bpf, tryBpf, tryBpfAsync} from './attr.js';

export interface MapCreateAttr {
	readonly type: number;
	readonly keySize: number;
	readonly valueSize: number;
	readonly maxEntries: number;
	readonly flags: number;
	readonly name: string;
	readonly extra: bigint;
	readonly innerMapFd?: number | undefined;
	readonly numaNode?: number | undefined;
	readonly btfFd?: number | undefined;
	readonly keyTypeId?: number;
	readonly valueTypeId?: number;
	/** Type in the kernel's BTF of the value of a struct_ops map. */
	readonly kernelValueTypeId?: number | undefined;
}

function createAttr(map: MapCreateAttr): Attr {
	const attr = new Attr(72)
		.u32(0, map.type)
		.u32(4, map.keySize)
		.u32(8, map.valueSize)
		.u32(12, map.maxEntries)
		.u32(16, map.flags)
		.u32(20, map.innerMapFd ?? 0)
		.u32(24, map.numaNode ?? 0)
		.name(28, map.name)
		.u32(60, map.kernelValueTypeId ?? 0)
		.u64(64, map.extra);
	if (map.btfFd !== undefined) {
		attr.u32(48, map.btfFd)
			.u32(52, map.keyTypeId ?? 0)
			.u32(56, map.valueTypeId ?? 0);
	}

	return attr;
}

/** *Throws:* `ERR_SYSCALL`. */
export function mapCreate(map: MapCreateAttr): number {
	return bpf('map_create', createAttr(map));
}

/** A descriptor or `-errno`. */
export function tryMapCreate(map: MapCreateAttr): number {
	return tryBpf('map_create', createAttr(map));
}

/** A descriptor or `-errno`, on the thread pool: the kernel clears a large map's memory. */
export async function tryMapCreateAsync(map: MapCreateAttr): Promise<number> {
	return tryBpfAsync('map_create', createAttr(map));
}

/** 0 or `-errno`; `key` is null for maps without keys. */
export const mapLookup = addon.mapLookup;

/** 0 or `-errno`. */
export const mapUpdate = addon.mapUpdate;

/** 0 or `-errno`. */
export const mapDelete = addon.mapDelete;

/** 0 or `-errno`; the first key when `key` is null, `-ENOENT` after the last one. */
export const mapNextKey = addon.mapNextKey;

/** Possible CPUs: the number of values a per-CPU map holds for a key. */
export const possibleCpus = addon.possibleCpus;

/** Bytes of a memory page, of which ring buffers are a power of two. */
export const pageSize = addon.pageSize;

/** 0 or `-errno`. *Kernel:* 4.20 for queues and stacks, 5.14 for hashes. */
export function mapLookupAndDelete(
	fd: number,
	key: Uint8Array | null,
	value: Uint8Array,
	flags: number,
): number {
	const attr = new Attr(32).u32(0, fd).u32(24, flags);
	return tryBpf('map_lookup_and_delete_elem', attr, [8, key, 16, value]);
}

/** 0 or `-errno`; with flags of 64 bits. */
export function mapLookupFlags(
	fd: number,
	key: Uint8Array | null,
	value: Uint8Array,
	flags: bigint,
): number {
	return tryBpf('map_lookup_elem', new Attr(32).u32(0, fd).u64(24, flags), [8, key, 16, value]);
}

/** 0 or `-errno`; with flags of 64 bits. */
export function mapUpdateFlags(
	fd: number,
	key: Uint8Array | null,
	value: Uint8Array,
	flags: bigint,
): number {
	return tryBpf('map_update_elem', new Attr(32).u32(0, fd).u64(24, flags), [8, key, 16, value]);
}

/** 0 or `-errno`, on the thread pool: maps of maps wait for programs that run. */
export async function mapUpdateAsync(
	fd: number,
	key: Uint8Array,
	value: Uint8Array,
): Promise<number> {
	return tryBpfAsync('map_update_elem', new Attr(32).u32(0, fd), [8, key, 16, value]);
}

/** 0 or `-errno`, on the thread pool. */
export async function mapDeleteAsync(fd: number, key: Uint8Array): Promise<number> {
	return tryBpfAsync('map_delete_elem', new Attr(32).u32(0, fd), [8, key]);
}

/** *Throws:* `ERR_SYSCALL`. *Kernel:* 5.2. */
export function mapFreeze(fd: number): void {
	bpf('map_freeze', new Attr(4).u32(0, fd));
}

export type BatchCommand = Extract<Command, `map_${string}_batch`>;

export interface BatchRequest {
	readonly fd: number;
	/** Where the batch before ended; null for the first. */
	readonly inCursor: Uint8Array | null;
	readonly outCursor: Uint8Array | null;
	readonly keys: Uint8Array;
	readonly values: Uint8Array | null;
	readonly count: number;
	/** `BPF_ANY`, `BPF_NOEXIST`, … for every element. */
	readonly elementFlags: number;
}

export interface BatchResult {
	/** Elements done, also when `errno` is set. */
	readonly count: number;
	/** 0, or why the batch ended early: `ENOENT` at the end of the map. */
	readonly errno: number;
}

function batchAttr(request: BatchRequest): Attr {
	return new Attr(56)
		.u32(32, request.count)
		.u32(36, request.fd)
		.u64(40, BigInt(request.elementFlags));
}

function batchPointers(request: BatchRequest): (number | Uint8Array | null)[] {
	const {inCursor, outCursor, keys, values} = request;
	return [0, inCursor, 8, outCursor, 16, keys, 24, values];
}

function batchResult(attr: Attr, requested: number, result: number): BatchResult {
	const errno = result < 0 ? -result : 0;
	const count = attr.getU32(32);
	// Refused before it looked at the count: nothing was done. At the end of a map it is exact.
	const untouched = errno !== 0 && errno !== constants.errno.ENOENT && count === requested;
	return {count: untouched ? 0 : count, errno};
}

/** One batch command. *Kernel:* 5.6. */
export function mapBatch(command: BatchCommand, request: BatchRequest): BatchResult {
	const attr = batchAttr(request);
	return batchResult(attr, request.count, tryBpf(command, attr, batchPointers(request)));
}

/** One batch command on the thread pool. *Kernel:* 5.6. */
export async function mapBatchAsync(
	command: BatchCommand,
	request: BatchRequest,
): Promise<BatchResult> {
	const attr = batchAttr(request);
	return batchResult(
		attr,
		request.count,
		await tryBpfAsync(command, attr, batchPointers(request)),
	);
}
