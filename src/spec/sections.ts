/** What the name of a code section says: the convention that all loaders of BPF objects share. */

import type {AttachType} from '../uapi/attach-types.js';
import {programFlags} from '../uapi/flags.js';
import type {ProgramType} from '../uapi/program-types.js';

/** What a section's name says about the programs in it. */
export interface SectionMeaning {
	readonly type: ProgramType;
	readonly attachType: AttachType | undefined;
	/** What follows the known name and a slash, where the name takes a target. */
	readonly attachTarget: string | undefined;
	/** `BPF_F_*` bits of program load. */
	readonly flags: number;
	/** False where the name starts with `?`. */
	readonly autoload: boolean;
}

type Row = readonly [
	name: string,
	type: ProgramType,
	attachType?: AttachType | undefined,
	flags?: number,
];

const {sleepable, xdp_has_frags: frags} = programFlags;

/** Names that stand alone or before `/` and a target: `kprobe/do_exit`. */
const withTarget: readonly Row[] = [
	['kprobe', 'kprobe'],
	['kretprobe', 'kprobe'],
	['kprobe.multi', 'kprobe', 'trace_kprobe_multi'],
	['kretprobe.multi', 'kprobe', 'trace_kprobe_multi'],
	['kprobe.session', 'kprobe', 'trace_kprobe_session'],
	['ksyscall', 'kprobe'],
	['kretsyscall', 'kprobe'],
	['uprobe', 'kprobe'],
	['uprobe.s', 'kprobe', undefined, sleepable],
	['uretprobe', 'kprobe'],
	['uretprobe.s', 'kprobe', undefined, sleepable],
	['uprobe.multi', 'kprobe', 'trace_uprobe_multi'],
	['uprobe.multi.s', 'kprobe', 'trace_uprobe_multi', sleepable],
	['uretprobe.multi', 'kprobe', 'trace_uprobe_multi'],
	['uretprobe.multi.s', 'kprobe', 'trace_uprobe_multi', sleepable],
	['uprobe.session', 'kprobe', 'trace_uprobe_session'],
	['uprobe.session.s', 'kprobe', 'trace_uprobe_session', sleepable],
	['usdt', 'kprobe'],
	['usdt.s', 'kprobe', undefined, sleepable],
	['tracepoint', 'tracepoint'],
	['tp', 'tracepoint'],
	['raw_tracepoint', 'raw_tracepoint'],
	['raw_tp', 'raw_tracepoint'],
	['raw_tracepoint.w', 'raw_tracepoint_writable'],
	['raw_tp.w', 'raw_tracepoint_writable'],
	['tp_btf', 'tracing', 'trace_raw_tp'],
	['fentry', 'tracing', 'trace_fentry'],
	['fentry.s', 'tracing', 'trace_fentry', sleepable],
	['fexit', 'tracing', 'trace_fexit'],
	['fexit.s', 'tracing', 'trace_fexit', sleepable],
	['fmod_ret', 'tracing', 'modify_return'],
	['fmod_ret.s', 'tracing', 'modify_return', sleepable],
	['iter', 'tracing', 'trace_iter'],
	['iter.s', 'tracing', 'trace_iter', sleepable],
	['freplace', 'ext'],
	['lsm', 'lsm', 'lsm_mac'],
	['lsm.s', 'lsm', 'lsm_mac', sleepable],
	['lsm_cgroup', 'lsm', 'lsm_cgroup'],
	['struct_ops', 'struct_ops'],
	['struct_ops.s', 'struct_ops', undefined, sleepable],
];

