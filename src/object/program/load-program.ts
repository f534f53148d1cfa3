/** Hands programs to the verifier. */

import {constants} from 'node:os';

import {cString} from '../../base/bytes.js';
import {VerifierError} from '../../format/log/verifier-error.js';
import {UnsupportedError} from '../../kernel/features/unsupported-error.js';
import {kernelAtLeast, kernelVersionCode} from '../../kernel/host/kernel-version.js';
import {explainPermission, type Capability} from '../../kernel/host/permission.js';
import {
	programLoad,
	programLoadAsync,
	type ProgramLoadAttr,
	type ProgramLoadResult,
} from '../../kernel/sys/program.js';
import {SyscallError} from '../../kernel/sys/syscall-error.js';
import type {Fd} from '../../kernel/sys/fd.js';
import type {FailedRelocation} from '../../format/log/failed-relocation.js';
import type {Candidates} from '../../spec/core-relo/candidates.js';
import {relocateProgram} from '../../spec/core-relo/relocate.js';
import {checkLoadable} from '../../spec/loadable.js';
import {kernelName} from '../../spec/names.js';
import type {ProgramSpec} from '../../spec/types.js';
import {attachTypeNumber} from '../../uapi/attach-types.js';
import {programTypeNumber, programTypeSince} from '../../uapi/program-types.js';
import {type BtfLoadError, loadTypes} from '../btf/btf-object.js';
import {attachTarget, structOpsTarget, type AttachTarget, type AttachTo} from './attach-btf.js';
import {coreTarget, type TargetBtf} from './core-target.js';
import {encodeFunctions, encodeLines, resolveReferences} from './encode.js';
import {applyExterns, ExternResolver} from './externs.js';
import {nameAbsent} from './poison.js';
import {Program} from './program.js';
import {ProgramError} from './program-error.js';

const {E2BIG, EINVAL, ENOSPC, EPERM} = constants.errno;

/** How a program is loaded. */
export interface LoadProgramOptions {
	/** The maps it refers to, by their names in the object. */
	readonly maps?: Readonly<Record<string, {readonly fd: number} | undefined>>;
	/** Names of maps that were switched off: a program may refer to them where it never comes. */
	readonly absentMaps?: ReadonlySet<string>;
	/** Descriptor of the object's BTF, where it is in the kernel already; `none`: no types. */
	readonly btfFd?: number | 'none' | undefined;
	/** Finds what it uses of the kernel; shared by programs that are loaded together. */
	readonly externs?: ExternResolver;
	/** The function of another program that it replaces (`freplace`) or traces. */
	readonly attachTo?: AttachTo;
	/** What CO-RE relocations are applied for; the running kernel and its modules unless given. */
	readonly targetBtf?: TargetBtf | undefined;
	/** The same, searched already; shared by programs that are loaded together. */
	readonly candidates?: Candidates;
	/**
	 * What the verifier writes on success: nothing (0, the default), every state (1), every
	 * instruction (2), statistics only (4, *Kernel:* 5.2). A refusal is always logged.
	 */
	readonly logLevel?: number;
}

const firstLogSize = 64 * 1024;
// The kernel's own limit is a quarter of 2^32; nobody reads that.
const lastLogSize = 256 * 1024 * 1024;
const maxAttempts = 24;

/** Bits of a log level that make the verifier write what it walks through. */
const anyTrace = 3;
const briefTrace = 1;

type Steps = Generator<ProgramLoadAttr, Program, ProgramLoadResult>;

/**
 * Loads one program.
 *
 * The first attempt writes no log, for logging costs time; a refused program is tried again with a
 * log that grows until all of it fits. *Throws:* `ERR_VERIFIER` with the log and the source line,
 * `ERR_SPEC` for a spec that cannot be loaded as it is, `ERR_CORE_RELOCATION` for CO-RE relocations
 * that are damaged or ambiguous, `ERR_KERNEL_BTF` and `ERR_BTF_OPEN` where the types for them are
 * missing, `ERR_UNSUPPORTED` for a type newer than the kernel, `ERR_PROGRAM` for everything else.
 */
