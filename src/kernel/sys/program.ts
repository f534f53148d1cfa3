/** The program commands of bpf(2), one function per command. */

import {constants} from 'node:os';
import {Attr, bpf, cText, tryBpf, tryBpfAsync} from './attr.js';
import type {Pointers} from './addon.js';

const {EAGAIN} = constants.errno;

export interface ProgramLoadAttr {
	readonly type: number;
	readonly instructions: Uint8Array;
	readonly license: string;
	readonly name: string;
	readonly flags: number;
	readonly attachType: number;
	readonly btfFd?: number | undefined;
	/** Records of 8 bytes: instruction, type id. */
	readonly functions?: Uint8Array | undefined;
	/** Records of 16 bytes: instruction, file, line text, line and column. */
	readonly lines?: Uint8Array | undefined;
	readonly attachBtfId?: number;
	/** A program or BTF object that `attachBtfId` belongs to. */
	readonly attachFd?: number;
	/** 4 bytes each: descriptors of types or maps that instructions refer to by index. */
	readonly descriptors?: Uint8Array | undefined;
	readonly kernelVersion?: number;
	/** 0: no log and no `log`. */
	readonly logLevel: number;
	readonly log?: Uint8Array | undefined;
}

export interface ProgramLoadResult {
	/** A file descriptor, or `-errno`. */
	readonly result: number;
	/** Bytes the whole log has or would have. *Kernel:* 6.4; 0 before. */
	readonly logTrueSize: number;
}

/** A program in the form of the system call's argument. */
export interface ProgramLoadCall {
	readonly attr: Attr;
	readonly pointers: Pointers;
}

export function programLoadCall(load: ProgramLoadAttr): ProgramLoadCall {
	const {functions, lines, log, instructions, descriptors} = load;
	const attr = new Attr(144)
		.u32(0, load.type)
		.u32(4, instructions.length / 8)
		.u32(24, load.logLevel)
		.u32(28, log?.length ?? 0)
		.u32(40, load.kernelVersion ?? 0)
		.u32(44, load.flags)
		.name(48, load.name)
		.u32(68, load.attachType)
		.u32(72, load.btfFd ?? 0)
		.u32(108, load.attachBtfId ?? 0)
		.u32(112, load.attachFd ?? 0);
	if (functions !== undefined && functions.length > 0) {
		attr.u32(76, 8).u32(88, functions.length / 8);
	}

	if (lines !== undefined && lines.length > 0) {
		attr.u32(92, 16).u32(104, lines.length / 16);
	}

	const pointers: (number | Uint8Array | null)[] = [8, instructions, 16, cText(load.license)];
	if (log !== undefined) pointers.push(32, log);
	if (functions !== undefined && functions.length > 0) pointers.push(80, functions);
	if (lines !== undefined && lines.length > 0) pointers.push(96, lines);
	if (descriptors !== undefined) pointers.push(120, descriptors);
	return {attr, pointers};
}

// A signal, as the end of a child is one, makes the verifier give up with EAGAIN.
const maxInterruptions = 64;

/** Loads a program, again when a signal interrupts the verifier. */
export function programLoad(load: ProgramLoadAttr): ProgramLoadResult {
	return callProgramLoad(programLoadCall(load));
}

/** The same of what is in its final form already. */
export function callProgramLoad({attr, pointers}: ProgramLoadCall): ProgramLoadResult {
	let result = -EAGAIN;
	for (let i = 0; i < maxInterruptions && result === -EAGAIN; i++) {
		result = tryBpf('prog_load', attr, pointers);
	}

	return {result, logTrueSize: attr.getU32(140)};
}

/** The same on the thread pool: a verification may take seconds. */
export async function callProgramLoadAsync(call: ProgramLoadCall): Promise<ProgramLoadResult> {
	const {attr, pointers} = call;
	let result = -EAGAIN;
	for (let i = 0; i < maxInterruptions && result === -EAGAIN; i++) {
		result = await tryBpfAsync('prog_load', attr, pointers);
	}

	return {result, logTrueSize: attr.getU32(140)};
}

export interface TestRunAttr {
	readonly fd: number;
	readonly data?: Uint8Array | undefined;
	readonly dataOut?: Uint8Array | undefined;
	readonly context?: Uint8Array | undefined;
	readonly contextOut?: Uint8Array | undefined;
	readonly repeat: number;
	readonly flags: number;
	readonly cpu: number;
	readonly batchSize?: number;
	/** Descriptor of the network namespace to run in; this process's unless given. */
	readonly netns?: number | undefined;
}

