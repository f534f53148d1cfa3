/** The clocks by which datapaths count the lives of flows. */

import {readFileSync} from 'node:fs';

import {readKernelConfig} from '../../kernel/host/kernel-config.js';
import {DatapathError} from '../datapath-error.js';

/** A datapath's clock at a moment. */
export interface ClockReading {
	/** In its own unit, as entries have it. */
	readonly now: number;
	/** Seconds of its unit. */
	readonly seconds: number;
}

/** A datapath's clock. */
export interface FlowClock {
	/** Time in its own unit, as entries have it. */
	now(): number;
	/** Seconds of its unit: 1 unless given. */
	readonly seconds?: number;
}

/** The clock of Cilium, unless it is told to use jiffies: seconds of the monotonic clock. */
export function monotonicClock(): FlowClock {
	return {now: () => Number(process.hrtime.bigint() / 1_000_000_000n)};
}

/**
 * The clock of Cilium with `bpf-clock-probe`: units of 256 ticks of the kernel. *Throws:*
 * `ERR_DATAPATH` where the kernel does not say how many ticks a second has.
 */
export function jiffiesClock(): FlowClock {
	const ticks = Number(readKernelConfig().get('CONFIG_HZ') ?? 0);
	const now = (): number => {
		const [, jiffies] = /^jiffies: (\d+)/m.exec(readFileSync('/proc/timer_list', 'utf8')) ?? [];
		if (jiffies !== undefined) return Number(BigInt(jiffies) >> 8n);
		throw new DatapathError('read clock', 'jiffies', '/proc/timer_list does not have them');
	};
	if (ticks > 0) return {now, seconds: 256 / ticks};
	throw new DatapathError('read clock', 'jiffies', 'the kernel does not tell CONFIG_HZ');
}

export function readClock(clock: FlowClock): ClockReading {
	return {now: clock.now(), seconds: clock.seconds ?? 1};
}
