import {constants} from 'node:os';

import {UsageError} from '../../base/errors.js';
import {explainPermission} from '../../kernel/host/permission.js';
import {rawTracepointOpen} from '../../kernel/sys/link.js';
import {SyscallError} from '../../kernel/sys/syscall-error.js';
import type {Program} from '../program/program.js';
import {requireType} from './attach.js';
import type {CookieOptions} from './attach-tracing.js';
import {Link} from './link.js';
import {LinkError} from './link-error.js';

const {EINVAL, ENOENT, EPERM} = constants.errno;

/**
 * Attaches a program to a tracepoint with its raw arguments; the tracepoint is the one that the
 * section names (`raw_tp/sched_switch`) unless given.
 *
 * *Kernel:* 4.17, a link from 5.8 on; `cookie` 6.10. *Throws:* `ERR_LINK`: `ENOENT` when there is
 * no such tracepoint.
 */
export function attachRawTracepoint(
	program: Program,
	name = program.attachTarget,
	options: CookieOptions = {},
): Link {
	if (name === undefined || name === '') {
		throw new UsageError(
			`attach program "${program.name}" to a raw tracepoint: its section names none; give one`,
		);
	}

	const hook = `raw tracepoint "${name}"`;
	const action = `attach program "${program.name}" to ${hook}`;
	requireType(action, program, 'raw_tracepoint', 'raw_tracepoint_writable');
	try {
		return new Link(rawTracepointOpen(program.fd, name, options.cookie), hook);
	} catch (cause) {
		if (!(cause instanceof SyscallError)) throw cause;
		throw new LinkError(action, detail(cause, program), {cause, errno: cause.errno});
	}
}

function detail({errno, message}: SyscallError, program: Program): string {
	if (errno === ENOENT) return 'the kernel has no such tracepoint';
	if (errno === EPERM) return explainPermission('bpf', 'perfmon');
	if (errno !== EINVAL) return message;
	return program.type === 'raw_tracepoint'
		? 'the program reads more arguments than the tracepoint has, or the kernel takes no cookie'
		: 'the tracepoint is not a writable one';
}