export interface TestRunResult {
	/** 0, or `-errno`; `-ENOSPC`: the output did not fit, and is cut off. */
	readonly result: number;
	readonly returnValue: number;
	/** Bytes of output the program made. */
	readonly dataSize: number;
	readonly contextSize: number;
	/** Nanoseconds per run, averaged over `repeat`. */
	readonly duration: number;
}

function testRunCall(run: TestRunAttr): {attr: Attr; pointers: Pointers} {
	const {data, dataOut, context, contextOut} = run;
	const attr = new Attr(80)
		.u32(0, run.fd)
		.u32(8, data?.length ?? 0)
		.u32(12, dataOut?.length ?? 0)
		.u32(32, run.repeat)
		.u32(40, context?.length ?? 0)
		.u32(44, contextOut?.length ?? 0)
		.u32(64, run.flags)
		.u32(68, run.cpu)
		.u32(72, run.batchSize ?? 0);
	const pointers = [
		...[16, data ?? null, 24, dataOut ?? null],
		...[48, context ?? null, 56, contextOut ?? null],
	];
	return {attr, pointers};
}

function testRunResult(result: number, attr: Attr): TestRunResult {
	return {
		result,
		returnValue: attr.getU32(4),
		dataSize: attr.getU32(12),
		contextSize: attr.getU32(44),
		duration: attr.getU32(36),
	};
}

/** *Kernel:* 4.12; 5.15 and newer for most contexts. */
export function programTestRun(run: TestRunAttr): TestRunResult {
	const {attr, pointers} = testRunCall(run);
	return testRunResult(tryBpf('prog_test_run', attr, pointers, run.netns), attr);
}

/** The same on the thread pool. */
export async function programTestRunAsync(run: TestRunAttr): Promise<TestRunResult> {
	const {attr, pointers} = testRunCall(run);
	return testRunResult(await tryBpfAsync('prog_test_run', attr, pointers), attr);
}

export interface AttachAttr {
	/** A cgroup's or map's fd, or an interface index. */
	readonly target: number;
	readonly programFd: number;
	readonly attachType: number;
	readonly flags: number;
	readonly replaceFd?: number;
}

function attachAttr(attach: AttachAttr): Attr {
	return new Attr(20)
		.u32(0, attach.target)
		.u32(4, attach.programFd)
		.u32(8, attach.attachType)
		.u32(12, attach.flags)
		.u32(16, attach.replaceFd ?? 0);
}

/** *Throws:* `ERR_SYSCALL`. */
export function programAttach(attach: AttachAttr): void {
	bpf('prog_attach', attachAttr(attach));
}

/** *Throws:* `ERR_SYSCALL`. */
export function programDetach(attach: AttachAttr): void {
	bpf('prog_detach', attachAttr(attach));
}

export interface QueryResult {
	readonly attachFlags: number;
	readonly programIds: readonly number[];
	/** 0 for a program that no link holds; empty where the hook knows no links. */
	readonly linkIds: readonly number[];
	/** Counts changes of a tcx or netkit hook; 0n elsewhere. */
	readonly revision: bigint;
}

/**
 * What is attached to a hook, in the order it runs.
 *
 * *Kernel:* 4.15; link ids from 6.6. *Throws:* `ERR_SYSCALL`.
 */
export function programQuery(
	target: number,
	attachType: number,
	options: {flags?: number; netns?: number | undefined; links?: boolean} = {},
): QueryResult {
	let capacity = 64;
	for (;;) {
		const programs = new Uint32Array(capacity);
		const links = new Uint32Array(capacity);
		const attr = new Attr(64)
			.u32(0, target)
			.u32(4, attachType)
			.u32(8, options.flags ?? 0)
			.u32(24, capacity);
		const linkBytes = options.links === true ? new Uint8Array(links.buffer) : null;
		const pointers = [16, new Uint8Array(programs.buffer), 40, linkBytes];
		const result = tryBpf('prog_query', attr, pointers, options.netns);
		const count = attr.getU32(24);
		if (result === -28 /* ENOSPC: count is what there are */ && count > capacity) {
			capacity = count + 16;
			continue;
		}

		if (result < 0) bpf('prog_query', attr, pointers, options.netns);
		return {
			attachFlags: attr.getU32(12),
			programIds: [...programs.subarray(0, count)],
			linkIds: options.links === true ? [...links.subarray(0, count)] : [],
			revision: attr.getU64(56),
		};
	}
}

/** Keeps a map alive as long as the program. *Throws:* `ERR_SYSCALL`. *Kernel:* 5.10. */
export function programBindMap(programFd: number, mapFd: number): void {
	bpf('prog_bind_map', new Attr(12).u32(0, programFd).u32(4, mapFd));
}

/** Counts run time of all programs until the returned fd is closed. *Kernel:* 5.8. */
export function enableStats(): number {
	return bpf('enable_stats', new Attr(4));
}
