import {readFileSync} from 'node:fs';

import {kernelAtLeast} from './kernel-version.js';

const capabilities = {
	net_admin: 12,
	sys_admin: 21,
	perfmon: 38,
	bpf: 39,
} as const;

/** A capability that loading or attaching may need. */
export type Capability = keyof typeof capabilities;

/** True when this process has the capability in effect; `sys_admin` stands for all of them. */
export function hasCapability(capability: Capability): boolean {
	const line = /^CapEff:\s*([0-9a-f]+)$/m.exec(readText('/proc/self/status'))?.[1];
	if (line === undefined) return false;
	const effective = BigInt(`0x${line}`);
	const has = (bit: number): boolean => ((effective >> BigInt(bit)) & 1n) === 1n;
	if (capability === 'bpf' || capability === 'perfmon') {
		// Split off from sys_admin in 5.8.
		return has(capabilities[capability]) || has(capabilities.sys_admin);
	}

	return has(capabilities[capability]);
}

/**
 * Why the kernel may have answered EPERM: the one of capability, locked memory, lockdown that
 * applies here, or that none of these does.
 */
export function explainPermission(...needed: Capability[]): string {
	const missing = needed.filter(capability => !hasCapability(capability));
	if (missing.length > 0) {
		const names = missing.map(capability => `CAP_${capability.toUpperCase()}`).join(', ');
		return `this process lacks ${names}; run it as root or grant the capability`;
	}

	const lockdown = /\[(\w+)\]/.exec(readText('/sys/kernel/security/lockdown'))?.[1];
	if (lockdown === 'confidentiality') {
		return 'the kernel is locked down (confidentiality), which forbids reading kernel memory from bpf';
	}

	// From 5.11 on memory is accounted to the cgroup instead.
	if (!kernelAtLeast('5.11')) {
		const limit = /^Max locked memory\s+(\S+)/m.exec(readText('/proc/self/limits'))?.[1];
		if (limit !== 'unlimited') {
			return `locked memory is limited to ${limit ?? 'an unknown number of'} bytes; run 'ulimit -l unlimited' first`;
		}
	}

	return 'capabilities, lockdown and locked memory allow it; a security module may not';
}

function readText(path: string): string {
	try {
		return readFileSync(path, 'utf8');
	} catch {
		return '';
	}
}
