import {createNames, type UnknownName} from './names.js';

/** Kinds of program: `BPF_PROG_TYPE_*`. */
export const programTypes = {
	unspec: 0,
	socket_filter: 1,
	kprobe: 2,
	sched_cls: 3,
	sched_act: 4,
	tracepoint: 5,
	xdp: 6,
	perf_event: 7,
	cgroup_skb: 8,
	cgroup_sock: 9,
	lwt_in: 10,
	lwt_out: 11,
	lwt_xmit: 12,
	sock_ops: 13,
	sk_skb: 14,
	cgroup_device: 15,
	sk_msg: 16,
	raw_tracepoint: 17,
	cgroup_sock_addr: 18,
	lwt_seg6local: 19,
	lirc_mode2: 20,
	sk_reuseport: 21,
	flow_dissector: 22,
	cgroup_sysctl: 23,
	raw_tracepoint_writable: 24,
	cgroup_sockopt: 25,
	tracing: 26,
	struct_ops: 27,
	ext: 28,
	lsm: 29,
	sk_lookup: 30,
	syscall: 31,
	netfilter: 32,
} as const;

/** A name of `programTypes`, or `unknown(N)` for one that is newer than this table. */
export type ProgramType = keyof typeof programTypes | UnknownName;

const names = createNames('program type', programTypes);

/** The name of the kernel's number; `unknown(N)` where this table has none. */
export function programTypeName(number: number): ProgramType {
	return names.name(number);
}

/**
 * The kernel's number of a name.
 *
 * *Throws:* `ERR_USAGE` for a name that is not in the table.
 */
export function programTypeNumber(name: ProgramType): number {
	return names.number(name);
}

const since: Readonly<Record<Exclude<keyof typeof programTypes, 'unspec'>, string>> = {
	socket_filter: '3.19',
	kprobe: '4.1',
	sched_cls: '4.1',
	sched_act: '4.1',
	tracepoint: '4.7',
	xdp: '4.8',
	perf_event: '4.9',
	cgroup_skb: '4.10',
	cgroup_sock: '4.10',
	lwt_in: '4.10',
	lwt_out: '4.10',
	lwt_xmit: '4.10',
	sock_ops: '4.13',
	sk_skb: '4.14',
	cgroup_device: '4.15',
	sk_msg: '4.17',
	raw_tracepoint: '4.17',
	cgroup_sock_addr: '4.17',
	lwt_seg6local: '4.18',
	lirc_mode2: '4.18',
	sk_reuseport: '4.19',
	flow_dissector: '4.20',
	cgroup_sysctl: '5.2',
	raw_tracepoint_writable: '5.2',
	cgroup_sockopt: '5.3',
	tracing: '5.5',
	struct_ops: '5.6',
	ext: '5.6',
	lsm: '5.7',
	sk_lookup: '5.9',
	syscall: '5.14',
	netfilter: '6.4',
};

/** The first kernel with programs of this type: `4.8`. */
export function programTypeSince(name: ProgramType): string | undefined {
	return Object.hasOwn(since, name) ? since[name as keyof typeof since] : undefined;
}
