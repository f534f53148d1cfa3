import {constants} from 'node:os';

import {UsageError} from '../../base/errors.js';
import {hardwareEvents, perfEventTypes, softwareEvents} from '../../uapi/perf-events.js';
import type {Program} from '../program/program.js';
import {requireType} from './attach.js';
import type {CookieOptions} from './attach-tracing.js';
import type {Link} from './link.js';
import {attachEvent} from './perf-link.js';

const {EINVAL, ENODEV, ENOENT, EOPNOTSUPP} = constants.errno;

/** Which perf event a program is attached to. */
export interface AttachPerfEventOptions extends CookieOptions {
	/** A clock or counter by name, or numbers as perf has them: type and config. */
	readonly event:
		| keyof typeof softwareEvents
		| keyof typeof hardwareEvents
		| {readonly type: number; readonly config: bigint};
	/** Times a second. Either this or `period`. */
	readonly frequency?: number;
	/** Once every so many counts; nanoseconds for clocks. */
	readonly period?: number;
	/** Only while this process runs; all unless given. */
	readonly pid?: number;
	/** On this CPU; 0 unless given, or any where `pid` is given. */
	readonly cpu?: number;
}

/**
 * Attaches a program of type perf_event to a clock or counter of one CPU or one process.
 *
 * *Kernel:* 4.9, a link from 5.15 on; `cookie` 5.15. *Throws:* `ERR_LINK`: `ENOENT` when the
 * machine has no such counter.
 */
export function attachPerfEvent(program: Program, options: AttachPerfEventOptions): Link {
	const {event, frequency, period, pid, cpu, cookie} = options;
	const {type, config, name} = eventOf(event);
	const place = pid === undefined ? `CPU ${cpu ?? 0}` : `process ${pid}`;
	const hook = `event ${name} of ${place}`;
	const action = `attach program "${program.name}" to ${hook}`;
	requireType(action, program, 'perf_event');
	const rate = frequency ?? period;
	if (rate === undefined || (frequency !== undefined && period !== undefined)) {
		throw new UsageError(`${action}: give either a frequency or a period`);
	}

	if (!Number.isSafeInteger(rate) || rate < 1) {
		throw new UsageError(`${action}: frequency and period are positive whole numbers`);
	}

	return attachEvent(program, {
		action,
		hook,
		cookie,
		event: {
			type,
			config,
			samplePeriod: BigInt(rate),
			frequency: frequency !== undefined,
			pid: pid ?? -1,
			cpu: cpu ?? (pid === undefined ? 0 : -1),
		},
		explain(errno) {
			if (errno === ENOENT || errno === ENODEV || errno === EOPNOTSUPP) {
				return 'this machine has no such event, or no such CPU';
			}

			return errno === EINVAL ? 'the kernel takes no such event or rate' : undefined;
		},
	});
}

function eventOf(event: AttachPerfEventOptions['event']) {
	if (typeof event === 'object') return {...event, name: `${event.type}:${event.config}`};
	if (Object.hasOwn(softwareEvents, event)) {
		const config = softwareEvents[event as keyof typeof softwareEvents];
		return {type: perfEventTypes.software, config: BigInt(config), name: event};
	}

	if (!Object.hasOwn(hardwareEvents, event)) {
		throw new UsageError(`attach to event "${event}": there is no such event`);
	}

	const config = hardwareEvents[event as keyof typeof hardwareEvents];
	return {type: perfEventTypes.hardware, config: BigInt(config), name: event};
}
