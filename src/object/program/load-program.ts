/** Hands programs to the verifier. */

import {constants} from 'node:os';

import {cString} from '../../base/bytes.js';
import {VerifierError} from '../../format/log/verifier-error.js';
import {UnsupportedError} from '../../kernel/features/unsupported-error.js';
import {kernelAtLeast} from '../../kernel/host/kernel-version.js';
import {explainPermission, type Capability} from '../../kernel/host/permission.js';
import {
	callProgramLoad,
	callProgramLoadAsync,
	programLoadCall,
	type ProgramLoadCall,
	type ProgramLoadResult,
} from '../../kernel/sys/program.js';
import {SyscallError} from '../../kernel/sys/syscall-error.js';
import type {Fd} from '../../kernel/sys/fd.js';
import type {FailedRelocation} from '../../format/log/failed-relocation.js';
import type {ProgramSpec} from '../../spec/types.js';
import {programTypeSince} from '../../uapi/program-types.js';
import {type BtfLoadError, loadTypes} from '../btf/btf-object.js';
import {ExternResolver} from './externs.js';
import {nameAbsent} from './poison.js';
import {prepareProgram, type LoadProgramOptions, type PreparedProgram} from './prepare-program.js';
import {Program} from './program.js';
import {ProgramError} from './program-error.js';

const {E2BIG, EINVAL, ENOSPC, EPERM} = constants.errno;

const firstLogSize = 64 * 1024;
// The kernel's own limit is a quarter of 2^32; nobody reads that.
const lastLogSize = 256 * 1024 * 1024;
const maxAttempts = 24;

/** Bits of a log level that make the verifier write what it walks through. */
const anyTrace = 3;
const briefTrace = 1;
const statistics = 4;

type Steps = Generator<ProgramLoadCall, Program, ProgramLoadResult>;

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
	try {
		using prepared = prepareProgram(spec, own.options);
		return verifyProgram(prepared);
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
	try {
		using prepared = prepareProgram(spec, own.options);
		return await verifyProgramAsync(prepared);
	} catch (error) {
		throw own.explain(error);
	}
}

/** Loads what `prepareProgram` has made. *Throws:* what `loadProgram` throws. */
export function verifyProgram(prepared: PreparedProgram): Program {
	const steps = loadSteps(prepared);
	for (let step = steps.next(); ; step = steps.next(callProgramLoad(step.value))) {
		if (step.done === true) return step.value;
	}
}

/** The same on the thread pool. */
export async function verifyProgramAsync(prepared: PreparedProgram): Promise<Program> {
	const steps = loadSteps(prepared);
	for (let step = steps.next(); ; step = steps.next(await callProgramLoadAsync(step.value))) {
		if (step.done === true) return step.value;
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

function* loadSteps({spec, attr, call, logLevel, failures}: PreparedProgram): Steps {
	let level = logLevel;
	let log = level === 0 ? undefined : new Uint8Array(firstLogSize);
	let refusal: number | undefined;
	let isTraceWanted = true;

	// A program that is too complex takes seconds to be refused again, for a log that nobody asked
	// for and that says the same over and over. Kernels since 6.4 keep its end, which tells enough;
	// older ones keep its beginning, so they are asked for what they say besides it.
	const isTraceFutile = (): boolean => refusal === E2BIG && (logLevel & anyTrace) === 0;

	for (let attempt = 0; attempt < maxAttempts; attempt++) {
		const {result, logTrueSize} = yield log === undefined
			? call
			: programLoadCall({...attr, logLevel: level, log});
		if (result >= 0) {
			return new Program(result, spec, log === undefined ? '' : cString(log));
		}

		const errno = -result;
		const truncated = log !== undefined && errno === ENOSPC;
		if (!truncated) refusal ??= errno;
		if (log === undefined || (isTraceWanted && (level & anyTrace) === 0)) {
			level |= briefTrace;
			log ??= new Uint8Array(firstLogSize);
		} else if (truncated && isTraceFutile() && logTrueSize === 0 && isTraceWanted) {
			isTraceWanted = false;
			level = statistics;
		} else if (truncated && log.length < lastLogSize && !isTraceFutile()) {
			const size = logTrueSize > log.length ? logTrueSize : log.length * 4;
			log = new Uint8Array(Math.min(size, lastLogSize));
		} else {
			throw refusedError(spec, refusal ?? errno, cString(log), failures);
		}
	}

	throw refusedError(spec, refusal ?? ENOSPC, log === undefined ? '' : cString(log), failures);
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
