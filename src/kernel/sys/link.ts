/** The link commands of bpf(2), one function per command. */

import {Attr, bpf, cText, tryBpf} from './attr.js';
import {linkOptions, type LinkOptions} from './link-options.js';

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
	/** What links of some attach types take besides. */
	readonly options?: LinkOptions | undefined;
}

/** *Throws:* `ERR_SYSCALL`. *Kernel:* 5.7. */
export function linkCreate(link: LinkCreateAttr): number {
	const {options} = link;
	if (options !== undefined) {
		const {attr, pointers} = linkOptions(options);
		attr.u32(0, link.programFd).u32(4, link.target).u32(8, link.attachType).u32(12, link.flags);
		return bpf('link_create', attr, pointers, link.netns);
	}

	return bpf('link_create', createAttr(link), [], link.netns);
}

/** The same without options, made ready: the call gives a descriptor or `-errno`. */
export function linkCreateCall(link: Omit<LinkCreateAttr, 'options'>): () => number {
	const attr = createAttr(link);
	return () => tryBpf('link_create', attr, [], link.netns);
}

function createAttr({relative, expectedRevision, ...link}: LinkCreateAttr): Attr {
	const placed = relative !== undefined || expectedRevision !== undefined;
	const attr = new Attr(placed ? 32 : 16)
		.u32(0, link.programFd)
		.u32(4, link.target)
		.u32(8, link.attachType)
		.u32(12, link.flags);
	return placed ? attr.u32(16, relative ?? 0).u64(24, expectedRevision ?? 0n) : attr;
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

/**
 * `name` is empty for a program that names its own tracepoint by BTF; `cookie`: *Kernel:* 6.10.
 *
 * *Throws:* `ERR_SYSCALL`.
 */
export function rawTracepointOpen(programFd: number, name: string, cookie?: bigint): number {
	const attr = new Attr(cookie === undefined ? 16 : 24).u32(8, programFd);
	if (cookie !== undefined) attr.u64(16, cookie);
	return bpf('raw_tracepoint_open', attr, name === '' ? [] : [0, cText(name)]);
}

/** A descriptor to read an iterator's output from. *Throws:* `ERR_SYSCALL`. *Kernel:* 5.8. */
export function iteratorCreate(linkFd: number): number {
	return bpf('iter_create', new Attr(8).u32(0, linkFd));
}
