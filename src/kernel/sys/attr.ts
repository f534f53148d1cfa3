import {UsageError} from '../../base/errors.js';
import {hostLittleEndian, viewOf} from '../../base/bytes.js';
import {commandNumber, type Command} from '../../uapi/commands.js';
import {addon, type Pointers} from './addon.js';
import {SyscallError} from './syscall-error.js';

const encoder = new TextEncoder();

/**
 * An image of `union bpf_attr`, written field by field.
 *
 * *Throws:* `ERR_USAGE` for a number that the field cannot hold: it would be cut off.
 */
export class Attr {
	readonly bytes: Uint8Array;
	private readonly view: DataView;

	constructor(size: number) {
		this.bytes = new Uint8Array(size);
		this.view = viewOf(this.bytes);
	}

	/** Signed fields, as descriptors are, take negative numbers too. */
	u32(offset: number, value: number): this {
		if (!Number.isInteger(value) || value < -(2 ** 31) || value >= 2 ** 32) {
			throw new UsageError(`call the kernel: ${value} is no whole number of 32 bits`);
		}

		this.view.setUint32(offset, value, hostLittleEndian);
		return this;
	}

	u64(offset: number, value: bigint): this {
		if (BigInt.asUintN(64, value) !== value) {
			throw new UsageError(`call the kernel: ${value} is no whole number of 64 bits`);
		}

		this.view.setBigUint64(offset, value, hostLittleEndian);
		return this;
	}

	/** A name of at most 15 bytes and a NUL. */
	name(offset: number, text: string): this {
		encoder.encodeInto(text, this.bytes.subarray(offset, offset + 15));
		return this;
	}

	getU32(offset: number): number {
		return this.view.getUint32(offset, hostLittleEndian);
	}

	getU64(offset: number): bigint {
		return this.view.getBigUint64(offset, hostLittleEndian);
	}
}

/** One call; what the kernel returned, or `-errno`. */
export function tryBpf(
	command: Command,
	attr: Attr,
	pointers: Pointers = [],
	netns: number | undefined = -1,
): number {
	return addon.bpf(commandNumber(command), attr.bytes, pointers, netns);
}

/** One call; what the kernel returned. *Throws:* `ERR_SYSCALL`. */
export function bpf(
	command: Command,
	attr: Attr,
	pointers: Pointers = [],
	netns: number | undefined = -1,
): number {
	const result = tryBpf(command, attr, pointers, netns);
	if (result < 0) throw new SyscallError(command, -result);
	return result;
}

/** One call on the thread pool; what the kernel returned, or `-errno`. */
export async function tryBpfAsync(
	command: Command,
	attr: Attr,
	pointers: Pointers = [],
): Promise<number> {
	return addon.bpfAsync(commandNumber(command), attr.bytes, pointers);
}

/** A NUL-terminated string for the kernel. *Throws:* `ERR_USAGE` for one that ends earlier. */
export function cText(text: string): Uint8Array {
	if (text.includes('\0')) {
		throw new UsageError(`call the kernel: "${text.replaceAll('\0', '\\0')}" has a NUL inside`);
	}

	return Buffer.from(`${text}\0`);
}
