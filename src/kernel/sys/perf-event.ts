/** perf_event_open(2) for what carries programs: probes, tracepoints, clocks and counters. */

import {addon} from './addon.js';
import {Attr} from './attr.js';
import {SyscallError} from './syscall-error.js';

/** The fields of `struct perf_event_attr` that are used; the others are 0. */
export interface PerfEventAttr {
	readonly type: number;
	readonly config: bigint;
	/** Runs between two events; with `frequency`, events a second. */
	readonly samplePeriod?: bigint;
	readonly frequency?: boolean;
	/** A probe's function or file. */
	readonly name?: string;
	/** A probe's place: an offset, or an address where there is no `name`. */
	readonly config2?: bigint;
	/** -1, unless given: every process. */
	readonly pid?: number;
	/** -1: every CPU, for one process only. */
	readonly cpu: number;
}

const freqBit = 1n << 10n;

/** A descriptor of an event that is counted already. *Throws:* `ERR_SYSCALL`. */
export function perfEventOpen(event: PerfEventAttr): number {
	// PERF_ATTR_SIZE_VER1: up to config2.
	const attr = new Attr(72)
		.u32(0, event.type)
		.u64(8, event.config)
		.u64(16, event.samplePeriod ?? 0n)
		.u64(40, event.frequency === true ? freqBit : 0n)
		.u64(64, event.config2 ?? 0n);
	const {name = '', pid = -1, cpu} = event;
	const result = addon.perfEventOpen(attr.bytes, name, pid, cpu);
	if (result < 0) throw new SyscallError('perf_event_open', -result);
	return result;
}

/** Runs a program at each event while the event is open. *Throws:* `ERR_SYSCALL`. *Kernel:* 4.1. */
export function perfEventSetProgram(fd: number, programFd: number): void {
	const result = addon.perfEventSetProgram(fd, programFd);
	if (result < 0) throw new SyscallError('perf_event_set_bpf', -result);
}
