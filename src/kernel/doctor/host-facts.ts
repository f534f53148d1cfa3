import {accessSync, constants, existsSync, readFileSync} from 'node:fs';

import {nothing, tryProgram, openMap} from '../features/try.js';
import {permissionFacts, type PermissionFacts} from '../host/permission.js';
import {mountsOf} from '../host/mounts.js';
import {addon} from '../sys/addon.js';

/** What is known of this process and its kernel, before anything is concluded from it. */
export interface HostFacts extends PermissionFacts {
	/** /proc/sys/kernel/unprivileged_bpf_disabled; empty where there is none. */
	readonly unprivilegedDisabled: string;
	/** /proc/sys/net/core/bpf_jit_enable; empty where the kernel has no compiler or hides it. */
	readonly jit: string;
	readonly hasTypes: boolean;
	/** Whether something can be pinned; the kernel's customary place, or the first mounted. */
	readonly bpffs: {readonly path: string; readonly isWritable: boolean} | undefined;
	/** A mounted bpf filesystem lends tokens. *Kernel:* 6.9. */
	readonly lendsTokens: boolean;
	readonly cgroup2: string | undefined;
	/** What the kernel said to a map of one entry: 0, or an errno. */
	readonly mapErrno: number;
	/** The same of an XDP program of two instructions, and of one for a tracepoint. */
	readonly packetProgramErrno: number;
	readonly tracingProgramErrno: number;
}

const customary = '/sys/fs/bpf';

/** Looks at this host; maps and programs are made to try and thrown away. */
export function gatherFacts(): HostFacts {
	const map = openMap({type: 'array'});
	if (map >= 0) addon.closeFd(map);
	return {
		...permissionFacts(),
		unprivilegedDisabled: text('/proc/sys/kernel/unprivileged_bpf_disabled'),
		jit: text('/proc/sys/net/core/bpf_jit_enable'),
		hasTypes: existsSync('/sys/kernel/btf/vmlinux'),
		bpffs: findBpffs(),
		lendsTokens: / - bpf \S+ \S*\bdelegate_cmds=/.test(text('/proc/self/mountinfo')),
		cgroup2: mountsOf('cgroup2')[0]?.path,
		mapErrno: Math.max(0, -map),
		packetProgramErrno: errnoOf('xdp'),
		tracingProgramErrno: errnoOf('raw_tracepoint'),
	};
}

function errnoOf(type: 'xdp' | 'raw_tracepoint'): number {
	return Math.max(0, -tryProgram({type, code: nothing}).result);
}

function findBpffs(): HostFacts['bpffs'] {
	const mounts = mountsOf('bpf').map(({path}) => path);
	const path = mounts.find(each => each === customary) ?? mounts[0];
	return path === undefined ? undefined : {path, isWritable: isWritable(path)};
}

function isWritable(path: string): boolean {
	try {
		accessSync(path, constants.W_OK);
		return true;
	} catch {
		return false;
	}
}

function text(path: string): string {
	try {
		return readFileSync(path, 'utf8').trim();
	} catch {
		return '';
	}
}
