import test from 'ava';
import {attachCgroup} from '../../../src/object/link/attach-cgroup.js';
import {attachTcx} from '../../../src/object/link/attach-tcx.js';
import {attachXdp} from '../../../src/object/link/attach-xdp.js';
import {listCgroupHooks, listInterfaceHooks} from '../../../src/object/net/list-hooks.js';
import {makeBpffs} from '../../helpers/bpffs.js';
import {makeCgroup} from '../../helpers/cgroup.js';
import {makeDevice} from '../../helpers/device.js';
import {kernelTest} from '../../helpers/kernel.js';
import {loadFixture} from '../../helpers/load.js';
import {connect, makeNamespace} from '../../helpers/netns.js';
import {run} from '../../helpers/run.js';

const kernel = kernelTest({feature: 'tcx links', since: '6.6'});

kernel('every program of a namespace is listed in the order it runs', async t => {
	const [left, right] = [await makeNamespace(t), await makeNamespace(t)];
	const [, {name, index}] = await connect(left, right);
	const netns = right.path;
	t.deepEqual([...listInterfaceHooks({netns})], []);

	const globals = await loadFixture(t, 'kernel/globals');
	const tc = await loadFixture(t, 'kernel/tc');
	const id = (program: string) => tc.program(program).info().id;
	using xdp = attachXdp(globals.program('count_packets'), name, {netns});
	using one = attachTcx(tc.program('ingress_one'), name, {netns});
	using two = attachTcx(tc.program('ingress_two'), name, {netns, anchor: 'first'});
	using out = attachTcx(tc.program('egress_one'), name, {netns});
	const target = {target: name, ifindex: index};
	t.deepEqual(
		[...listInterfaceHooks({netns})],
		[
			{
				...target,
				kind: 'xdp',
				attachType: 'xdp',
				mode: 'native',
				programs: [
					{programId: globals.program('count_packets').info().id, linkId: xdp.info().id},
				],
			},
			{
				...target,
				kind: 'tcx',
				attachType: 'tcx_ingress',
				programs: [
					{programId: id('ingress_two'), linkId: two.info().id},
					{programId: id('ingress_one'), linkId: one.info().id},
				],
			},
			{
				...target,
				kind: 'tcx',
				attachType: 'tcx_egress',
				programs: [{programId: id('egress_one'), linkId: out.info().id}],
			},
		],
	);
});

kernel('an XDP program that netlink attached is listed without a link', async t => {
	const [left, right] = [await makeNamespace(t), await makeNamespace(t)];
	const [, {name}] = await connect(left, right);
	const bpffs = await makeBpffs(t);
	const program = (await loadFixture(t, 'kernel/globals')).program('count_packets');
	program.pin(`${bpffs}/program`);
	const device = ['-n', right.name, 'link', 'set', 'dev', name];
	await run('ip', ...device, 'xdpgeneric', 'pinned', `${bpffs}/program`);
	const [hook] = listInterfaceHooks({netns: right.path});
	t.is(hook?.mode, 'generic');
	t.deepEqual(hook?.programs, [{programId: program.info().id}]);
});

kernel('programs of a cgroup and of those below it are listed with their links', async t => {
	const {path} = await makeCgroup(t);
	const collection = await loadFixture(t, 'kernel/cgroup');
	using first = attachCgroup(collection.program('connect4'), path);
	using second = attachCgroup(collection.program('count_sockops'), path);
	t.deepEqual(
		[...listCgroupHooks(path)]
			.map(({attachType, target, programs}) => ({attachType, target, programs}))
			.sort((a, b) => a.attachType.localeCompare(b.attachType)),
		[
			{
				attachType: 'cgroup_inet4_connect',
				target: path,
				programs: [
					{programId: collection.program('connect4').info().id, linkId: first.info().id},
				],
			},
			{
				attachType: 'cgroup_sock_ops',
				target: path,
				programs: [
					{
						programId: collection.program('count_sockops').info().id,
						linkId: second.info().id,
					},
				],
			},
		],
	);
});

test('a namespace that is not there says so', t => {
	t.throws(() => [...listInterfaceHooks({netns: '/run/netns/skep-none'})], {
		message: 'list hooks: no network namespace at "/run/netns/skep-none"',
	});
});

kernel('filters of clsact are listed in the order they run, whoever made them', async t => {
	const {name, index, namespace} = await makeDevice(t);
	const bpffs = await makeBpffs(t);
	const program = (await loadFixture(t, 'kernel/tc')).program('either_way');
	program.pin(`${bpffs}/program`);
	const tc = async (...words: string[]) => run('tc', '-n', namespace.name, ...words);
	await tc('qdisc', 'add', 'dev', name, 'clsact');
	const add = async (direction: string, priority: string, ...flags: string[]) =>
		tc(
			...['filter', 'add', 'dev', name, direction, 'prio', priority, 'handle', '7'],
			...['protocol', 'ipv6', 'bpf', ...flags, 'object-pinned', `${bpffs}/program`],
		);
	await add('ingress', '9', 'direct-action');
	await add('ingress', '3');
	await add('egress', '1', 'direct-action');

	const programs = [{programId: program.info().id}];
	const hooks = [...listInterfaceHooks({netns: namespace.path})];
	t.deepEqual(
		hooks.map(({kind, attachType, ifindex}) => ({kind, attachType, ifindex})),
		[
			{kind: 'clsact', attachType: 'tcx_ingress', ifindex: index},
			{kind: 'clsact', attachType: 'tcx_egress', ifindex: index},
		],
	);
	t.deepEqual(hooks[0]?.programs, [...programs, ...programs]);
	t.deepEqual(
		hooks[0]?.filters?.map(({priority, handle, ethProto, directAction}) => [
			priority,
			handle,
			ethProto,
			directAction,
		]),
		[
			[3, 7, 0x86dd, false],
			[9, 7, 0x86dd, true],
		],
	);
});

kernel('a folder that is no cgroup is an error, not an empty list', t => {
	t.throws(() => [...listCgroupHooks('/tmp')], {
		code: 'ERR_LINK',
		message: /"\/tmp": it is not a directory of a cgroup v2 hierarchy$/,
	});
	t.throws(() => [...listCgroupHooks('/no/such')], {
		code: 'ERR_LINK',
		message: /no cgroup at "\/no\/such"$/,
	});
});
