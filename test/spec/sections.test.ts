import test from 'ava';
import fc from 'fast-check';
import {nearestSections, sectionMeaning, sectionNames} from '../../src/spec/sections.js';
import type {AttachType} from '../../src/uapi/attach-types.js';
import {attachTypeNumber} from '../../src/uapi/attach-types.js';
import type {ProgramType} from '../../src/uapi/program-types.js';
import {programTypeNumber} from '../../src/uapi/program-types.js';

const means = test.macro({
	exec(t, section: string, type: ProgramType, attachType?: AttachType, rest: object = {}) {
		t.deepEqual(sectionMeaning(section), {
			type,
			attachType,
			attachTarget: undefined,
			flags: 0,
			autoload: true,
			...rest,
		});
	},
	title: (_, section) => `section "${section}"`,
});

const sleepable = {flags: 16};
const frags = {flags: 32};

test(means, 'xdp', 'xdp', 'xdp');
test(means, 'xdp/entry', 'xdp', 'xdp');
test(means, 'xdp_vlan01', 'xdp', 'xdp');
test(means, 'xdp.frags', 'xdp', 'xdp', frags);
test(means, 'xdp.frags/devmap', 'xdp', 'xdp_devmap', frags);
test(means, 'xdp/devmap', 'xdp', 'xdp_devmap');
test(means, 'xdp_devmap', 'xdp', 'xdp_devmap');
test(means, 'xdp_devmap/map_prog', 'xdp', 'xdp_devmap');
test(means, 'xdp/cpumap', 'xdp', 'xdp_cpumap');
test(means, 'xdp_cpumap', 'xdp', 'xdp_cpumap');
test(means, '?xdp', 'xdp', 'xdp', {autoload: false});
test(means, 'tc', 'sched_cls');
test(means, 'tc/entry', 'sched_cls');
test(means, 'tc/test/case/check', 'sched_cls');
test(means, 'classifier', 'sched_cls');
test(means, 'classifier_1', 'sched_cls');
test(means, 'action', 'sched_act');
test(means, 'tc/ingress', 'sched_cls', 'tcx_ingress');
test(means, 'tcx/egress', 'sched_cls', 'tcx_egress');
test(means, 'netkit/primary', 'sched_cls', 'netkit_primary');
test(means, 'netkit/peer', 'sched_cls', 'netkit_peer');
test(means, 'cgroup_skb/ingress', 'cgroup_skb', 'cgroup_inet_ingress');
test(means, 'cgroup_skb/egress', 'cgroup_skb', 'cgroup_inet_egress');
test(means, 'cgroup/skb', 'cgroup_skb');
test(means, 'cgroup/connect4', 'cgroup_sock_addr', 'cgroup_inet4_connect');
test(means, 'cgroup/sendmsg6', 'cgroup_sock_addr', 'cgroup_udp6_sendmsg');
test(means, 'cgroup/getsockname_unix', 'cgroup_sock_addr', 'cgroup_unix_getsockname');
test(means, 'cgroup/sock', 'cgroup_sock', 'cgroup_inet_sock_create');
test(means, 'cgroup/sock_release', 'cgroup_sock', 'cgroup_inet_sock_release');
test(means, 'cgroup/post_bind6', 'cgroup_sock', 'cgroup_inet6_post_bind');
test(means, 'cgroup/dev', 'cgroup_device', 'cgroup_device');
test(means, 'cgroup/sysctl', 'cgroup_sysctl', 'cgroup_sysctl');
test(means, 'cgroup/setsockopt', 'cgroup_sockopt', 'cgroup_setsockopt');
test(means, 'sockops', 'sock_ops', 'cgroup_sock_ops');
test(means, 'sk_skb', 'sk_skb');
test(means, 'sk_skb/stream_parser', 'sk_skb', 'sk_skb_stream_parser');
test(means, 'sk_skb/verdict', 'sk_skb', 'sk_skb_verdict');
test(means, 'sk_msg', 'sk_msg', 'sk_msg_verdict');
test(means, 'sk_lookup', 'sk_lookup', 'sk_lookup');
test(means, 'sk_reuseport', 'sk_reuseport', 'sk_reuseport_select');
test(means, 'sk_reuseport/migrate', 'sk_reuseport', 'sk_reuseport_select_or_migrate');
test(means, 'lwt_seg6local', 'lwt_seg6local');
test(means, 'flow_dissector', 'flow_dissector', 'flow_dissector');
test(means, 'socket', 'socket_filter');
test(means, 'syscall', 'syscall', undefined, sleepable);
test(means, 'netfilter', 'netfilter', 'netfilter');
test(means, 'perf_event', 'perf_event');
test(means, 'kprobe', 'kprobe');
test(means, 'kprobe/do_exit', 'kprobe', undefined, {attachTarget: 'do_exit'});
test(means, '?kprobe/do_exit', 'kprobe', undefined, {attachTarget: 'do_exit', autoload: false});
test(means, 'kretprobe.multi/tcp_*', 'kprobe', 'trace_kprobe_multi', {attachTarget: 'tcp_*'});
test(means, 'uprobe//bin/sh:main', 'kprobe', undefined, {attachTarget: '/bin/sh:main'});
test(means, 'uprobe.multi.s', 'kprobe', 'trace_uprobe_multi', sleepable);
test(means, 'usdt', 'kprobe');
test(means, 'tp/sched/sched_switch', 'tracepoint', undefined, {attachTarget: 'sched/sched_switch'});
test(means, 'raw_tp.w/x', 'raw_tracepoint_writable', undefined, {attachTarget: 'x'});
test(means, 'tp_btf/x', 'tracing', 'trace_raw_tp', {attachTarget: 'x'});
test(means, 'fentry.s/x', 'tracing', 'trace_fentry', {attachTarget: 'x', ...sleepable});
test(means, 'fmod_ret/x', 'tracing', 'modify_return', {attachTarget: 'x'});
test(means, 'iter.s/task', 'tracing', 'trace_iter', {attachTarget: 'task', ...sleepable});
test(means, 'lsm_cgroup/x', 'lsm', 'lsm_cgroup', {attachTarget: 'x'});
test(means, 'lsm.s/x', 'lsm', 'lsm_mac', {attachTarget: 'x', ...sleepable});
test(means, 'struct_ops/init', 'struct_ops', undefined, {attachTarget: 'init'});
test(means, 'freplace/x', 'ext', undefined, {attachTarget: 'x'});

