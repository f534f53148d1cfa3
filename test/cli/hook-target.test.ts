import test from 'ava';
import {hookTarget} from '../../src/cli/hook-target.js';
import {attachTypes} from '../../src/uapi/attach-types.js';

const read = test.macro({
	exec(t, word: string, target: object) {
		t.deepEqual(hookTarget(word, attachTypes), target as never);
	},
	title: (_, word) => `the hook ${word} is read`,
});

test(read, 'xdp:eth0', {xdp: 'eth0'});
test(read, 'xdp_generic:eth0', {xdp: 'eth0', mode: 'generic'});
test(read, 'xdp_offload:eth0', {xdp: 'eth0', mode: 'offload'});
test(read, 'tcx:eth0.7', {tcx: 'eth0.7'});
test(read, 'tcx_ingress:eth0', {tcx: 'eth0', direction: 'ingress'});
test(read, 'tcx_egress:eth0', {tcx: 'eth0', direction: 'egress'});
test(read, 'netkit_primary:nk0', {netkit: 'nk0', side: 'primary'});
test(read, 'netkit_peer:nk0', {netkit: 'nk0', side: 'peer'});
test(read, 'cgroup:/sys/fs/cgroup/a:b', {cgroup: '/sys/fs/cgroup/a:b'});
test(read, 'cgroup_inet6_connect:/cg', {cgroup: '/cg', attachType: 'cgroup_inet6_connect'});
test(read, 'netns:/run/netns/red', {netns: '/run/netns/red'});
test(read, 'netns:42', {netns: 42});

test('a device is looked for in the namespace that was given', t => {
	t.deepEqual(hookTarget('xdp:eth0', attachTypes, '42'), {xdp: 'eth0', netns: 42});
	t.deepEqual(hookTarget('tcx:eth0', attachTypes, '/red'), {tcx: 'eth0', netns: '/red'});
	t.deepEqual(hookTarget('cgroup:/cg', attachTypes, '/red'), {cgroup: '/cg'});
});

const refused = test.macro({
	exec(t, word: string, message: string) {
		t.throws(() => hookTarget(word, attachTypes), {code: 'ERR_USAGE', message});
	},
	title: (_, word) => `the hook ${JSON.stringify(word)} is refused`,
});

const form = 'expected HOOK:PLACE, such as xdp:eth0';
test(refused, 'eth0', `read hook "eth0": ${form}`);
test(refused, 'xdp:', `read hook "xdp:": ${form}`);
test(refused, ':eth0', `read hook ":eth0": ${form}`);
test(refused, 'xpd:eth0', 'read hook "xpd:eth0": there is no hook "xpd"');
test(refused, 'cgroup_none:/cg', 'read hook "cgroup_none:/cg": there is no hook "cgroup_none"');
test(refused, 'toString:/cg', 'read hook "toString:/cg": there is no hook "toString"');
