import {constants} from 'node:os';

import {UsageError} from '../../base/errors.js';
import {programTestRun} from '../../kernel/sys/program.js';
import {ENOTSUPP, errnoName, errnoText} from '../../uapi/errno.js';
import {testRunFlags} from '../../uapi/flags.js';
import {cgroupSkbActionName, tcActionName, xdpActionName} from '../../uapi/verdicts.js';
import type {ProgramType} from '../../uapi/program-types.js';
import {ProgramError} from './program-error.js';

const {EINTR, EINVAL, ENOSPC, EOPNOTSUPP} = constants.errno;

/** What a test run is given. */
export interface RunOptions {
	/** The packet; 64 zero bytes for packet programs unless given (an Ethernet frame's minimum). */
	readonly data?: Uint8Array;
	/** The program's context structure (`xdp_md`, `__sk_buff`, …) as bytes. */
	readonly context?: Uint8Array;
	/** How often to run; 1 unless given. `duration` is the mean. */
	readonly repeat?: number;
	/** CPU to run on. *Kernel:* 5.11, raw tracepoints. */
	readonly cpu?: number;
	/** Room for a packet that grows, 256 bytes unless given. */
	readonly headroom?: number;
}

/** What a test run gave. */
export interface RunResult {
	/** What the program returned, as an unsigned number. */
	readonly returnValue: number;
	/** The verdict's name for XDP, tc and cgroup_skb: `pass`, `drop`, `ok`, …. */
	readonly verdict: string | undefined;
	/** The packet as the program left it. */
	readonly data: Uint8Array;
	/** The context as the program left it; empty when none was given. */
	readonly context: Uint8Array;
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
	if (type === 'cgroup_skb') return cgroupSkbActionName(value);
	return undefined;
}

/** *Throws:* `ERR_PROGRAM`. */
export function runProgram(program: Runnable, options: RunOptions): RunResult {
	const {context, repeat = 1, headroom = 256} = options;
	if (!Number.isInteger(repeat) || repeat < 1 || repeat > 0x7f_ff_ff_ff) {
		throw new UsageError(
			`run program "${program.name}": repeat must be a positive whole number`,
		);
	}

	const isPacket = packetTypes.has(program.type);
	const data = options.data ?? (isPacket ? new Uint8Array(64) : undefined);
	const dataOut = data === undefined ? undefined : new Uint8Array(data.length + headroom);
	const contextOut =
		context === undefined || !isPacket ? undefined : new Uint8Array(context.length);
	for (let attempt = 0; ; attempt++) {
		const run = programTestRun({
			fd: program.fd,
			data,
			dataOut,
			context,
			contextOut,
			// Other types refuse to be told.
			repeat: isPacket ? repeat : 0,
			flags: options.cpu === undefined ? 0 : testRunFlags.run_on_cpu,
			cpu: options.cpu ?? 0,
		});
		if (run.result === -EINTR && attempt < 16) continue;
		if (run.result < 0) throw runError(program, -run.result, data?.length);
		return {
			returnValue: run.returnValue,
			verdict: verdictOf(program.type, run.returnValue),
			data: dataOut?.subarray(0, run.dataSize) ?? new Uint8Array(0),
			context: contextOut?.subarray(0, run.contextSize) ?? new Uint8Array(0),
			duration: run.duration,
		};
	}
}

function runError(program: Runnable, errno: number, length: number | undefined): ProgramError {
	const detail = ((): string => {
		if (errno === ENOSPC) return 'the packet it made does not fit; give more headroom';
		if (errno === ENOTSUPP || errno === EOPNOTSUPP) {
			return `the kernel cannot run programs of type ${program.type} by hand`;
		}

		if (errno === EINVAL && length !== undefined && length < 14) {
			return `a packet has at least the 14 bytes of an Ethernet header, got ${length}`;
		}

		return `${errnoText(errno)} (${errnoName(errno)})`;
	})();
	return new ProgramError('run', program.name, detail, {errno});
}
