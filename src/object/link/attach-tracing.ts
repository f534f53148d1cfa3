import {constants} from 'node:os';

import {UsageError} from '../../base/errors.js';
import {UnsupportedError} from '../../kernel/features/unsupported-error.js';
import {kernelAtLeast} from '../../kernel/host/kernel-version.js';
import {explainPermission} from '../../kernel/host/permission.js';
import {rawTracepointOpen} from '../../kernel/sys/link.js';
import {SyscallError} from '../../kernel/sys/syscall-error.js';
import {attachTypeNumber} from '../../uapi/attach-types.js';
import type {Program} from '../program/program.js';
import {functionTypeId} from '../program/attach-btf.js';
import {createLink, requireType} from './attach.js';
import {attachCgroup} from './attach-cgroup.js';
import {Link} from './link.js';
import {LinkError} from './link-error.js';

const {EBUSY, EEXIST, EINVAL, ENOENT, ENOTSUP, EPERM} = constants.errno;

/** What a program is told about its attachment. */
export interface CookieOptions {
	/** A number that the program reads by `bpf_get_attach_cookie`. */
	readonly cookie?: bigint;
}

/**
 * Attaches a program of type tracing (fentry, fexit, fmod_ret, tp_btf) to the function or
 * tracepoint that it was loaded for.
 *
 * *Kernel:* 5.5; `cookie` 5.19, for tp_btf 6.10. *Throws:* `ERR_LINK`: `EBUSY` when the function is
 * traced otherwise.
 */
export function attachTracing(program: Program, options: CookieOptions = {}): Link {
	const hook = hookOf(program);
	const action = `attach program "${program.name}" to ${hook}`;
	requireType(action, program, 'tracing');
	if (program.attachType === 'trace_iter') {
		throw new UsageError(`${action}: it is an iterator; use attachIterator`);
	}

	const {cookie} = options;
	if (cookie === undefined) return attachToOwn(action, program, hook);
	return createLink(program, {
		action,
		hook,
		feature: 'cookies of tracing programs',
		since: program.attachType === 'trace_raw_tp' ? '6.10' : '5.19',
		attr: {
			target: 0,
			attachType: attachTypeNumber(program.attachType ?? 'trace_fentry'),
			flags: 0,
			options: {kind: 'tracing', targetBtfId: 0, cookie},
		},
		capabilities: ['bpf', 'perfmon'],
		explain: explainTracing,
	});
}

/** How a program is attached to a security hook. */
export interface AttachLsmOptions extends CookieOptions {
	/** Path of the cgroup, for programs of section lsm_cgroup. */
	readonly cgroup?: string;
}

/**
 * Attaches a program to the hook of the Linux security modules that it was loaded for; one of
 * section `lsm_cgroup` acts on a cgroup only.
 *
 * *Kernel:* 5.7, with `bpf` among the kernel's security modules; lsm_cgroup 6.0. *Throws:*
 * `ERR_LINK`.
 */
export function attachLsm(program: Program, options: AttachLsmOptions = {}): Link {
	const hook = `security hook "${program.attachTarget ?? '?'}"`;
	const action = `attach program "${program.name}" to ${hook}`;
	requireType(action, program, 'lsm');
	const {cgroup, cookie} = options;
	if (program.attachType === 'lsm_cgroup') {
		if (cgroup === undefined) throw new UsageError(`${action}: it needs a cgroup`);
		return attachCgroup(program, cgroup);
	}

	if (cgroup !== undefined) {
		throw new UsageError(`${action}: only programs of section lsm_cgroup take a cgroup`);
	}

	if (cookie === undefined) return attachToOwn(action, program, hook);
	return createLink(program, {
		action,
		hook,
		feature: 'cookies of tracing programs',
		since: '5.19',
		attr: {
			target: 0,
			attachType: attachTypeNumber('lsm_mac'),
			flags: 0,
			options: {kind: 'tracing', targetBtfId: 0, cookie},
		},
		capabilities: ['bpf', 'perfmon'],
		explain: explainTracing,
	});
}

/** A function of a program in the kernel. */
export interface ProgramFunction {
	readonly program: Program;
	/** Its name in C; the one that the section names unless given. */
	readonly function?: string;
}

/**
 * Replaces a global function of another program by this one, the one that it was loaded for unless
 * another is given: the callers of that function call this program from then on.
 *
 * *Kernel:* 5.6; another target 5.10. *Throws:* `ERR_LINK`: `EBUSY` when the function is replaced
 * already, `EINVAL` when its types are not those of the one the program was loaded for.
 */
export function attachFreplace(program: Program, target?: ProgramFunction): Link {
	const name = target?.function ?? program.attachTarget ?? '?';
	const hook = `function "${name}"${target === undefined ? '' : ` of program "${target.program.name}"`}`;
	const action = `replace ${hook} by program "${program.name}"`;
	requireType(action, program, 'ext');
	if (target === undefined) return attachToOwn(action, program, hook);
	return createLink(program, {
		action,
		hook,
		feature: 'attaching to another program than it was loaded for',
		since: '5.10',
		attr: {
			target: target.program.fd,
			attachType: 0,
			flags: 0,
			options: {
				kind: 'tracing',
				targetBtfId: functionTypeId(action, target.program.fd, name),
				cookie: 0n,
			},
		},
		explain: explainFreplace,
	});
}

function hookOf({attachType, attachTarget}: Program): string {
	const kinds: Partial<Record<string, string>> = {
		trace_fentry: 'entry of',
		trace_fexit: 'exit of',
		modify_return: 'return value of',
		trace_raw_tp: 'tracepoint',
	};
	return `${kinds[attachType ?? ''] ?? 'target'} "${attachTarget ?? '?'}"`;
}

/** What the program was loaded for is all the kernel needs to know. */
function attachToOwn(action: string, program: Program, hook: string): Link {
	try {
		return new Link(rawTracepointOpen(program.fd, ''), hook);
	} catch (cause) {
		if (!(cause instanceof SyscallError)) throw cause;
		const {errno} = cause;
		if (errno === EINVAL && !kernelAtLeast('5.5')) {
			throw new UnsupportedError(action, 'tracing by type', '5.5', {cause, errno});
		}

		const explain = program.type === 'ext' ? explainFreplace : explainTracing;
		const permission = errno === EPERM ? explainPermission('bpf', 'perfmon') : undefined;
		throw new LinkError(action, explain(errno) ?? permission ?? cause.message, {cause, errno});
	}
}

function explainTracing(errno: number): string | undefined {
	switch (errno) {
		case EBUSY:
			return 'the function is traced in another way, or by this program already';
		case EEXIST:
			return 'it is attached already';
		case ENOENT:
			return 'the function is gone; its module was unloaded';
		case ENOTSUP:
			return 'the kernel cannot trace functions this way';
		default:
			return undefined;
	}
}

function explainFreplace(errno: number): string | undefined {
	switch (errno) {
		case EBUSY:
			return 'the function is replaced or traced already';
		case EINVAL:
			return 'the function has not the types of the one that the program was loaded for, or is not global';
		case ENOENT:
			return 'there is no such function, or the program was attached before; load it again';
		default:
			return undefined;
	}
}
