import {constants} from 'node:os';

import {UsageError} from '../../base/errors.js';
import {
	programTestRun,
	programTestRunAsync,
	type TestRunAttr,
	type TestRunResult,
} from '../../kernel/sys/program.js';
import {ENOTSUPP, errnoName, errnoText} from '../../uapi/errno.js';
import {testRunFlags} from '../../uapi/flags.js';
import {tcActionName, xdpActionName} from '../../uapi/verdicts.js';
import type {ProgramType} from '../../uapi/program-types.js';
import {decodeContext, encodeContext, type ContextFields} from './context.js';
import {ProgramError} from './program-error.js';

const {E2BIG, EINTR, EINVAL, ENODEV, ENOSPC, ENXIO, EOPNOTSUPP} = constants.errno;

export interface RunOptions {
	/** The packet; 64 zero bytes for packet programs unless given (an Ethernet frame's minimum). */
	readonly data?: Uint8Array;
	/**
	 * The program's context structure: as bytes, or as fields of `xdp_md`, `__sk_buff`,
	 * `bpf_sk_lookup`, of the struct that a syscall program takes, or `{args: [...]}` of a raw
	 * tracepoint. Of the fields, the kernel takes only those that a sender could have set.
	 */
	readonly context?: Uint8Array | ContextFields;
	/** How often to run; 1 unless given. `duration` is the mean. */
	readonly repeat?: number;
	/** CPU to run on; raw tracepoints only. *Kernel:* 5.11. */
	readonly cpu?: number;
	/**
	 * Lets an XDP program's packets loose: passed ones reach the network stack, redirected and
	 * transmitted ones leave, by the interface that the context names. Nothing comes back but the
	 * time. *Kernel:* 5.18.
	 */
	readonly live?: boolean;
	/** Live packets at a time, 64 unless given, at most 256. */
	readonly batchSize?: number;
	/** Room for a packet that grows, 256 bytes unless given. */
	readonly headroom?: number;
}

export interface RunResult {
	/** What the program returned, as an unsigned number. */
	readonly returnValue: number;
	/** The verdict's name for XDP and tc: `pass`, `drop`, `ok`, …. */
	readonly verdict: string | undefined;
	/** The packet as the program left it. */
	readonly data: Uint8Array;
	/** The context as the program left it; empty when none was given. */
	readonly context: Uint8Array;
	/** The same as fields, where they are known. */
	readonly contextFields?: unknown;
	/** Nanoseconds per run. */
	readonly duration: number;
}

/** Types that are run on a packet. */
const packetTypes: ReadonlySet<ProgramType> = new Set<ProgramType>([
	'xdp',
	'sched_cls',
	'sched_act',
	'cgroup_skb',
	'socket_filter',
	'lwt_in',
	'lwt_out',
	'lwt_xmit',
	'lwt_seg6local',
	'flow_dissector',
	'netfilter',
]);

interface Runnable {
	readonly name: string;
	readonly type: ProgramType;
	readonly fd: number;
}

function verdictOf(type: ProgramType, value: number): string | undefined {
	if (type === 'xdp') return xdpActionName(value);
	if (type === 'sched_cls' || type === 'sched_act') return tcActionName(value | 0);
	return undefined;
}

/** Types that are told how often to run, and give their context back, besides those of packets. */
const repeatedTypes: ReadonlySet<ProgramType> = new Set<ProgramType>(['sk_lookup']);

/** *Throws:* `ERR_PROGRAM`, `ERR_USAGE`, `ERR_CODEC`. */
export function runProgram(program: Runnable, options: RunOptions): RunResult {
	const call = prepare(program, options);
	for (let attempt = 0; ; attempt++) {
		const run = programTestRun(call);
		if (run.result === -EINTR && attempt < maxAttempts) continue;
		return finish(program, options, call, run);
	}
}

/** The same on the thread pool: many runs take their time. */
export async function runProgramAsync(program: Runnable, options: RunOptions): Promise<RunResult> {
	const call = prepare(program, options);
	for (let attempt = 0; ; attempt++) {
		const run = await programTestRunAsync(call);
		if (run.result === -EINTR && attempt < maxAttempts) continue;
		return finish(program, options, call, run);
	}
}