/** Names that stand alone. */
const exact: readonly Row[] = [
	['sk_reuseport', 'sk_reuseport', 'sk_reuseport_select'],
	['sk_reuseport/migrate', 'sk_reuseport', 'sk_reuseport_select_or_migrate'],
	['syscall', 'syscall', undefined, sleepable],
	['perf_event', 'perf_event'],
	['lirc_mode2', 'lirc_mode2', 'lirc_mode2'],
	['netfilter', 'netfilter', 'netfilter'],
	['cgroup/dev', 'cgroup_device', 'cgroup_device'],
	['cgroup/sysctl', 'cgroup_sysctl', 'cgroup_sysctl'],
	['cgroup/getsockopt', 'cgroup_sockopt', 'cgroup_getsockopt'],
	['cgroup/setsockopt', 'cgroup_sockopt', 'cgroup_setsockopt'],
	['cgroup/sock', 'cgroup_sock', 'cgroup_inet_sock_create'],
	['cgroup/sock_create', 'cgroup_sock', 'cgroup_inet_sock_create'],
	['cgroup/sock_release', 'cgroup_sock', 'cgroup_inet_sock_release'],
	['cgroup/post_bind4', 'cgroup_sock', 'cgroup_inet4_post_bind'],
	['cgroup/post_bind6', 'cgroup_sock', 'cgroup_inet6_post_bind'],
	['cgroup/bind4', 'cgroup_sock_addr', 'cgroup_inet4_bind'],
	['cgroup/bind6', 'cgroup_sock_addr', 'cgroup_inet6_bind'],
	['cgroup/connect4', 'cgroup_sock_addr', 'cgroup_inet4_connect'],
	['cgroup/connect6', 'cgroup_sock_addr', 'cgroup_inet6_connect'],
	['cgroup/connect_unix', 'cgroup_sock_addr', 'cgroup_unix_connect'],
	['cgroup/sendmsg4', 'cgroup_sock_addr', 'cgroup_udp4_sendmsg'],
	['cgroup/sendmsg6', 'cgroup_sock_addr', 'cgroup_udp6_sendmsg'],
	['cgroup/sendmsg_unix', 'cgroup_sock_addr', 'cgroup_unix_sendmsg'],
	['cgroup/recvmsg4', 'cgroup_sock_addr', 'cgroup_udp4_recvmsg'],
	['cgroup/recvmsg6', 'cgroup_sock_addr', 'cgroup_udp6_recvmsg'],
	['cgroup/recvmsg_unix', 'cgroup_sock_addr', 'cgroup_unix_recvmsg'],
	['cgroup/getpeername4', 'cgroup_sock_addr', 'cgroup_inet4_getpeername'],
	['cgroup/getpeername6', 'cgroup_sock_addr', 'cgroup_inet6_getpeername'],
	['cgroup/getpeername_unix', 'cgroup_sock_addr', 'cgroup_unix_getpeername'],
	['cgroup/getsockname4', 'cgroup_sock_addr', 'cgroup_inet4_getsockname'],
	['cgroup/getsockname6', 'cgroup_sock_addr', 'cgroup_inet6_getsockname'],
	['cgroup/getsockname_unix', 'cgroup_sock_addr', 'cgroup_unix_getsockname'],
];

/** Names that objects extend as they like, since nothing follows from the rest: `xdp_vlan01`. */
const extensible: readonly Row[] = [
	['socket', 'socket_filter'],
	['tc', 'sched_cls'],
	['classifier', 'sched_cls'],
	['action', 'sched_act'],
	['tc/ingress', 'sched_cls', 'tcx_ingress'],
	['tc/egress', 'sched_cls', 'tcx_egress'],
	['tcx/ingress', 'sched_cls', 'tcx_ingress'],
	['tcx/egress', 'sched_cls', 'tcx_egress'],
	['netkit/primary', 'sched_cls', 'netkit_primary'],
	['netkit/peer', 'sched_cls', 'netkit_peer'],
	['xdp', 'xdp', 'xdp'],
	['xdp/devmap', 'xdp', 'xdp_devmap'],
	['xdp_devmap', 'xdp', 'xdp_devmap'],
	['xdp/cpumap', 'xdp', 'xdp_cpumap'],
	['xdp_cpumap', 'xdp', 'xdp_cpumap'],
	['xdp.frags', 'xdp', 'xdp', frags],
	['xdp.frags/devmap', 'xdp', 'xdp_devmap', frags],
	['xdp.frags/cpumap', 'xdp', 'xdp_cpumap', frags],
	['lwt_in', 'lwt_in'],
	['lwt_out', 'lwt_out'],
	['lwt_xmit', 'lwt_xmit'],
	['lwt_seg6local', 'lwt_seg6local'],
	['sockops', 'sock_ops', 'cgroup_sock_ops'],
	['sk_skb', 'sk_skb'],
	['sk_skb/stream_parser', 'sk_skb', 'sk_skb_stream_parser'],
	['sk_skb/stream_verdict', 'sk_skb', 'sk_skb_stream_verdict'],
	['sk_skb/verdict', 'sk_skb', 'sk_skb_verdict'],
	['sk_msg', 'sk_msg', 'sk_msg_verdict'],
	['sk_lookup', 'sk_lookup', 'sk_lookup'],
	['flow_dissector', 'flow_dissector', 'flow_dissector'],
	['cgroup_skb/ingress', 'cgroup_skb', 'cgroup_inet_ingress'],
	['cgroup_skb/egress', 'cgroup_skb', 'cgroup_inet_egress'],
	['cgroup/skb', 'cgroup_skb'],
];

