/** The link commands of bpf(2), one function per command. */

import {Attr, bpf, cText} from './attr.js';

export interface LinkCreateAttr {
	readonly programFd: number;
	/** A cgroup's, namespace's or map's fd, or an interface index. */
	readonly target: number;
	readonly attachType: number;
	readonly flags: number;
	/** tcx, netkit, cgroup (*Kernel:* 6.17): neighbour's fd or id, by the flags. */
	readonly relative?: number | undefined;
	/** tcx, netkit: the revision the hook must have; 0n for any. */
	readonly expectedRevision?: bigint | undefined;
	/** Network namespace of the interface index, as an fd. */
	readonly netns?: number | undefined;
}

/** *Throws:* `ERR_SYSCALL`. *Kernel:* 5.7. */
export function linkCreate(link: LinkCreateAttr): number {
	const {relative, expectedRevision} = link;
	const placed = relative !== undefined || expectedRevision !== undefined;
	const attr = new Attr(placed ? 32 : 16)
		.u32(0, link.programFd)
		.u32(4, link.target)
		.u32(8, link.attachType)
		.u32(12, link.flags);
	if (placed) attr.u32(16, relative ?? 0).u64(24, expectedRevision ?? 0n);
	return bpf('link_create', attr, [], link.netns);
}

/**
 * Replaces the program of a link atomically.
 *
 * *Throws:* `ERR_SYSCALL`: `EINVAL` when the attach types differ, `EPERM` when `oldProgramFd` is
 * not what is attached. *Kernel:* 5.7.
 */
export function linkUpdate(linkFd: number, newProgramFd: number, oldProgramFd?: number): void {
	const replace = 4; // BPF_F_REPLACE
	const attr = new Attr(16)
		.u32(0, linkFd)
		.u32(4, newProgramFd)
		.u32(8, oldProgramFd === undefined ? 0 : replace)
		.u32(12, oldProgramFd ?? 0);
	bpf('link_update', attr);
}

/** *Throws:* `ERR_SYSCALL`. *Kernel:* 5.9. */
export function linkDetach(linkFd: number): void {
	bpf('link_detach', new Attr(4).u32(0, linkFd));
}

/** *Throws:* `ERR_SYSCALL`. `name` is empty for a program that names its own tracepoint by BTF. */
export function rawTracepointOpen(programFd: number, name: string): number {
	const attr = new Attr(16).u32(8, programFd);
	return bpf('raw_tracepoint_open', attr, name === '' ? [] : [0, cText(name)]);
}