export function loadProgram(spec: ProgramSpec, options: LoadProgramOptions = {}): Program {
	using own = new OwnParts(spec, options);
	const steps = loadSteps(spec, own.options);
	try {
		for (let step = steps.next(); ; step = steps.next(programLoad(step.value))) {
			if (step.done === true) return step.value;
		}
	} catch (error) {
		throw own.explain(error);
	}
}

/** The same, with the verifier at work on the thread pool. */
export async function loadProgramAsync(
	spec: ProgramSpec,
	options: LoadProgramOptions = {},
): Promise<Program> {
	using own = new OwnParts(spec, options);
	const steps = loadSteps(spec, own.options);
	try {
		for (let step = steps.next(); ; step = steps.next(await programLoadAsync(step.value))) {
			if (step.done === true) return step.value;
		}
	} catch (error) {
		throw own.explain(error);
	}
}

/** What a program that is loaded by itself needs in the kernel while it is being loaded. */
class OwnParts implements Disposable {
	readonly options: LoadProgramOptions;
	readonly #btf: Fd | undefined;
	readonly #refusal: BtfLoadError | undefined;
	readonly #externs: ExternResolver | undefined;

	constructor(spec: ProgramSpec, options: LoadProgramOptions) {
		const hasExterns = spec.externs.length > 0;
		if (hasExterns && options.externs === undefined) this.#externs = new ExternResolver();
		const typed = spec.functions.length > 0 || spec.lines.length > 0;
		if (options.btfFd === undefined && spec.types !== undefined && typed) {
			const {fd, stripped, refusal} = loadTypes(spec.types, spec.name, hasExterns);
			this.#btf = fd;
			this.#refusal = refusal;
			// Such a kernel takes no positions of functions either.
			if (stripped.includes('functions')) this.#btf?.close();
		}

		const externs = options.externs ?? this.#externs;
		const btfFd = this.#btf?.closed === false ? this.#btf.number : options.btfFd;
		this.options = {...options, btfFd, ...(externs === undefined ? {} : {externs})};
	}

	explain(error: unknown): unknown {
		return this.#refusal === undefined ? error : this.#refusal.andThen(error);
	}

	[Symbol.dispose](): void {
		this.#btf?.close();
		this.#externs?.close();
	}
}

function* loadSteps(spec: ProgramSpec, options: LoadProgramOptions): Steps {
	checkLoadable(spec);
	const candidates = options.candidates ?? coreTarget(options.targetBtf);
	const {instructions, failures} = relocateProgram(spec, candidates);
	const target = attachTarget(spec, options.attachTo);
	try {
		const attr = loadAttr(spec, instructions, options, target);
		return yield* verifySteps(spec, attr, options, failures);
	} finally {
		target.close();
	}
}

function* verifySteps(
	spec: ProgramSpec,
	attr: ProgramLoadAttr,
	options: LoadProgramOptions,
	failures: readonly FailedRelocation[],
): Steps {
	let level = options.logLevel ?? 0;
	let log = level === 0 ? undefined : new Uint8Array(firstLogSize);
	let refusal: number | undefined;

	// A program that is too complex takes seconds to be refused again, for a log that nobody asked
	// for and that says the same over and over; newer kernels keep its end, which tells enough.
	const isTailEnough = (logTrueSize: number): boolean =>
		refusal === E2BIG && logTrueSize > 0 && ((options.logLevel ?? 0) & anyTrace) === 0;

	for (let attempt = 0; attempt < maxAttempts; attempt++) {
		const isPlain = level === attr.logLevel && log === undefined;
		const {result, logTrueSize} = yield isPlain ? attr : {...attr, logLevel: level, log};
		if (result >= 0) {
			return new Program(result, spec, log === undefined ? '' : cString(log));
		}

		const errno = -result;
		const truncated = log !== undefined && errno === ENOSPC;
		if (!truncated) refusal ??= errno;
		if (log === undefined || (level & anyTrace) === 0) {
			level |= briefTrace;
			log ??= new Uint8Array(firstLogSize);
		} else if (truncated && log.length < lastLogSize && !isTailEnough(logTrueSize)) {
			const size = logTrueSize > log.length ? logTrueSize : log.length * 4;
			log = new Uint8Array(Math.min(size, lastLogSize));
		} else {
			throw refusedError(spec, refusal ?? errno, cString(log), failures);
		}
	}

	throw refusedError(spec, refusal ?? ENOSPC, log === undefined ? '' : cString(log), failures);
}

