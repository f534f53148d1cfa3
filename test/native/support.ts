/** What the tests of the addon share: calls by hand, and buffers with guarded surroundings. */

import {constants} from 'node:os';
import type {ExecutionContext} from 'ava';
import {addon, type Pointers} from '../../src/kernel/sys/addon.js';
import {commands, type Command} from '../../src/uapi/commands.js';
import {mapTypes, type MapType} from '../../src/uapi/map-types.js';

export {addon};

/** Commands by their numbers in the kernel's ABI. */
export const command = commands;

/** An image of attr with u32 fields, `{offset: value}`. */
export function attrOf(size: number, fields: Readonly<Record<number, number>> = {}): Uint8Array {
	const attr = new Uint8Array(size);
	const view = new DataView(attr.buffer);
	for (const [offset, value] of Object.entries(fields))
		view.setUint32(Number(offset), value, true);
	return attr;
}

export function u32(bytes: Uint8Array, offset: number): number {
	return new DataView(bytes.buffer, bytes.byteOffset).getUint32(offset, true);
}

export function call(name: Command, attr: Uint8Array, pointers: Pointers = []): number {
	return addon.bpf(commands[name as keyof typeof commands], attr, pointers, -1);
}

export async function callAsync(
	name: Command,
	attr: Uint8Array,
	pointers: Pointers = [],
): Promise<number> {
	return addon.bpfAsync(commands[name as keyof typeof commands], attr, pointers);
}

/** RTM_GETLINK of one interface, with an acknowledgement. */
export function netlinkRequest(ifindex: number): Uint8Array {
	const bytes = attrOf(32, {0: 32, 20: ifindex});
	bytes.set([18, 0, 5, 0], 4);
	return bytes;
}

export interface MapSizes {
	readonly type?: MapType;
	readonly key?: number;
	readonly value?: number;
	readonly entries?: number;
	readonly flags?: number;
	readonly innerFd?: number;
}

/** A map; its descriptor is the caller's to close. */
export function openMap(sizes: MapSizes = {}): number {
	const {type = 'hash', key = 8, value = 24, entries = 64, flags = 0, innerFd = 0} = sizes;
	const number = mapTypes[type as keyof typeof mapTypes];
	const attr = attrOf(72, {0: number, 4: key, 8: value, 12: entries, 16: flags, 20: innerFd});
	return call('map_create', attr);
}

/** A map that is closed when the test ends. */
export function makeMap(t: ExecutionContext, sizes: MapSizes = {}): number {
	const fd = openMap(sizes);
	if (fd < 0) throw Object.assign(new Error(`make map: ${fd}`), {errno: -fd});
	t.teardown(() => addon.closeFd(fd));
	return fd;
}

/** `r0 = RESULT; exit`, loaded as an XDP program; closed when the test ends. */
export function makeProgram(t: ExecutionContext, result = 2): number {
	const instructions = Uint8Array.of(0xb7, 0, 0, 0, result, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0);
	const attr = attrOf(144, {0: 6, 4: 2, 68: 37});
	let fd;
	do {
		fd = call('prog_load', attr, [8, instructions, 16, Buffer.from('GPL\0')]);
		// A signal, such as the end of a child, interrupts the verifier.
	} while (fd === -constants.errno.EAGAIN);
	if (fd < 0) throw Object.assign(new Error(`load program: ${fd}`), {errno: -fd});
	t.teardown(() => addon.closeFd(fd));
	return fd;
}

const zone = 512;
const pattern = 0xa5;

/** Bytes in the middle of a larger buffer whose rest nobody may touch. */
export interface Guarded {
	readonly bytes: Uint8Array;
	readonly intact: () => boolean;
}

export function guarded(size: number, shared = false): Guarded {
	const buffer = shared
		? new SharedArrayBuffer(size + 2 * zone)
		: new ArrayBuffer(size + 2 * zone);
	const all = new Uint8Array(buffer).fill(pattern);
	const bytes = new Uint8Array(buffer, zone, size);
	bytes.fill(0);
	return {
		bytes,
		intact: () =>
			[...all.subarray(0, zone), ...all.subarray(zone + size)].every(
				byte => byte === pattern,
			),
	};
}

/** Detaches the buffer under `bytes`, as a transfer to a worker does. */
export function detach(bytes: Uint8Array): void {
	structuredClone(bytes.buffer, {transfer: [bytes.buffer as ArrayBuffer]});
}

interface Resizable {
	resize(size: number): void;
}

/** Bytes of a buffer that `shrink` makes shorter under them. */
export function resizable(size: number): {bytes: Uint8Array; shrink: (size: number) => void} {
	const options = {maxByteLength: size};
	const Buffer = ArrayBuffer as unknown as new (
		size: number,
		options: object,
	) => ArrayBuffer & Resizable;
	const buffer = new Buffer(size, options);
	return {bytes: new Uint8Array(buffer), shrink: smaller => buffer.resize(smaller)};
}

/** The bytes that the addon says the kernel uses of a buffer, when it is given an empty one. */
export function requiredBytes(attempt: () => unknown): number | undefined {
	try {
		attempt();
	} catch (error) {
		if (!(error instanceof RangeError)) throw error;
		const required = /: 0 bytes, the kernel uses (\d+)$/.exec(error.message)?.[1];
		return required === undefined ? undefined : Number(required);
	}

	return undefined;
}
