import {hostLittleEndian, viewOf} from '../../base/bytes.js';
import {
	programArray,
	programInfo,
	programNameAndType,
	type RawProgramInfo,
} from '../../kernel/sys/info.js';
import {openBtfById} from '../btf/open-btf.js';
import {programTypeName, type ProgramType} from '../../uapi/program-types.js';

/** A program as the kernel describes it; fields that this kernel does not have are 0. */
export interface ProgramInfo extends Omit<RawProgramInfo, 'type'> {
	readonly type: ProgramType;
}

/** Run-time counters; they stand still unless statistics are on (`enableProgramStats`). */
export interface ProgramStats {
	/** Nanoseconds spent in the program. */
	readonly runTime: bigint;
	readonly runCount: bigint;
	readonly recursionMisses: bigint;
}

/** *Throws:* `ERR_SYSCALL`. *Kernel:* 4.13. */
export function readProgramInfo(fd: number): ProgramInfo {
	const raw = programInfo(fd);
	return {...raw, type: programTypeName(raw.type)};
}

const longestName = 15;

/** Only its type and its whole name. *Throws:* `ERR_SYSCALL`. */
export function readNameAndType(fd: number): Pick<ProgramInfo, 'name' | 'type'> {
	const {name, type} = programNameAndType(fd);
	const isWhole = name.length < longestName;
	return {
		name: isWhole ? name : fullProgramName(fd, readProgramInfo(fd)),
		type: programTypeName(type),
	};
}

/** The whole name of a program, which the kernel cuts off and its types still have. */
export function fullProgramName(fd: number, {name, btfId, functionCount}: ProgramInfo): string {
	if (name.length < longestName || btfId === 0 || functionCount === 0) return name;
	const records = programArray(fd, 'functions');
	if (records.length < 8) return name;
	const typeId = viewOf(records).getUint32(4, hostLittleEndian);
	const full = openBtfById(btfId).type(typeId).name;
	return full.startsWith(name) ? full : name;
}
