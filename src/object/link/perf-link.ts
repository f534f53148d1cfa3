/** Programs of perf events: by a link, or by the event itself where the kernel has no such links. */

import {constants} from 'node:os';

import {EbpfError} from '../../base/errors.js';
import {explainPermission, type Capability} from '../../kernel/host/permission.js';
import {addon} from '../../kernel/sys/addon.js';
import {Fd} from '../../kernel/sys/fd.js';
import type {LinkInfo} from '../../kernel/sys/link-info.js';
import {
	perfEventOpen,
	perfEventSetProgram,
	type PerfEventAttr,
} from '../../kernel/sys/perf-event.js';
import {SyscallError} from '../../kernel/sys/syscall-error.js';
import {attachTypeNumber} from '../../uapi/attach-types.js';
import type {Program} from '../program/program.js';
import {createLink} from './attach.js';
import {HookAttachment} from './hook-attachment.js';
import type {Link} from './link.js';
import {LinkError} from './link-error.js';

const {EACCES, EEXIST, EINVAL, EPERM} = constants.errno;

export interface EventRequest {
	readonly action: string;
	readonly hook: string;
	readonly event: PerfEventAttr;
	readonly cookie?: bigint | undefined;
	/** What the event takes; perfmon unless given. */
	readonly capabilities?: readonly Capability[];
	/** Says why there is no such event, where this kind has its own reasons. */
	readonly explain?: (errno: number) => string | undefined;
}

/**
 * Opens an event and attaches a program to it.
 *
 * *Kernel:* a link from 5.15 on, before by `PERF_EVENT_IOC_SET_BPF`. *Throws:* `ERR_LINK`.
 */
export function attachEvent(program: Program, request: EventRequest): Link {
	const {action, event, explain, capabilities = ['perfmon']} = request;
	let fd;
	try {
		fd = perfEventOpen(event);
	} catch (cause) {
		if (!(cause instanceof SyscallError)) throw cause;
		const {errno} = cause;
		const denied = errno === EPERM || errno === EACCES;
		const permission = denied ? explainPermission(...capabilities) : undefined;
		const detail = permission ?? explain?.(errno) ?? cause.message;
		throw new LinkError(action, detail, {cause, errno});
	}

	let keep = false;
	try {
		const link = attachToEvent(program, fd, request);
		keep = link.mechanism === 'perf_event';
		return link;
	} finally {
		// A link keeps its event.
		if (!keep) addon.closeFd(fd);
	}
}

function attachToEvent(program: Program, event: number, request: EventRequest): Link {
	const {action, hook, cookie} = request;
	try {
		return createLink(program, {
			action,
			hook,
			feature: 'links of perf events',
			since: '5.15',
			attr: {
				target: event,
				attachType: attachTypeNumber('perf_event'),
				flags: 0,
				options: {kind: 'perf_event', cookie: cookie ?? 0n},
			},
			capabilities: ['bpf', 'perfmon'],
			explain(errno) {
				if (errno === EEXIST) return 'the event has a program already';
				if (errno !== EINVAL) return undefined;
				return `the kernel runs no program of type ${program.type} there`;
			},
		});
	} catch (error) {
		const refused = error instanceof EbpfError && error.errno === EINVAL;
		if (!refused || cookie !== undefined) throw error;
		try {
			perfEventSetProgram(event, program.fd);
		} catch {
			// Refused by the older way, too: it was not for want of links.
			throw error;
		}

		return new EventAttachment(program, hook, event);
	}
}

/** A program on an event that no link keeps: it runs while the event is open. */
class EventAttachment extends HookAttachment {
	readonly mechanism = 'perf_event';
	private readonly event: Fd;

	constructor(program: Program, hook: string, event: number) {
		super(hook, program);
		this.event = new Fd(event, `event of ${hook}`);
	}

	override info(): LinkInfo {
		return {id: 0, type: 'unspec', programId: this.closed ? 0 : this.programId};
	}

	protected override replace(action: string): void {
		throw new LinkError(action, 'an event keeps its program; attach again', {errno: EEXIST});
	}

	protected override remove(): void {
		// It goes with the event.
	}

	protected override free(): void {
		this.event.close();
	}
}
