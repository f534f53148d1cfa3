import {arch, constants} from 'node:os';

import {UsageError} from '../../base/errors.js';
import {KernelSymbols} from '../../kernel/host/kernel-symbols.js';
import {probeSource, TraceEventError} from '../../kernel/host/trace-events.js';
import {attachTypeNumber} from '../../uapi/attach-types.js';
import type {Program} from '../program/program.js';
import {createLink, requireType} from './attach.js';
import type {CookieOptions} from './attach-tracing.js';
import type {Link} from './link.js';
import {LinkError} from './link-error.js';
import {attachEvent} from './perf-link.js';

const {EADDRNOTAVAIL, EINVAL, ENOENT, EOPNOTSUPP} = constants.errno;

/** How a program is attached to a function of the kernel. */
export interface AttachKprobeOptions extends CookieOptions {
	/** Runs when the function returns; what the section says (`kretprobe`) unless given. */
	readonly onReturn?: boolean;
	/** Bytes from the function's start, where not at its start. */
	readonly offset?: number;
}

/** Bit of a multi-probe's flags: `BPF_F_KPROBE_MULTI_RETURN`. */
const multiReturn = 1;

/**
 * Attaches a program to a kernel function, the one that its section names (`kprobe/do_exit`,
 * `ksyscall/openat`) unless given.
 *
 * *Kernel:* 4.17, a link from 5.15 on; `cookie` 5.15. *Throws:* `ERR_LINK`: `ENOENT` when there is
 * no such function, or it must not be probed.
 */
export function attachKprobe(
	program: Program,
	functionName = functionOf(program),
	options: AttachKprobeOptions = {},
): Link {
	const {onReturn = isReturn(program), offset = 0, cookie} = options;
	const kind = onReturn ? 'return of' : 'kernel function';
	const hook = `${kind} "${functionName ?? '?'}"${offset === 0 ? '' : `+${offset}`}`;
	const action = `attach program "${program.name}" to ${hook}`;
	requireType(action, program, 'kprobe');
	if (functionName === undefined) {
		throw new UsageError(`${action}: its section names no function; give one`);
	}

	if (onReturn && offset !== 0) {
		throw new UsageError(`${action}: a return has no offset`);
	}

	const {type, returnBit} = source(action);
	return attachEvent(program, {
		action,
		hook,
		cookie,
		event: {
			type,
			config: onReturn ? returnBit : 0n,
			name: functionName,
			config2: BigInt(offset),
			cpu: 0,
		},
		explain: errno => explain(errno, functionName),
	});
}

/** Which functions of the kernel a program is attached to, and how. */
export interface AttachKprobeMultiOptions {
	/** Runs when the functions return; what the section says (`kretprobe.multi`) unless given. */
	readonly onReturn?: boolean;
	/** One for each function. */
	readonly cookies?: readonly bigint[];
}

/**
 * Attaches a program of section `kprobe.multi` to many kernel functions at once.
 *
 * *Kernel:* 5.18, built with CONFIG_FPROBE. *Throws:* `ERR_LINK`, `ERR_KERNEL_SYMBOL`.
 */
export function attachKprobeMulti(
	program: Program,
	functions: readonly string[],
	options: AttachKprobeMultiOptions = {},
): Link {
	const {onReturn = isReturn(program), cookies} = options;
	const hook = `${functions.length} kernel functions`;
	const action = `attach program "${program.name}" to ${hook}`;
	requireType(action, program, 'kprobe');
	const {attachType} = program;
	if (attachType !== 'trace_kprobe_multi' && attachType !== 'trace_kprobe_session') {
		throw new UsageError(`${action}: its section must start with "kprobe.multi"`);
	}

	if (functions.length === 0) throw new UsageError(`${action}: give at least one`);
	if (cookies !== undefined && cookies.length !== functions.length) {
		throw new UsageError(`${action}: there are ${cookies.length} cookies`);
	}

	const symbols = new KernelSymbols();
	const addresses = functions.map(name => {
		const address = symbols.address(name);
		if (address === undefined) throw new LinkError(action, `the kernel has no "${name}"`);
		return address;
	});
	return createLink(program, {
		action,
		hook,
		feature: 'probes of many functions',
		since: '5.18',
		attr: {
			target: 0,
			attachType: attachTypeNumber(attachType),
			flags: 0,
			options: {
				kind: 'kprobe_multi',
				flags: onReturn ? multiReturn : 0,
				addresses,
				cookies,
			},
		},
		capabilities: ['bpf', 'perfmon'],
		explain(errno) {
			if (errno === EOPNOTSUPP) return 'the kernel was built without CONFIG_FPROBE';
			return errno === ENOENT || errno === EINVAL
				? 'one of them is not a function that can be traced'
				: undefined;
		},
	});
}

function source(action: string) {
	try {
		return probeSource('kprobe');
	} catch (cause) {
		if (!(cause instanceof TraceEventError)) throw cause;
		throw new LinkError(action, cause.message, {cause});
	}
}

function explain(errno: number, name: string): string | undefined {
	if (errno === ENOENT || errno === EADDRNOTAVAIL) {
		return `the kernel has no function "${name}"`;
	}

	return errno === EINVAL ? 'the function must not be probed there' : undefined;
}

/** Does the section ask for the return? */
export function isReturn({section = ''}: Program): boolean {
	return /^\??(?:k|u)ret/.test(section);
}

const syscallPrefixes: Partial<Record<string, string>> = {
	x64: '__x64_sys_',
	arm64: '__arm64_sys_',
	riscv64: '__riscv_sys_',
	s390x: '__s390x_sys_',
};

/** What a section names, as the kernel's own function. */
function functionOf({section = '', attachTarget}: Program): string | undefined {
	if (attachTarget === undefined || !/^\??k(?:ret)?syscall/.test(section)) return attachTarget;
	return `${syscallPrefixes[arch()] ?? 'sys_'}${attachTarget}`;
}
