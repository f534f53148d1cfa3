import '../../helpers/old-kernel.js';

import type {ExecutionContext} from 'ava';
import {getDevice} from '../../../src/kernel/netlink/device.js';
import {attachCgroup} from '../../../src/object/link/attach-cgroup.js';
import {attachTcx} from '../../../src/object/link/attach-tcx.js';
import {attachXdp} from '../../../src/object/link/attach-xdp.js';
import {listFilters} from '../../../src/kernel/netlink/tc.js';
import {HookAttachment} from '../../../src/object/link/hook-attachment.js';
import {LinkError} from '../../../src/object/link/link-error.js';
import type {BpfMap} from '../../../src/object/map/map.js';
import {queryCgroup} from '../../../src/object/net/query.js';
import {makeBpffs} from '../../helpers/bpffs.js';
import {makeCgroup} from '../../helpers/cgroup.js';
import {makeDevice} from '../../helpers/device.js';
import {kernelTest} from '../../helpers/kernel.js';
import {loadFixture} from '../../helpers/load.js';
import {run} from '../../helpers/run.js';

const kernel = kernelTest({feature: 'replacing an expected XDP program', since: '5.7'});

const loadXdp = async (t: ExecutionContext) => {
	const collection = await loadFixture(t, 'kernel/globals');
	return {
		program: collection.program('count_packets'),
		packets: () => collection.variable('packets').get() as bigint,
	};
};

for (const mode of ['native', 'generic'] as const) {
	kernel(`without links ${mode} XDP is attached by netlink, replaced and detached`, async t => {
		const {name, index, netns, namespace, peer, ipv4, ipv6} = await makeDevice(t);
		const [one, two] = [await loadXdp(t), await loadXdp(t)];
		const attached = () => getDevice(index, netns).xdp;
		using link = attachXdp(one.program, name, {netns: namespace.path, mode});
		t.is(link.mechanism, 'netlink');
		t.like(link.info(), {id: 0, programId: one.program.info().id, ifindex: index});
		for (const address of [ipv4, ipv6])
			await peer.run('ping', '-c', '2', '-i', '0.01', '-W', '5', address);
		t.true(one.packets() >= 4n);

		t.throws(
			() => {
				link.update(two.program, {expected: two.program});
			},
			{code: 'ERR_LINK', message: /Active program does not match expected/},
		);
		link.update(two.program);
		t.deepEqual(attached(), [{mode, programId: two.program.info().id}]);
		one.program.close();
		t.throws(
			() => {
				link.pin('/sys/fs/bpf/none');
			},
			{message: /it was attached by netlink, not by a link/},
		);
		t.throws(() => link.fd, {code: 'ERR_USAGE'});
		link.detach();
		t.true(link.closed);
		t.deepEqual(attached(), []);
	});
}

kernel('what netlink attached leaves with close, unless somebody else has replaced it', async t => {
	const {name, index, netns, namespace} = await makeDevice(t);
	const [one, two] = [await loadXdp(t), await loadXdp(t)];
	const options = {netns: namespace.path, mechanism: 'netlink'} as const;
	const first = attachXdp(one.program, name, options);
	first.close();
	t.deepEqual(getDevice(index, netns).xdp, []);
	const second = attachXdp(one.program, name, options);
	using third = attachXdp(two.program, 'lo', {...options, mode: 'generic'});
	t.is(third.mechanism, 'netlink');
	one.program.close();
	second.close();
	t.deepEqual(getDevice(index, netns).xdp, []);
});

for (const direction of ['ingress', 'egress'] as const) {
	kernel(`without tcx ${direction} is a filter of clsact, replaced in place`, async t => {
		const {name, index, netns, namespace, peer, ipv4, ipv6} = await makeDevice(t);
		const [one, two] = [await loadFixture(t, 'kernel/tc'), await loadFixture(t, 'kernel/tc')];
		const [first, second] = [one.program('either_way'), two.program('either_way')];
		const filters = () =>
			listFilters(index, direction, netns).map(each => [
				each.priority,
				each.handle,
				each.programId,
			]);
		using link = attachTcx(first, name, {netns: namespace.path, direction});
		t.is(link.mechanism, 'clsact');
		t.like(link.info(), {id: 0, programId: first.info().id, ifindex: index});
		for (const address of [ipv4, ipv6])
			await peer.run('ping', '-c', '2', '-i', '0.01', '-W', '5', address);
		t.true((one.variable('trace_length').get() as number) >= 4);
		const error = t.throws(() => attachTcx(second, name, {netns: namespace.path, direction}), {
			instanceOf: LinkError,
		});
		t.regex(
			error.message,
			/filter "either_way" with priority 50 and handle 1 is there already/,
		);
		t.is(error.owner?.programId, first.info().id);
		t.throws(
			() => {
				link.update(second, {expected: second});
			},
			{message: /another program than the expected one is attached/},
		);
		link.update(second);
		t.deepEqual(filters(), [[50, 1, second.info().id]]);
		using beside = attachTcx(first, name, {netns: namespace.path, direction, priority: 9});
		t.is(beside.mechanism, 'clsact');
		t.deepEqual(filters(), [
			[9, 1, first.info().id],
			[50, 1, second.info().id],
		]);
		link.close();
		t.deepEqual(filters(), [[9, 1, first.info().id]]);
	});
}