const maxAttempts = 16;

function prepare(program: Runnable, options: RunOptions): TestRunAttr {
	const {repeat = 1, headroom = 256, live = false, cpu, batchSize} = options;
	const action = `run program "${program.name}"`;
	if (!Number.isInteger(repeat) || repeat < 1 || repeat > 0x7f_ff_ff_ff) {
		throw new UsageError(`${action}: repeat must be a positive whole number`);
	}

	if (live && program.type !== 'xdp') {
		throw new UsageError(`${action}: it is of type ${program.type}; only XDP runs live`);
	}

	if (batchSize !== undefined && !live) {
		throw new UsageError(`${action}: only live packets come in batches`);
	}

	const isPacket = packetTypes.has(program.type);
	const isRepeated = isPacket || repeatedTypes.has(program.type);
	const data = options.data ?? (isPacket ? new Uint8Array(64) : undefined);
	const context = contextOf(program, options.context, data?.length ?? 0);
	const hasOutput = data !== undefined && !live;
	return {
		fd: program.fd,
		data,
		dataOut: hasOutput ? new Uint8Array(data.length + headroom) : undefined,
		context,
		contextOut:
			context === undefined || !isRepeated || live
				? undefined
				: new Uint8Array(context.length),
		// Other types refuse to be told.
		repeat: isRepeated ? repeat : 0,
		flags:
			(cpu === undefined ? 0 : testRunFlags.run_on_cpu) |
			(live ? testRunFlags.xdp_live_frames : 0),
		cpu: cpu ?? 0,
		batchSize: batchSize ?? 0,
	};
}

/** Bytes of the run's own, for some types write theirs back there. */
function contextOf(program: Runnable, context: RunOptions['context'], length: number) {
	if (context === undefined) return undefined;
	return context instanceof Uint8Array
		? Uint8Array.from(context)
		: encodeContext(program, context, length);
}

function finish(
	program: Runnable,
	options: RunOptions,
	call: TestRunAttr,
	run: TestRunResult,
): RunResult {
	if (run.result < 0) throw runError(program, -run.result, call, options);
	const {dataOut, contextOut, context} = call;
	const written = program.type === 'syscall' ? context : undefined;
	const left = contextOut?.subarray(0, run.contextSize) ?? written ?? new Uint8Array(0);
	const contextFields = left.length === 0 ? undefined : decodeContext(program, left);
	return {
		returnValue: run.returnValue,
		verdict: verdictOf(program.type, run.returnValue),
		data: dataOut?.subarray(0, run.dataSize) ?? new Uint8Array(0),
		context: left,
		...(contextFields === undefined ? {} : {contextFields}),
		duration: run.duration,
	};
}

function runError(
	program: Runnable,
	errno: number,
	{data, context}: TestRunAttr,
	{cpu, live}: RunOptions,
): ProgramError {
	const length = data?.length;
	const detail = ((): string => {
		if (errno === ENOSPC) return 'the packet it made does not fit; give more headroom';
		if (errno === ENOTSUPP || errno === EOPNOTSUPP) {
			return `the kernel cannot run programs of type ${program.type} by hand`;
		}

		if (errno === EINVAL && length !== undefined && length < 14) {
			return `a packet has at least the 14 bytes of an Ethernet header, got ${length}`;
		}

		if (errno === ENXIO && cpu !== undefined) return `there is no CPU ${cpu}`;
		if (errno === E2BIG && live === true) return 'so many live packets at a time are too many';
		if (errno === ENODEV) return "the context's interface is not there";
		if (errno !== EINVAL) return `${errnoText(errno)} (${errnoName(errno)})`;
		if (cpu !== undefined && packetTypes.has(program.type)) {
			return 'only raw tracepoints run on a CPU of choice';
		}

		if (program.type === 'sk_lookup' && context === undefined) return 'it needs a context';
		if (context !== undefined) {
			return 'the kernel does not take this context: a field that no sender can set is not 0, or it has not the right length';
		}

		if (live === true) return 'the kernel does not take this for live packets';
		return `${errnoText(errno)} (${errnoName(errno)})`;
	})();
	return new ProgramError('run', program.name, detail, {errno});
}
