import {programInfo, type RawProgramInfo} from '../../kernel/sys/info.js';
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