kernel('a clsact that was there, and filters of others, stay', async t => {
	const {name, index, netns, namespace} = await makeDevice(t);
	const program = (await loadFixture(t, 'kernel/tc')).program('either_way');
	const bpffs = await makeBpffs(t);
	program.pin(`${bpffs}/program`);
	const tc = async (...words: string[]) => run('tc', '-n', namespace.name, ...words);
	await tc('qdisc', 'add', 'dev', name, 'clsact');
	const pinned = ['bpf', 'direct-action', 'object-pinned', `${bpffs}/program`];
	await tc('filter', 'add', 'dev', name, 'ingress', 'prio', '7', ...pinned);
	const options = {netns: namespace.path, direction: 'ingress'} as const;
	const priorities = () => listFilters(index, 'ingress', netns).map(each => each.priority);
	const link = attachTcx(program, name, options);
	t.deepEqual(priorities(), [7, 50]);
	link.detach();
	t.deepEqual(priorities(), [7]);
	t.regex(await tc('qdisc', 'show', 'dev', name), /qdisc clsact/);
	const released = attachTcx(program, name, options);
	if (released instanceof HookAttachment) released.release();
	released.close();
	t.deepEqual(priorities(), [7, 50]);
});

kernel('an older ingress takes filters on ingress, and says why none on egress', async t => {
	const {name, namespace} = await makeDevice(t);
	const program = (await loadFixture(t, 'kernel/tc')).program('either_way');
	await run('tc', '-n', namespace.name, 'qdisc', 'add', 'dev', name, 'ingress');
	using link = attachTcx(program, name, {netns: namespace.path, direction: 'ingress'});
	t.is(link.mechanism, 'clsact');
	t.throws(() => attachTcx(program, name, {netns: namespace.path, direction: 'egress'}), {
		code: 'ERR_LINK',
		message: /has the older queueing discipline 'ingress', which has no egress/,
	});
});

kernel('clsact has no anchors', async t => {
	const {name, namespace} = await makeDevice(t);
	const program = (await loadFixture(t, 'kernel/tc')).program('ingress_one');
	t.throws(() => attachTcx(program, name, {netns: namespace.path, anchor: 'first'}), {
		code: 'ERR_UNSUPPORTED',
	});
});

kernel(
	'without links a cgroup program is attached beside others, replaced and detached',
	async t => {
		const cgroup = await makeCgroup(t);
		const [one, two, three] = [
			await loadFixture(t, 'kernel/cgroup'),
			await loadFixture(t, 'kernel/cgroup'),
			await loadFixture(t, 'kernel/cgroup'),
		].map(each => each.program('count_sockops'));
		if (one === undefined || two === undefined || three === undefined) return t.fail();
		const ids = () =>
			queryCgroup(cgroup.path, 'cgroup_sock_ops').programs.map(({programId}) => programId);
		using link = attachCgroup(one, cgroup.path);
		t.is(link.mechanism, 'prog_attach');
		using beside = attachCgroup(two, cgroup.path);
		t.deepEqual(ids(), [one.info().id, two.info().id]);
		t.throws(() => attachCgroup(two, cgroup.path), {
			code: 'ERR_LINK',
			message: /the hook has a program already: program \d+ "count_sockops"/,
		});
		t.throws(
			() => {
				beside.update(three, {expected: three});
			},
			{message: /another program than the expected one is attached$/},
		);
		link.update(three);
		t.deepEqual(ids(), [three.info().id, two.info().id]);
		t.like(link.info(), {id: 0, programId: three.info().id, attachType: 'cgroup_sock_ops'});
		link.detach();
		t.deepEqual(ids(), [two.info().id]);
		beside.close();
		t.deepEqual(ids(), []);
	},
);

for (const sharing of ['exclusive', 'override'] as const) {
	kernel(`a cgroup program that is ${sharing} never takes another's place`, async t => {
		const cgroup = await makeCgroup(t);
		const collections = [
			await loadFixture(t, 'kernel/cgroup'),
			await loadFixture(t, 'kernel/cgroup'),
		];
		const [one, two] = collections.map(each => each.program('skb_egress'));
		if (one === undefined || two === undefined) return t.fail();
		const options = {sharing, mechanism: 'prog_attach'} as const;
		using link = attachCgroup(one, cgroup.path, options);
		for (const refused of [options, {}]) {
			const error = t.throws(() => attachCgroup(two, cgroup.path, refused), {
				instanceOf: LinkError,
			});
			t.is(error.owner?.programId, one.info().id);
		}

		const ids = () =>
			queryCgroup(cgroup.path, 'cgroup_inet_egress').programs.map(each => each.programId);
		t.deepEqual(ids(), [one.info().id]);
		link.update(two);
		t.deepEqual(ids(), [two.info().id]);
		await cgroup.run('ping', '-c', '1', '127.0.0.1');
		await cgroup.run('ping', '-c', '1', '::1');
		const counts = collections[1]?.map('hook_counts') as BpfMap<number, bigint>;
		t.true((counts.get(1) ?? 0n) >= 2n);
		link.close();
		t.deepEqual(ids(), []);
	});
}
