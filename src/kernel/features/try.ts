/** Small programs and maps that are made to see whether the kernel takes them. */

import {cString} from '../../base/bytes.js';
import {assemble} from '../../format/asm/assemble.js';
import {exit, mov} from '../../format/asm/build.js';
import type {Instruction} from '../../format/asm/instruction.js';
import {attachTypeNumber, type AttachType} from '../../uapi/attach-types.js';
import {mapTypeNumber, type MapType} from '../../uapi/map-types.js';
import {programFlags} from '../../uapi/flags.js';
import {programTypeNumber, type ProgramType} from '../../uapi/program-types.js';
import {addon} from '../sys/addon.js';
import {mapCreate, type MapCreateAttr} from '../sys/map.js';
import {programLoad} from '../sys/program.js';
import {SyscallError} from '../sys/syscall-error.js';
import {kernelVersionCode} from '../host/kernel-version.js';

export type Code = readonly (Instruction | string)[];

export const nothing: Code = [mov('r0', 0), exit()];

export interface TryProgram {
	readonly type: ProgramType;
	readonly attach?: AttachType;
	/** A function or type of the kernel's BTF. */
	readonly attachTypeId?: number;
	readonly flags?: number;
	readonly name?: string;
	readonly btfFd?: number;
	readonly functions?: Uint8Array;
	readonly code?: Code;
}

export interface Tried {
	/** The program's descriptor, or `-errno`. */
	readonly result: number;
	/** What the verifier said; empty when it did not come to it. */
	readonly log: string;
}

/** Loads a program; the descriptor is the caller's. */
export function openProgram(program: TryProgram, log?: Uint8Array): number {
	return programLoad({
		type: programTypeNumber(program.type),
		instructions: assemble(program.code ?? nothing),
		license: 'GPL',
		name: program.name ?? '',
		flags: program.flags ?? (program.type === 'syscall' ? programFlags.sleepable : 0),
		attachType: program.attach === undefined ? 0 : attachTypeNumber(program.attach),
		attachBtfId: program.attachTypeId ?? 0,
		kernelVersion: program.type === 'kprobe' ? kernelVersionCode() : 0,
		...(program.btfFd !== undefined && {btfFd: program.btfFd}),
		...(program.functions !== undefined && {functions: program.functions}),
		logLevel: log === undefined ? 0 : 1,
		log,
	}).result;
}

/** Loads a program and throws it away; a program that is refused, a second time for its log. */
export function tryProgram(program: TryProgram): Tried {
	const fd = openProgram(program);
	if (fd >= 0) {
		addon.closeFd(fd);
		return {result: fd, log: ''};
	}

	const log = new Uint8Array(4096);
	// A log that does not fit would hide the errno.
	openProgram(program, log);
	return {result: fd, log: cString(log)};
}

/** Calls with the program's descriptor; what it gave, or the `-errno` of the load. */
export function withProgram(program: TryProgram, use: (fd: number) => number): number {
	const fd = openProgram(program);
	if (fd < 0) return fd;
	try {
		return use(fd);
	} finally {
		addon.closeFd(fd);
	}
}

export interface TryMap extends Partial<Omit<MapCreateAttr, 'type' | 'name'>> {
	readonly type: MapType;
	readonly name?: string;
}

/** Makes a map of one entry of 4 bytes unless told otherwise; its descriptor, or `-errno`. */
export function openMap({type, ...rest}: TryMap): number {
	return errnoFrom(() =>
		mapCreate({
			keySize: 4,
			valueSize: 4,
			maxEntries: 1,
			flags: 0,
			name: '',
			extra: 0n,
			...rest,
			type: mapTypeNumber(type),
		}),
	);
}

/** Calls with the map's descriptor; what it gave, or the `-errno` of making it. */
export function withMap(map: TryMap, use: (fd: number) => number): number {
	const fd = openMap(map);
	if (fd < 0) return fd;
	try {
		return use(fd);
	} finally {
		addon.closeFd(fd);
	}
}

/** What the call gave, or the `-errno` that it threw. */
export function errnoFrom(call: () => number): number {
	try {
		return call();
	} catch (error) {
		if (!(error instanceof SyscallError)) throw error;
		return -error.errno;
	}
}

/** The same of a call that makes a descriptor, which is closed. */
export function tryOpen(call: () => number): number {
	const fd = errnoFrom(call);
	if (fd >= 0) addon.closeFd(fd);
	return fd;
}
