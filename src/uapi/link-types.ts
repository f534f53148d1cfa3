import {createNames, type UnknownName} from './names.js';

/** Kinds of link: `BPF_LINK_TYPE_*`. */
export const linkTypes = {
	unspec: 0,
	raw_tracepoint: 1,
	tracing: 2,
	cgroup: 3,
	iter: 4,
	netns: 5,
	xdp: 6,
	perf_event: 7,
	kprobe_multi: 8,
	struct_ops: 9,
	netfilter: 10,
	tcx: 11,
	uprobe_multi: 12,
	netkit: 13,
	sockmap: 14,
} as const;

/** A name of `linkTypes`, or `unknown(N)` for one that is newer than this table. */
export type LinkType = keyof typeof linkTypes | UnknownName;

const names = createNames('link type', linkTypes);

/** The name of the kernel's number; `unknown(N)` where this table has none. */
export function linkTypeName(number: number): LinkType {
	return names.name(number);
}

/**
 * The kernel's number of a name.
 *
 * *Throws:* `ERR_USAGE` for a name that is not in the table.
 */
export function linkTypeNumber(name: LinkType): number {
	return names.number(name);
}

const since: Readonly<Record<Exclude<keyof typeof linkTypes, 'unspec'>, string>> = {
	raw_tracepoint: '4.17',
	tracing: '5.5',
	cgroup: '5.7',
	iter: '5.8',
	netns: '5.8',
	xdp: '5.9',
	perf_event: '5.15',
	kprobe_multi: '5.18',
	struct_ops: '6.4',
	netfilter: '6.4',
	tcx: '6.6',
	uprobe_multi: '6.6',
	netkit: '6.7',
	sockmap: '6.10',
};

/** The first kernel where an fd owns such an attachment: `6.6`. */
export function linkTypeSince(name: LinkType): string | undefined {
	return Object.hasOwn(since, name) ? since[name as keyof typeof since] : undefined;
}
