import {createNames, type UnknownName} from './names.js';

/** Where a program can be attached: the kernel's `enum bpf_attach_type` without `BPF_`. */
export const attachTypes = {
	cgroup_inet_ingress: 0,
	cgroup_inet_egress: 1,
	cgroup_inet_sock_create: 2,
	cgroup_sock_ops: 3,
	sk_skb_stream_parser: 4,
	sk_skb_stream_verdict: 5,
	cgroup_device: 6,
	sk_msg_verdict: 7,
	cgroup_inet4_bind: 8,
	cgroup_inet6_bind: 9,
	cgroup_inet4_connect: 10,
	cgroup_inet6_connect: 11,
	cgroup_inet4_post_bind: 12,
	cgroup_inet6_post_bind: 13,
	cgroup_udp4_sendmsg: 14,
	cgroup_udp6_sendmsg: 15,
	lirc_mode2: 16,
	flow_dissector: 17,
	cgroup_sysctl: 18,
	cgroup_udp4_recvmsg: 19,
	cgroup_udp6_recvmsg: 20,
	cgroup_getsockopt: 21,
	cgroup_setsockopt: 22,
	trace_raw_tp: 23,
	trace_fentry: 24,
	trace_fexit: 25,
	modify_return: 26,
	lsm_mac: 27,
	trace_iter: 28,
	cgroup_inet4_getpeername: 29,
	cgroup_inet6_getpeername: 30,
	cgroup_inet4_getsockname: 31,
	cgroup_inet6_getsockname: 32,
	xdp_devmap: 33,
	cgroup_inet_sock_release: 34,
	xdp_cpumap: 35,
	sk_lookup: 36,
	xdp: 37,
	sk_skb_verdict: 38,
	sk_reuseport_select: 39,
	sk_reuseport_select_or_migrate: 40,
	perf_event: 41,
	trace_kprobe_multi: 42,
	lsm_cgroup: 43,
	struct_ops: 44,
	netfilter: 45,
	tcx_ingress: 46,
	tcx_egress: 47,
	trace_uprobe_multi: 48,
	cgroup_unix_connect: 49,
	cgroup_unix_sendmsg: 50,
	cgroup_unix_recvmsg: 51,
	cgroup_unix_getpeername: 52,
	cgroup_unix_getsockname: 53,
	netkit_primary: 54,
	netkit_peer: 55,
	trace_kprobe_session: 56,
	trace_uprobe_session: 57,
} as const;

/** A name of `attachTypes`, or `unknown(N)` for one that is newer than this table. */
export type AttachType = keyof typeof attachTypes | UnknownName;

const names = createNames('attach type', attachTypes);

/** The name of the kernel's number; `unknown(N)` where this table has none. */
export function attachTypeName(number: number): AttachType {
	return names.name(number);
}

/**
 * The kernel's number of a name.
 *
 * *Throws:* `ERR_USAGE` for a name that is not in the table.
 */
export function attachTypeNumber(name: AttachType): number {
	return names.number(name);
}

const since: Readonly<Record<Exclude<keyof typeof attachTypes, 'unspec'>, string>> = {
	cgroup_inet_ingress: '4.10',
	cgroup_inet_egress: '4.10',
	cgroup_inet_sock_create: '4.10',
	cgroup_sock_ops: '4.13',
	sk_skb_stream_parser: '4.14',
	sk_skb_stream_verdict: '4.14',
	cgroup_device: '4.15',
	sk_msg_verdict: '4.17',
	cgroup_inet4_bind: '4.17',
	cgroup_inet6_bind: '4.17',
	cgroup_inet4_connect: '4.17',
	cgroup_inet6_connect: '4.17',
	cgroup_inet4_post_bind: '4.17',
	cgroup_inet6_post_bind: '4.17',
	cgroup_udp4_sendmsg: '4.18',
	cgroup_udp6_sendmsg: '4.18',
	lirc_mode2: '4.18',
	flow_dissector: '4.20',
	cgroup_sysctl: '5.2',
	cgroup_udp4_recvmsg: '5.2',
	cgroup_udp6_recvmsg: '5.2',
	cgroup_getsockopt: '5.3',
	cgroup_setsockopt: '5.3',
	trace_raw_tp: '5.5',
	trace_fentry: '5.5',
	trace_fexit: '5.5',
	modify_return: '5.7',
	lsm_mac: '5.7',
	trace_iter: '5.8',
	cgroup_inet4_getpeername: '5.8',
	cgroup_inet6_getpeername: '5.8',
	cgroup_inet4_getsockname: '5.8',
	cgroup_inet6_getsockname: '5.8',
	xdp_devmap: '5.8',
	cgroup_inet_sock_release: '5.9',
	xdp_cpumap: '5.9',
	sk_lookup: '5.9',
	xdp: '5.9',
	sk_skb_verdict: '5.13',
	sk_reuseport_select: '5.14',
	sk_reuseport_select_or_migrate: '5.14',
	perf_event: '5.15',
	trace_kprobe_multi: '5.18',
	lsm_cgroup: '6.0',
	struct_ops: '6.4',
	netfilter: '6.4',
	tcx_ingress: '6.6',
	tcx_egress: '6.6',
	trace_uprobe_multi: '6.6',
	cgroup_unix_connect: '6.7',
	cgroup_unix_sendmsg: '6.7',
	cgroup_unix_recvmsg: '6.7',
	cgroup_unix_getpeername: '6.7',
	cgroup_unix_getsockname: '6.7',
	netkit_primary: '6.7',
	netkit_peer: '6.7',
	trace_kprobe_session: '6.10',
	trace_uprobe_session: '6.13',
};

/** The first kernel with this attach type: `6.6`. */
export function attachTypeSince(name: AttachType): string | undefined {
	return Object.hasOwn(since, name) ? since[name as keyof typeof since] : undefined;
}
