/** Commands that serve every kind of kernel object: pins, ids, descriptors. */

import {constants} from 'node:os';

import {Attr, cText, tryBpf, tryBpfAsync} from './attr.js';
import {SyscallError} from './syscall-error.js';

const {EAGAIN, ENOENT} = constants.errno;

/** Kinds of object that the kernel numbers. */
export type ObjectKind = 'prog' | 'map' | 'link' | 'btf';

/** *Throws:* `ERR_SYSCALL`. */
export function objectPin(fd: number, path: string): void {
	const result = objectPinCall(path)(fd);
	if (result < 0) throw new SyscallError('obj_pin', -result);
}

/** The same, made ready: the call gives 0 or `-errno`. *Throws:* `ERR_USAGE`. */
export function objectPinCall(path: string): (fd: number) => number {
	const attr = new Attr(16);
	const pointers = [0, cText(path)];
	return fd => tryBpf('obj_pin', attr.u32(8, fd), pointers);
}

/** *Throws:* `ERR_SYSCALL`. `flags`: `BPF_F_RDONLY` (8) or `BPF_F_WRONLY` (16). */
export function objectGet(path: string, flags = 0): number {
	const fd = tryObjectGet(path, flags);
	if (fd === undefined) throw new SyscallError('obj_get', ENOENT);
	return fd;
}

/** The same; undefined when nothing is pinned there. *Throws:* `ERR_SYSCALL`. */
export function tryObjectGet(path: string, flags = 0): number | undefined {
	const result = tryBpf('obj_get', new Attr(16).u32(12, flags), [0, cText(path)]);
	if (result === -ENOENT) return undefined;
	if (result < 0) throw new SyscallError('obj_get', -result);
	return result;
}

/** *Throws:* `ERR_SYSCALL`: `ENOENT` when there is no such id (any more). */
export function objectFdById(kind: ObjectKind, id: number, flags = 0): number {
	const result = openById(kind, id, flags);
	if (result < 0) throw new SyscallError(`${kind}_get_fd_by_id`, -result);
	return result;
}

/** The same; undefined when there is no such id any more, or not yet. *Throws:* `ERR_SYSCALL`. */
export function tryObjectFdById(kind: ObjectKind, id: number): number | undefined {
	const result = openById(kind, id, 0);
	if (result === -ENOENT || result === -EAGAIN) return undefined;
	if (result < 0) throw new SyscallError(`${kind}_get_fd_by_id`, -result);
	return result;
}

// A link has a number while it is being attached, and answers EAGAIN until it is.
const attempts = 1000;

function openById(kind: ObjectKind, id: number, flags: number): number {
	const attr = (kind === 'map' ? new Attr(12).u32(8, flags) : new Attr(4)).u32(0, id);
	let result = -EAGAIN;
	for (let i = 0; i < attempts && result === -EAGAIN; i++) {
		result = tryBpf(`${kind}_get_fd_by_id`, attr);
	}

	return result;
}

/** Ids of all objects of a kind, ascending. *Throws:* `ERR_SYSCALL`. */
export function* objectIds(kind: ObjectKind): Generator<number> {
	const command = `${kind}_get_next_id` as const;
	for (let id = 0; ;) {
		const attr = new Attr(12).u32(0, id);
		const result = tryBpf(command, attr);
		if (result === -ENOENT) return;
		if (result < 0) throw new SyscallError(command, -result);
		id = attr.getU32(4);
		yield id;
	}
}

export interface BtfLoadResult {
	/** A file descriptor, or `-errno`. */
	readonly result: number;
}

/** *Kernel:* 4.18. */
export function btfLoad(bytes: Uint8Array, log?: Uint8Array): BtfLoadResult {
	const {attr, pointers} = btfLoadCall(bytes, log);
	return {result: tryBpf('btf_load', attr, pointers)};
}

/** The same on the thread pool. */
export async function btfLoadAsync(bytes: Uint8Array): Promise<BtfLoadResult> {
	const {attr, pointers} = btfLoadCall(bytes, undefined);
	return {result: await tryBpfAsync('btf_load', attr, pointers)};
}

function btfLoadCall(bytes: Uint8Array, log: Uint8Array | undefined) {
	const attr = new Attr(28).u32(16, bytes.length);
	if (log === undefined) return {attr, pointers: [0, bytes]};
	attr.u32(20, log.length).u32(24, 1);
	return {attr, pointers: [0, bytes, 8, log]};
}