/** What may follow an extensible name; a dot or a letter would make it another word. */
const extension = /^[/_\-\d]/;

const exactRows = new Map(
	[...withTarget, ...exact, ...extensible].map(row => [row[0], row] as const),
);
const targetRows = new Map(withTarget.map(row => [row[0], row] as const));
const longestFirst = [...extensible].sort(([a], [b]) => b.length - a.length);

/** Every name of the table, in no particular order. */
export const sectionNames: readonly string[] = [...exactRows.keys()];

/**
 * What the name of a code section says about its programs; undefined where it says nothing.
 *
 * A name is looked up as it is, then as a known name with a target behind a slash, then as a known
 * networking name that was extended (`tc/entry`, `xdp_vlan01`), the longest first.
 */
export function sectionMeaning(section: string): SectionMeaning | undefined {
	const autoload = !section.startsWith('?');
	const name = autoload ? section : section.slice(1);
	const slash = name.indexOf('/');
	const prefixed = slash < 0 ? undefined : targetRows.get(name.slice(0, slash));
	const row = exactRows.get(name) ?? prefixed ?? extended(name);
	if (row === undefined) return undefined;

	const [, type, attachType, flags = 0] = row;
	const target = row === prefixed ? name.slice(slash + 1) : '';
	return {type, attachType, attachTarget: target || undefined, flags, autoload};
}

function extended(name: string): Row | undefined {
	return longestFirst.find(
		([known]) => name.startsWith(known) && extension.test(name.slice(known.length)),
	);
}

/** The known names that look most like `section`, the nearest first, at most three. */
export function nearestSections(section: string): string[] {
	const name = section.replace(/^\?/, '').slice(0, 40);
	const near = sectionNames
		.map(known => ({known, distance: editDistance(name, known)}))
		.filter(
			({known, distance}) =>
				name.startsWith(known) || distance <= Math.max(2, known.length / 3),
		);
	near.sort((a, b) => a.distance - b.distance || (a.known < b.known ? -1 : 1));
	return near.slice(0, 3).map(({known}) => known);
}

/** Letters to insert, delete, replace or swap with their neighbour to make `b` of `a`. */
function editDistance(a: string, b: string): number {
	const rows = [Array.from({length: b.length + 1}, (_, column) => column)];
	const cell = (row: number, column: number): number => rows[row]?.[column] ?? 0;
	for (let row = 1; row <= a.length; row++) {
		const line = [row];
		rows.push(line);
		for (let column = 1; column <= b.length; column++) {
			const same = a[row - 1] === b[column - 1];
			let least = Math.min(
				cell(row - 1, column - 1) + (same ? 0 : 1),
				cell(row - 1, column) + 1,
				cell(row, column - 1) + 1,
			);
			if (
				row > 1 &&
				column > 1 &&
				a[row - 1] === b[column - 2] &&
				a[row - 2] === b[column - 1]
			) {
				least = Math.min(least, cell(row - 2, column - 2) + 1);
			}

			line.push(least);
		}
	}

	return cell(a.length, b.length);
}
