/** What the kernel tells of its objects: `bpf_map_info`, `bpf_prog_info`, `bpf_btf_info`. */

import {cString, hex, hostLittleEndian, viewOf} from '../../base/bytes.js';
import {addon, type Pointers} from './addon.js';
import {SyscallError} from './syscall-error.js';

/** A zero-initialised info struct that answers 0 for what an older kernel did not fill in. */
export class InfoStruct {
	readonly bytes: Uint8Array;
	private readonly view: DataView;

	constructor(size: number) {
		this.bytes = new Uint8Array(size);
		this.view = viewOf(this.bytes);
	}

	/** *Throws:* `ERR_SYSCALL`. */
	fetch(fd: number, pointers: Pointers = []): this {
		const result = addon.objectInfo(fd, this.bytes, pointers);
		if (result < 0) throw new SyscallError('obj_get_info_by_fd', -result);
		return this;
	}

	u32(offset: number): number {
		return this.view.getUint32(offset, hostLittleEndian);
	}

	i32(offset: number): number {
		return this.view.getInt32(offset, hostLittleEndian);
	}

	u64(offset: number): bigint {
		return this.view.getBigUint64(offset, hostLittleEndian);
	}

	text(offset: number, size: number): string {
		return cString(this.bytes.subarray(offset, offset + size));
	}
}

export interface RawMapInfo {
	readonly type: number;
	readonly id: number;
	readonly keySize: number;
	readonly valueSize: number;
	readonly maxEntries: number;
	readonly flags: number;
	readonly name: string;
	readonly ifindex: number;
	readonly btfId: number;
	readonly keyTypeId: number;
	readonly valueTypeId: number;
	readonly extra: bigint;
}

/** *Throws:* `ERR_SYSCALL`. *Kernel:* 4.13; fields that are newer read as 0. */
export function mapInfo(fd: number): RawMapInfo {
	const info = new InfoStruct(88).fetch(fd);
	return {
		type: info.u32(0),
		id: info.u32(4),
		keySize: info.u32(8),
		valueSize: info.u32(12),
		maxEntries: info.u32(16),
		flags: info.u32(20),
		name: info.text(24, 16),
		ifindex: info.u32(40),
		btfId: info.u32(64),
		keyTypeId: info.u32(68),
		valueTypeId: info.u32(72),
		extra: info.u64(80),
	};
}

export interface RawProgramInfo {
	readonly type: number;
	readonly id: number;
	readonly tag: string;
	readonly name: string;
	/** Nanoseconds since boot. */
	readonly loadTime: bigint;
	readonly createdByUid: number;
	readonly ifindex: number;
	readonly gplCompatible: boolean;
	readonly jitedSize: number;
	readonly translatedSize: number;
	readonly mapCount: number;
	readonly btfId: number;
	readonly functionCount: number;
	readonly lineCount: number;
	readonly runTime: bigint;
	readonly runCount: bigint;
	readonly recursionMisses: bigint;
	/** Instructions the verifier walked. *Kernel:* 5.16; 0 before. */
	readonly verifiedInstructions: number;
	readonly attachBtfObjectId: number;
	readonly attachBtfId: number;
}

/** Only what every program is opened with. *Throws:* `ERR_SYSCALL`. *Kernel:* 4.13, 4.15 for names. */
export function programNameAndType(fd: number): Pick<RawProgramInfo, 'name' | 'type'> {
	const info = new InfoStruct(80).fetch(fd);
	return {name: info.text(64, 16), type: info.u32(0)};
}

/** *Throws:* `ERR_SYSCALL`. *Kernel:* 4.13; fields that are newer read as 0. */
export function programInfo(fd: number): RawProgramInfo {
	const info = new InfoStruct(232).fetch(fd);
	return {
		type: info.u32(0),
		id: info.u32(4),
		tag: hex(info.bytes.subarray(8, 16), ''),
		name: info.text(64, 16),
		loadTime: info.u64(40),
		createdByUid: info.u32(48),
		ifindex: info.u32(80),
		gplCompatible: (info.u32(84) & 1) === 1,
		jitedSize: info.u32(16),
		translatedSize: info.u32(20),
		mapCount: info.u32(52),
		btfId: info.u32(128),
		functionCount: info.u32(144),
		lineCount: info.u32(148),
		runTime: info.u64(192),
		runCount: info.u64(200),
		recursionMisses: info.u64(208),
		verifiedInstructions: info.u32(216),
		attachBtfObjectId: info.u32(220),
		attachBtfId: info.u32(224),
	};
}

/** Arrays of `bpf_prog_info`: where the address stands and how long a record is. */
const programArrays = {
	jited: {address: 24, count: 16, unit: 1},
	translated: {address: 32, count: 20, unit: 1},
	mapIds: {address: 56, count: 52, unit: 4},
	functions: {address: 136, count: 144, unit: 8},
	lines: {address: 152, count: 148, unit: 16},
	/** Addresses of the compiled functions. */
	symbols: {address: 112, count: 104, unit: 8},
	/** Bytes of machine code of each function. */
	lengths: {address: 120, count: 108, unit: 4},
	/** Addresses of the machine code of `lines`, one for each. */
	jitedLines: {address: 160, count: 168, unit: 8},
} as const;

/**
 * One array of a program's info, as the kernel lays it out.
 *
 * Empty when the kernel keeps it to itself (`kptr_restrict`, `bpf_jit_harden`) or has none.
 * *Throws:* `ERR_SYSCALL`.
 */
export function programArray(fd: number, array: keyof typeof programArrays): Uint8Array {
	const {address, count, unit} = programArrays[array];
	const wanted = new InfoStruct(232).fetch(fd).u32(count);
	if (wanted === 0) return new Uint8Array(0);
	const bytes = new Uint8Array(wanted * unit);
	const info = new InfoStruct(232).fetch(fd, [address, bytes]);
	if (info.u64(address) === 0n) return new Uint8Array(0);
	return bytes.subarray(0, Math.min(wanted, info.u32(count)) * unit);
}

/** Ids of the maps a program uses. *Throws:* `ERR_SYSCALL`. */
export function programMapIds(fd: number): number[] {
	const bytes = programArray(fd, 'mapIds');
	const view = viewOf(bytes);
	return Array.from({length: bytes.length / 4}, (_, i) =>
		view.getUint32(i * 4, hostLittleEndian),
	);
}

export interface RawBtfInfo {
	readonly id: number;
	/** Empty for the BTF of a program's object. */
	readonly name: string;
	readonly size: number;
	/** BTF of vmlinux or of a module. */
	readonly kernel: boolean;
}

/** *Throws:* `ERR_SYSCALL`. *Kernel:* 4.18; name and `kernel` from 5.11. */
export function btfInfo(fd: number): RawBtfInfo {
	const name = new Uint8Array(128);
	const info = new InfoStruct(32).fetch(fd, [16, name]);
	return {id: info.u32(12), name: cString(name), size: info.u32(8), kernel: info.u32(28) === 1};
}

/** The bytes of a BTF object. *Throws:* `ERR_SYSCALL`. */
export function btfBytes(fd: number): Uint8Array {
	const bytes = new Uint8Array(btfInfo(fd).size);
	new InfoStruct(16).fetch(fd, [0, bytes]);
	return bytes;
}
