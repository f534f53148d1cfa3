/** What stands in the way of bpf on this host, what first, and how to mend it. */

import {constants} from 'node:os';

import {errnoName} from '../../uapi/errno.js';
import {kernelAtLeast} from '../host/kernel-version.js';
import {
	inUserNamespace,
	isCapable,
	isFiltered,
	permissionReason,
	type Capability,
} from '../host/permission.js';
import {gatherFacts, type HostFacts} from './host-facts.js';

/** One thing that was looked at. */
export interface Finding {
	/** `capabilities`, `lockdown`, `bpffs`, … */
	readonly check: string;
	/** `stops`: programs cannot be loaded; `limits`: something else cannot be done. */
	readonly status: 'ok' | 'limits' | 'stops';
	/** What was found, in one line. */
	readonly detail: string;
	/** What to do about it. */
	readonly mend?: string;
}

/** What was found on this host. */
export interface Diagnosis {
	/** Packet programs can be loaded. */
	readonly ok: boolean;
	/** The one thing that stands in the way; undefined where nothing does. */
	readonly cause: Finding | undefined;
	/** All that was looked at, in the order in which it stops. */
	readonly findings: readonly Finding[];
}

const {ENOSYS, EPERM} = constants.errno;

/**
 * Finds out whether programs can be loaded on this host by this process, what stands in the way,
 * and what else cannot be done. Leaves nothing behind.
 */
export function examineHost(): Diagnosis {
	return diagnose(gatherFacts());
}

/** What `examineHost` says where the facts are these. */
export function diagnose(facts: HostFacts): Diagnosis {
	const findings = [
		kernel(facts),
		capabilities(facts),
		userNamespace(facts),
		seccomp(facts),
		memlock(facts),
		lockdown(facts),
		load(facts),
		tracing(facts),
		token(facts),
		unprivileged(facts),
		bpffs(facts),
		types(facts),
		compiler(facts),
		cgroup(facts),
	];
	const cause = findings.find(({status}) => status === 'stops');
	return {ok: cause === undefined, cause, findings};
}

/** Did the kernel refuse for want of permission, and not for another reason? */
function isRefused({mapErrno, packetProgramErrno}: HostFacts): boolean {
	return mapErrno === EPERM || packetProgramErrno === EPERM;
}

function finding(check: string, status: Finding['status'], detail: string, mend?: string): Finding {
	return {check, status, detail, ...(mend !== undefined && {mend})};
}

function kernel({release, mapErrno}: HostFacts): Finding {
	if (mapErrno === ENOSYS) {
		return finding(
			'kernel',
			'stops',
			`${release} was built without bpf(2)`,
			'boot a kernel with CONFIG_BPF_SYSCALL',
		);
	}

	return kernelAtLeast('5.15', release)
		? finding('kernel', 'ok', release)
		: finding(
				'kernel',
				'limits',
				`${release}: parts of skep need newer kernels`,
				"see what this one has with 'skep feature'",
			);
}

const needs: Readonly<Record<string, Capability>> = {
	CAP_BPF: 'bpf',
	CAP_NET_ADMIN: 'net_admin',
};

function capabilities(facts: HostFacts): Finding {
	const missing = Object.entries(needs)
		.filter(([, capability]) => !isCapable(facts.status, capability))
		.map(([name]) => name);
	if (missing.length === 0) return finding('capabilities', 'ok', 'CAP_BPF, CAP_NET_ADMIN');
	const names = missing.join(' and ');
	// What is not refused needs no capability, or has a token.
	return finding(
		'capabilities',
		isRefused(facts) ? 'stops' : 'limits',
		`this process lacks ${names}`,
		`run it as root, or grant it: 'setpriv --inh-caps +bpf,+net_admin,+perfmon --ambient-caps +bpf,+net_admin,+perfmon', AmbientCapabilities= of systemd, '--cap-add' of a container`,
	);
}

function userNamespace(facts: HostFacts): Finding {
	if (!inUserNamespace(facts)) return finding('user namespace', 'ok', 'the first one');
	return finding(
		'user namespace',
		isRefused(facts) ? 'stops' : 'ok',
		'this process is in a user namespace, whose capabilities do not count for bpf',
		'run it outside, or give it a bpf token by a bpf filesystem mounted with delegate_cmds (kernel 6.9)',
	);
}

function seccomp(facts: HostFacts): Finding {
	if (!isFiltered(facts)) return finding('seccomp', 'ok', 'no filter');
	return finding(
		'seccomp',
		isRefused(facts) ? 'stops' : 'ok',
		isRefused(facts)
			? 'a seccomp filter of this process may forbid bpf(2)'
			: 'a filter, which lets bpf(2) pass',
		"run it without: '--security-opt seccomp=unconfined' of a container, or a profile that allows bpf",
	);
}