const unknown = test.macro({
	exec(t, section: string, near: string[]) {
		t.is(sectionMeaning(section), undefined);
		t.deepEqual(nearestSections(section), near);
	},
	title: (_, section) => `section "${section}" says nothing`,
});

test(unknown, 'xpd', ['xdp', 'tp']);
test(unknown, 'xdp.frag', ['xdp.frags', 'xdp']);
test(unknown, 'cgroup/conect4', ['cgroup/connect4', 'cgroup/connect6', 'cgroup/connect_unix']);
test(unknown, 'tcx/ingres', ['tcx/ingress', 'tc/ingress', 'tcx/egress']);
test(unknown, 'xdpfoo', ['xdp']);
test(unknown, 'cgroup/connect4/x', ['cgroup/connect4', 'cgroup/connect6', 'cgroup/connect_unix']);
test(unknown, '__proto__', []);
test(unknown, '', ['tc', 'tp']);

test('every name of the table has numbers, and is found', t => {
	t.true(sectionNames.length >= 100);
	for (const name of sectionNames) {
		const meaning = sectionMeaning(name);
		if (meaning === undefined) throw new Error(name);
		t.true(programTypeNumber(meaning.type) > 0);
		if (meaning.attachType !== undefined) t.true(attachTypeNumber(meaning.attachType) >= 0);
	}
});

test('any name is answered', t => {
	fc.assert(
		fc.property(fc.string({maxLength: 300}), name => {
			const meaning = sectionMeaning(name);
			return meaning !== undefined || nearestSections(name).length <= 3;
		}),
	);
	t.pass();
});
