import {readFileSync, readlinkSync} from 'node:fs';

import {kernelAtLeast, kernelRelease} from './kernel-version.js';

const capabilities = {
	net_admin: 12,
	sys_admin: 21,
	perfmon: 38,
	bpf: 39,
} as const;

/** A capability that loading or attaching may need. */
export type Capability = keyof typeof capabilities;

/** What the kernel tells of a process and of itself; empty text where it tells nothing. */
export interface PermissionFacts {
	/** /proc/PID/status. */
	readonly status: string;
	/** /proc/PID/limits. */
	readonly limits: string;
	/** /sys/kernel/security/lockdown. */
	readonly lockdown: string;
	readonly release: string;
	/** Where /proc/PID/ns/user leads; not in a user namespace where it is left out. */
	readonly userNamespace?: string;
}

/** The facts of this process, now. */
export function permissionFacts(): PermissionFacts {
	return {
		status: readText('/proc/self/status'),
		limits: readText('/proc/self/limits'),
		lockdown: readText('/sys/kernel/security/lockdown'),
		release: kernelRelease,
		userNamespace: readLink('/proc/self/ns/user'),
	};
}

/** True when this process has the capability in effect; `sys_admin` stands for all of them. */
export function hasCapability(capability: Capability): boolean {
	return isCapable(readText('/proc/self/status'), capability);
}

/**
 * Why the kernel may have answered EPERM: the one of capability, locked memory, lockdown that
 * applies here, or that none of these does.
 */
export function explainPermission(...needed: Capability[]): string {
	return permissionReason(permissionFacts(), needed);
}

/** What `explainPermission` says where the facts are these. */
export function permissionReason(facts: PermissionFacts, needed: readonly Capability[]): string {
	const missing = needed.filter(capability => !isCapable(facts.status, capability));
	if (missing.length > 0) {
		const names = missing.map(capability => `CAP_${capability.toUpperCase()}`).join(', ');
		return `this process lacks ${names}; run it as root or grant the capability`;
	}

	if (inUserNamespace(facts)) {
		return 'this process is in a user namespace, whose capabilities do not count for bpf; run it outside, or give it a bpf token by a bpf filesystem mounted with delegate_cmds';
	}

	if (/\[confidentiality\]/.test(facts.lockdown)) {
		return 'the kernel is locked down (confidentiality), which forbids reading kernel memory from bpf';
	}

	// From 5.11 on memory is accounted to the cgroup instead.
	if (!kernelAtLeast('5.11', facts.release)) {
		const limit = /^Max locked memory\s+(\S+)/m.exec(facts.limits)?.[1];
		if (limit !== 'unlimited') {
			return `locked memory is limited to ${limit ?? 'an unknown number of'} bytes; run 'ulimit -l unlimited' first`;
		}
	}

	return isFiltered(facts)
		? 'a seccomp filter of this process may forbid bpf(2); run it without (a container: --security-opt seccomp=unconfined)'
		: 'capabilities, lockdown and locked memory allow it; a security module may not';
}

/** Is this a user namespace other than the first, by the number that the first has everywhere? */
export function inUserNamespace({userNamespace = ''}: PermissionFacts): boolean {
	return userNamespace !== '' && userNamespace !== 'user:[4026531837]';
}

/** Does a seccomp filter look at the system calls of this process? */
export function isFiltered({status}: PermissionFacts): boolean {
	return /^Seccomp:\s*2$/m.test(status);
}

/**
 * Is the capability in effect, by the text of /proc/PID/status? bpf and perfmon were split off from
 * sys_admin in 5.8, which the kernel still takes for them, and for net_admin where bpf wants that.
 */
export function isCapable(status: string, capability: Capability): boolean {
	const line = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1];
	const effective = BigInt(`0x${line ?? '0'}`);
	return [capability, 'sys_admin' as const].some(
		name => ((effective >> BigInt(capabilities[name])) & 1n) === 1n,
	);
}

function readLink(path: string): string {
	try {
		return readlinkSync(path);
	} catch {
		return '';
	}
}

function readText(path: string): string {
	try {
		return readFileSync(path, 'utf8');
	} catch {
		return '';
	}
}