function loadAttr(
	spec: ProgramSpec,
	relocated: Uint8Array,
	options: LoadProgramOptions,
	target: AttachTarget,
): ProgramLoadAttr {
	const {externs} = options;
	const btfFd = options.btfFd === 'none' ? undefined : options.btfFd;
	const typed = btfFd !== undefined;
	let instructions = resolveReferences(relocated, spec.references, map =>
		fdOfMap(spec, map, options),
	);
	let descriptors;
	if (spec.externs.length > 0 && externs !== undefined) {
		instructions = instructions.slice();
		descriptors = applyExterns(instructions, spec, externs);
	}

	const structOps = spec.type === 'struct_ops' ? structOpsTarget(spec) : undefined;
	return {
		type: programTypeNumber(spec.type),
		instructions,
		descriptors,
		license: spec.license,
		name: kernelName(spec.name),
		flags: spec.flags,
		attachType: structOps?.member ?? attachTypeOf(spec),
		btfFd,
		functions: typed ? encodeFunctions(spec.functions) : new Uint8Array(0),
		lines: typed ? encodeLines(spec.lines) : new Uint8Array(0),
		attachBtfId: structOps?.typeId ?? target.btfId,
		attachFd: target.fd ?? 0,
		kernelVersion: spec.type === 'kprobe' ? kernelVersionCode() : 0,
		logLevel: 0,
	};
}

function attachTypeOf({attachType}: ProgramSpec): number {
	return attachType === undefined ? 0 : attachTypeNumber(attachType);
}

function fdOfMap(
	spec: ProgramSpec,
	name: string,
	{maps = {}, absentMaps}: LoadProgramOptions,
): number | undefined {
	const map = Object.hasOwn(maps, name) ? maps[name] : undefined;
	if (map !== undefined) return map.fd;
	if (absentMaps?.has(name) === true) return undefined;
	throw new ProgramError('load', spec.name, `it uses map "${name}", which was not given`);
}

function refusedError(
	spec: ProgramSpec,
	errno: number,
	written: string,
	relocations: readonly FailedRelocation[],
): Error {
	const log = nameAbsent(written, spec);
	const cause = new SyscallError('prog_load', errno);
	if (log.trim() !== '' || errno === E2BIG) {
		const maps = new Set(spec.references.map(({map}) => map)).size;
		return new VerifierError(spec.name, log, cause, {
			lines: sourceLines(spec),
			relocations,
			maps,
		});
	}

	const since = programTypeSince(spec.type);
	if (errno === EINVAL && since !== undefined && !kernelAtLeast(since)) {
		const feature = `programs of type ${spec.type}`;
		return new UnsupportedError(`load program "${spec.name}"`, feature, since, {cause, errno});
	}

	return new ProgramError('load', spec.name, detail(spec, cause), {cause, errno});
}

/** Where each instruction comes from, for refusals that the log does not place. */
function sourceLines({types, lines}: ProgramSpec) {
	if (types === undefined) return [];
	return lines.map(({slot, fileOffset, textOffset, lineColumn}) => ({
		slot,
		file: types.string(fileOffset),
		line: lineColumn >>> 10,
		text: types.string(textOffset).trim(),
	}));
}

function detail(spec: ProgramSpec, cause: SyscallError): string {
	if (cause.errno === EPERM) return explainPermission(...capabilitiesFor(spec));
	if (cause.errno === EINVAL) {
		const attach = spec.attachType ?? 'none';
		return `the kernel takes no program of type ${spec.type} with attach type ${attach} and flags 0x${spec.flags.toString(16)}`;
	}

	return cause.message;
}

function capabilitiesFor(spec: ProgramSpec): Capability[] {
	switch (spec.type) {
		case 'kprobe':
		case 'tracepoint':
		case 'perf_event':
		case 'raw_tracepoint':
		case 'tracing':
		case 'lsm':
			return ['bpf', 'perfmon'];
		case 'socket_filter':
		case 'syscall':
		case 'struct_ops':
			return ['bpf'];
		default:
			return ['bpf', 'net_admin'];
	}
}