function memlock(facts: HostFacts): Finding {
	const limit = /^Max locked memory\s+(\S+)/m.exec(facts.limits)?.[1] ?? 'unknown';
	if (kernelAtLeast('5.11', facts.release)) {
		return finding('memlock', 'ok', `${limit}; this kernel accounts to the cgroup`);
	}

	if (limit === 'unlimited') return finding('memlock', 'ok', limit);
	return finding(
		'memlock',
		isRefused(facts) ? 'stops' : 'limits',
		`locked memory is limited to ${limit} bytes`,
		"'ulimit -l unlimited', or LimitMEMLOCK=infinity of systemd",
	);
}

function lockdown(facts: HostFacts): Finding {
	const mode = /\[(\w+)\]/.exec(facts.lockdown)?.[1] ?? 'none';
	if (mode !== 'confidentiality') return finding('lockdown', 'ok', mode);
	return finding(
		'lockdown',
		isRefused(facts) ? 'stops' : 'limits',
		'confidentiality: bpf may not read kernel memory',
		'boot with lockdown=integrity or none',
	);
}

/** Whatever the reasons above are: what the kernel does when it is asked. */
function load(facts: HostFacts): Finding {
	const {mapErrno, packetProgramErrno} = facts;
	const errno = mapErrno || packetProgramErrno;
	if (errno === 0) return finding('load', 'ok', 'a map and an XDP program');
	const what = mapErrno === 0 ? 'an XDP program' : 'a map';
	const reason =
		errno === EPERM
			? permissionReason(facts, ['bpf', 'net_admin'])
			: 'the kernel does not say why';
	return finding('load', 'stops', `${what} is refused (${errnoName(errno)}): ${reason}`);
}

function tracing({tracingProgramErrno: errno, status}: HostFacts): Finding {
	if (errno === 0) return finding('tracing', 'ok', 'a raw tracepoint program');
	const isMissing = !isCapable(status, 'perfmon');
	return finding(
		'tracing',
		'limits',
		isMissing
			? 'this process lacks CAP_PERFMON: no tracing programs'
			: `a raw tracepoint program is refused (${errnoName(errno)})`,
		isMissing ? 'grant CAP_PERFMON as well' : undefined,
	);
}

function token({lendsTokens}: HostFacts): Finding {
	const text = lendsTokens ? 'a bpf filesystem lends them' : 'no bpf filesystem lends one';
	return finding('token', 'ok', text);
}

const unprivilegedModes: Readonly<Record<string, string>> = {
	'0': 'allowed for socket filters',
	'1': 'off until the next boot',
	'2': 'off',
};

function unprivileged({unprivilegedDisabled: mode}: HostFacts): Finding {
	const text = unprivilegedModes[mode] ?? 'the kernel does not say';
	return finding('unprivileged bpf', 'ok', text);
}

function bpffs(facts: HostFacts): Finding {
	if (facts.bpffs === undefined) {
		return finding(
			'bpffs',
			'limits',
			'no bpf filesystem is mounted: nothing can be pinned',
			"'mount -t bpf bpf /sys/fs/bpf'",
		);
	}

	const {path, isWritable} = facts.bpffs;
	if (isWritable) return finding('bpffs', 'ok', path);
	return finding(
		'bpffs',
		'limits',
		`${path} cannot be written to by this process: nothing can be pinned`,
		`'chown' a folder in it, or mount one with uid= and gid= (kernel 6.4)`,
	);
}

function types({hasTypes}: HostFacts): Finding {
	if (hasTypes) return finding('BTF', 'ok', '/sys/kernel/btf/vmlinux');
	return finding(
		'BTF',
		'limits',
		'the kernel has no types: no CO-RE, no fentry, no kfuncs',
		'boot a kernel with CONFIG_DEBUG_INFO_BTF, and mount /sys',
	);
}

function compiler({jit}: HostFacts): Finding {
	if (jit !== '0') return finding('JIT', 'ok', jit === '' ? 'the kernel does not say' : 'on');
	return finding(
		'JIT',
		'limits',
		'off: programs are interpreted, and several kinds cannot be loaded',
		"'sysctl net.core.bpf_jit_enable=1'",
	);
}

function cgroup({cgroup2}: HostFacts): Finding {
	if (cgroup2 !== undefined) return finding('cgroup2', 'ok', cgroup2);
	return finding(
		'cgroup2',
		'limits',
		'no cgroup v2 hierarchy is mounted: no cgroup programs',
		"'mount -t cgroup2 none /sys/fs/cgroup'",
	);
}
