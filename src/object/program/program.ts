import type {ProgramSpec} from '../../spec/types.js';
import {addon} from '../../kernel/sys/addon.js';
import {Fd} from '../../kernel/sys/fd.js';
import {programArray, programMapIds} from '../../kernel/sys/info.js';
import {objectFdById} from '../../kernel/sys/object.js';
import {enableStats} from '../../kernel/sys/program.js';
import {SyscallError} from '../../kernel/sys/syscall-error.js';
import type {AttachType} from '../../uapi/attach-types.js';
import type {ProgramType} from '../../uapi/program-types.js';
import {KernelObject} from '../pin/kernel-object.js';
import {openPin} from '../pin/pin.js';
import {PinError} from '../pin/pin-error.js';
import {readPositions, type Positions} from './positions.js';
import {ProgramError} from './program-error.js';
import {
	readNameAndType,
	readProgramInfo,
	type ProgramInfo,
	type ProgramStats,
} from './program-info.js';
import {runProgram, type RunOptions, type RunResult} from './test-run.js';

/** A verified program in the kernel, by a file descriptor that `close()` gives back. */
export class Program extends KernelObject {
	/** The name in the object file; the kernel keeps its first 15 bytes. */
	readonly name: string;
	readonly type: ProgramType;
	/** Undefined where the type has none, or the program was not loaded here. */
	readonly attachType: AttachType | undefined;
	/** Name of its ELF section; undefined where the program was not loaded here. */
	readonly section: string | undefined;
	/** What its section names: a function, tracepoint, file or iterator. */
	readonly attachTarget: string | undefined;
	/** The verifier's log, where one was asked for; empty otherwise. */
	readonly log: string;

	/** Use `loadProgram`, `openPinnedProgram` or `openProgramById`. Takes over `fd`. */
	constructor(
		fd: number,
		spec: Pick<ProgramSpec, 'name' | 'type' | 'attachType'> &
			Partial<Pick<ProgramSpec, 'section' | 'attachTarget' | 'lines'>>,
		log = '',
	) {
		const what = `program "${spec.name}"`;
		super(new Fd(fd, what), what);
		this.name = spec.name;
		this.type = spec.type;
		this.attachType = spec.attachType;
		this.section = spec.section;
		this.attachTarget = spec.attachTarget;
		this.log = log;
	}

	/** What the kernel says now. *Throws:* `ERR_SYSCALL`. */
	info(): ProgramInfo {
		return readProgramInfo(this.fd);
	}

	/** Run-time counters. *Kernel:* 5.1; see `enableProgramStats`. */
	stats(): ProgramStats {
		const {runTime, runCount, recursionMisses} = this.info();
		return {runTime, runCount, recursionMisses};
	}

	/** Ids of the maps it uses. */
	mapIds(): number[] {
		return programMapIds(this.fd);
	}

	/** The instructions as the verifier left them; empty where the kernel hides them. */
	translated(): Uint8Array {
		return programArray(this.fd, 'translated');
	}

	/** Where the translated instructions come from; empty where the program has no types. */
	positions(): Positions {
		return readPositions(this.fd, this.info());
	}

	/** The machine code; empty where the kernel hides it or did not compile it. */
	jited(): Uint8Array {
		return programArray(this.fd, 'jited');
	}

	/**
	 * Runs the program on a packet or context without attaching it.
	 *
	 * *Kernel:* 4.12 for XDP and tc, newer for other types. *Throws:* `ERR_PROGRAM`.
	 */
	run(options: RunOptions = {}): RunResult {
		return runProgram(this, options);
	}
}

/** A program object over a descriptor that it takes over. *Throws:* `ERR_SYSCALL`. */
export function programFromFd(fd: number): Program {
	try {
		return new Program(fd, {...readNameAndType(fd), attachType: undefined});
	} catch (error) {
		addon.closeFd(fd);
		throw error;
	}
}

/** Opens the program pinned at `path`. *Throws:* `ERR_PIN`. */
export function openPinnedProgram(path: string): Program {
	const fd = openPin(path);
	if (addon.fdKind(fd) !== 'program') {
		addon.closeFd(fd);
		throw new PinError('open program', path, 'what is pinned there is not a program');
	}

	return programFromFd(fd);
}

/** Opens the program that the kernel numbers `id`. *Throws:* `ERR_PROGRAM` when there is none. */
export function openProgramById(id: number): Program {
	try {
		return programFromFd(objectFdById('prog', id));
	} catch (cause) {
		if (!(cause instanceof SyscallError)) throw cause;
		const gone = cause.errnoName === 'ENOENT';
		const detail = gone ? 'there is no program with this id' : cause.message;
		throw new ProgramError('open', `id ${id}`, detail, {cause, errno: cause.errno});
	}
}

/**
 * Counts runs and run time of every program until the result is closed; it costs each run some
 * 20 ns. *Throws:* `ERR_SYSCALL`. *Kernel:* 5.8.
 */
export function enableProgramStats(): Disposable & {close(): void} {
	const fd = new Fd(enableStats(), 'program statistics');
	return {
		close: () => {
			fd.close();
		},
		[Symbol.dispose]: () => {
			fd.close();
		},
	};
}
