import {UsageError} from '../../base/errors.js';
import {tracepointId, TraceEventError} from '../../kernel/host/trace-events.js';
import {perfEventTypes} from '../../uapi/perf-events.js';
import type {Program} from '../program/program.js';
import {requireType} from './attach.js';
import type {CookieOptions} from './attach-tracing.js';
import type {Link} from './link.js';
import {LinkError} from './link-error.js';
import {attachEvent} from './perf-link.js';

/**
 * Attaches a program to a tracepoint, `category/name`; the one that its section names
 * (`tp/sched/sched_switch`) unless given. It runs on every CPU.
 *
 * *Kernel:* 4.7, a link from 5.15 on; `cookie` 5.15. *Throws:* `ERR_LINK` when there is no such
 * tracepoint, or tracefs is not mounted.
 */
export function attachTracepoint(
	program: Program,
	tracepoint = program.attachTarget,
	options: CookieOptions = {},
): Link {
	const [category = '', name = '', ...rest] = (tracepoint ?? '').split('/');
	const hook = `tracepoint "${tracepoint ?? ''}"`;
	const action = `attach program "${program.name}" to ${hook}`;
	if (category === '' || name === '' || rest.length > 0) {
		throw new UsageError(`${action}: a tracepoint is named category/name`);
	}

	requireType(action, program, 'tracepoint');
	return attachEvent(program, {
		action,
		hook,
		cookie: options.cookie,
		event: {
			type: perfEventTypes.tracepoint,
			config: BigInt(findId(action, category, name)),
			samplePeriod: 1n,
			cpu: 0,
		},
	});
}

function findId(action: string, category: string, name: string): number {
	try {
		return tracepointId(category, name);
	} catch (cause) {
		if (!(cause instanceof TraceEventError)) throw cause;
		throw new LinkError(action, cause.message, {cause});
	}
}
