import {fork} from 'node:child_process';
import {once} from 'node:events';
import {existsSync} from 'node:fs';
import {setImmediate} from 'node:timers/promises';
import type {ExecutionContext} from 'ava';
import {assemble} from '../../../src/format/asm/assemble.js';
import {exit, mov} from '../../../src/format/asm/build.js';
import {getDevice} from '../../../src/kernel/netlink/device.js';
import {attach, type XdpTarget} from '../../../src/object/hook/attach.js';
import {attachXdp} from '../../../src/object/link/attach-xdp.js';
import {LinkError} from '../../../src/object/link/link-error.js';
import {loadCollection} from '../../../src/object/collection/load-collection.js';
import type {Collection} from '../../../src/object/collection/collection.js';
import {createMap} from '../../../src/object/map/create-map.js';
import {
	joinXdp,
	leaveXdp,
	listXdpMembers,
	type JoinXdpOptions,
	type SharedProgram,
} from '../../../src/object/xdp-set/xdp-set.js';
import {readObject} from '../../../src/spec/read.js';
import {xdpActions} from '../../../src/uapi/verdicts.js';
import {makeBpffs} from '../../helpers/bpffs.js';
import {compile, fixtureObject} from '../../helpers/compile.js';
import {makeDevice} from '../../helpers/device.js';
import {kernelTest} from '../../helpers/kernel.js';
import {loadFixture} from '../../helpers/load.js';

const kernel = kernelTest({feature: 'xdp links', since: '5.9'});

interface Member extends SharedProgram {
	readonly collection: Collection;
}

/** Members that write into one trace. */
async function makeMembers(t: ExecutionContext) {
	const spec = await readObject(await fixtureObject('kernel/xdp_set'));
	const mapSpec = spec.maps['trace'];
	if (mapSpec === undefined) throw new Error('the object has no trace');
	const trace = createMap<number, number>(mapSpec, {});
	t.teardown(() => {
		trace.close();
	});
	const load = async (
		number: number,
		verdict: keyof typeof xdpActions = 'pass',
		name = `member_${number}`,
	): Promise<Member> => {
		const own = await readObject(await fixtureObject('kernel/xdp_set'));
		own.variables['number']?.set(number);
		own.variables['verdict']?.set(xdpActions[verdict]);
		const collection = loadCollection(own, {
			programs: [],
			replaceMaps: {trace},
		});
		t.teardown(() => {
			collection.close();
		});
		const program = own.programs['member'];
		if (program === undefined) throw new Error('the object has no member');
		return {spec: {...program, name}, maps: collection.maps, collection};
	};
	/** Numbers of the members that the next packets meet, for one packet. */
	const order = () => {
		const length = trace.get(0) ?? 0;
		return Array.from({length}, (_, i) => trace.get(i + 1));
	};
	const clear = () => {
		trace.set(0, 0);
	};
	return {load, order, clear};
}

/** Joins, and closes the link when the test ends. */
function join(t: ExecutionContext, member: Member, target: XdpTarget, options?: JoinXdpOptions) {
	const set = joinXdp(member, target, options);
	t.teardown(() => {
		set.link.close();
	});
	return set;
}

for (const family of ['ipv4', 'ipv6'] as const) {
	kernel(`members run in declared order on ${family}, as far as verdicts let them`, async t => {
		const device = await makeDevice(t);
		const target = {xdp: device.name, netns: device.namespace.path};
		const {load, order, clear} = await makeMembers(t);
		const run = async () => {
			await device.peer.run('ping', '-c', '1', '-W', '5', device[family]);
			clear();
			await device.peer.run('ping', '-c', '1', '-W', '5', device[family]);
			const seen = order();
			return [...new Set(seen)];
		};

		join(t, await load(1), target);
		t.deepEqual(await run(), [1]);
		const names = (options: JoinXdpOptions, member: Member) =>
			join(t, member, target, options).members.map(each => each.name);
		t.deepEqual(names({priority: 10}, await load(2)), ['member_2', 'member_1']);
		t.deepEqual(names({}, await load(3)), ['member_2', 'member_1', 'member_3']);
		t.deepEqual(await run(), [2, 1, 3]);
		t.deepEqual(listXdpMembers(target), [
			{name: 'member_2', priority: 10, chain: ['pass']},
			{name: 'member_1', priority: 50, chain: ['pass']},
			{name: 'member_3', priority: 50, chain: ['pass']},
		]);
		// Replaced in its place, it ends the chain with its verdict.
		t.deepEqual(names({chain: ['drop', 'tx']}, await load(9, 'pass', 'member_1')), [
			'member_2',
			'member_1',
			'member_3',
		]);
		t.deepEqual(await run(), [2, 9]);
		// It drops, but goes on: the last one's verdict is that of all.
		names({chain: ['drop']}, await load(8, 'drop', 'member_1'));
		t.deepEqual(await run(), [2, 8, 3]);
		t.deepEqual(
			leaveXdp('member_1', target).map(each => each.name),
			['member_2', 'member_3'],
		);
		t.deepEqual(await run(), [2, 3]);
	});
}

kernel('a set lives by its pin, and goes with its last member', async t => {
	const device = await makeDevice(t);
	const target = {xdp: device.name, netns: device.namespace.path};
	const pin = `${await makeBpffs(t)}/xdp`;
	const {load, order} = await makeMembers(t);
	const [one, two] = [await load(1), await load(2)];
	joinXdp(one, target, {pin}).link.close();
	joinXdp(two, target, {pin}).link.close();
	one.collection.close();
	two.collection.close();
	await device.peer.run('ping', '-c', '1', '-W', '5', device.ipv4);
	t.deepEqual([...new Set(order())], [1, 2]);
	leaveXdp('member_1', target);
	t.throws(() => leaveXdp('member_1', target), {code: 'ERR_LINK', message: /it is not there$/});
	t.true(existsSync(pin));
	t.deepEqual(leaveXdp('member_2', target, {pin}), []);
	t.deepEqual(getDevice(device.index, device.netns).xdp, []);
	t.false(existsSync(pin));
	t.deepEqual(listXdpMembers(target), []);
});

kernel('while members come and go, no packet is lost', async t => {
	const device = await makeDevice(t);
	const target = {xdp: device.name, netns: device.namespace.path};
	const {load} = await makeMembers(t);
	const [one, two] = [await load(1), await load(2)];
	join(t, one, target);
	await device.peer.run('ping', '-c', '1', '-W', '5', device.ipv6);
	const traffic = {over: false};
	const pinged = device.peer.run('ping', '-q', '-f', '-c', '2000', device.ipv6).finally(() => {
		traffic.over = true;
	});
	while (!traffic.over) {
		joinXdp(two, target).link.close();
		leaveXdp('member_2', target);
		await setImmediate();
	}

	t.regex(await pinged, /2000 packets transmitted, 2000 received, 0% packet loss/);
});

kernel('processes that join at once are all members', async t => {
	const device = await makeDevice(t);
	const target = {xdp: device.name, netns: device.namespace.path};
	const pin = `${await makeBpffs(t)}/xdp`;
	const object = await fixtureObject('kernel/xdp_set');
	const children = [1, 2, 3, 4].map(number =>
		fork(new URL('join-child.js', import.meta.url), [
			object,
			`member_${number}`,
			JSON.stringify(target),
			pin,
		]),
	);
	await Promise.all(children.map(async child => once(child, 'message')));
	const answers = await Promise.all(
		children.map(async child => {
			const answer = once(child, 'message');
			child.send('go');
			return answer;
		}),
	);
	t.deepEqual(
		answers.map(([message]: unknown[]) => message),
		['joined', 'joined', 'joined', 'joined'],
	);
	t.deepEqual(
		listXdpMembers(target)
			.map(each => each.name)
			.sort(),
		['member_1', 'member_2', 'member_3', 'member_4'],
	);
});

kernel('an interface with a foreign XDP program is not shared', async t => {
	const device = await makeDevice(t);
	const target = {xdp: device.name, netns: device.namespace.path};
	const foreign = (await loadFixture(t, 'kernel/globals')).program('count_packets');
	using link = attachXdp(foreign, device.name, {netns: device.namespace.path});
	const {load} = await makeMembers(t);
	const one = await load(1);
	const error = t.throws(() => joinXdp(one, target), {instanceOf: LinkError});
	t.is(error.owner?.programId, foreign.info().id);
	t.is(link.info().programId, foreign.info().id);
});

kernel('who attaches alone where others share is told how to share', async t => {
	const device = await makeDevice(t);
	const target = {xdp: device.name, netns: device.namespace.path};
	const {load} = await makeMembers(t);
	join(t, await load(1), target);
	const alone = (await loadFixture(t, 'kernel/globals')).program('count_packets');
	t.throws(() => attach(alone, target), {
		code: 'ERR_LINK',
		message: /"skep_dispatcher".*; it shares the interface: use joinXdp$/,
	});
	t.deepEqual(
		listXdpMembers(target).map(each => each.name),
		['member_1'],
	);
});

kernel('a member that the verifier refuses leaves the set as it was', async t => {
	const device = await makeDevice(t);
	const target = {xdp: device.name, netns: device.namespace.path};
	const {load} = await makeMembers(t);
	const one = await load(1);
	join(t, one, target);
	const wrong = {
		...one.spec,
		name: 'wrong',
		instructions: assemble([mov('r0', 'r3'), exit()]),
		references: [],
	};
	t.throws(() => joinXdp({spec: wrong, maps: {}}, target), {
		code: 'ERR_VERIFIER',
		message: /R3 !read_ok/,
	});
	t.throws(() => joinXdp({...one, maps: {}}, target), {code: 'ERR_LINK', message: /not given$/});
	t.throws(() => joinXdp({...one, spec: {...one.spec, type: 'sched_cls'}}, target), {
		code: 'ERR_LINK',
	});
	t.throws(() => joinXdp(one, target, {priority: 0.5}), {code: 'ERR_USAGE'});
	t.deepEqual(
		listXdpMembers(target).map(each => each.name),
		['member_1'],
	);
});

kernel('a member is fitted to the types of the kernel when it joins', async t => {
	const device = await makeDevice(t);
	const target = {xdp: device.name, netns: device.namespace.path};
	const object = await compile(`
		#include <linux/bpf.h>
		#include <bpf/bpf_helpers.h>
		struct task_struct { int pid; } __attribute__((preserve_access_index));
		SEC("xdp") int fitted(struct xdp_md *ctx)
		{
			struct task_struct *task = (void *)0;
			return __builtin_preserve_field_info(task->pid, 0) > 8 ? XDP_PASS : XDP_DROP;
		}`);
	const spec = (await readObject(object)).programs['fitted'];
	if (spec === undefined) return t.fail();
	t.is(spec.coreRelocations.length, 1);
	using link = joinXdp({spec, maps: {}}, target).link;
	await t.notThrowsAsync(device.peer.run('ping', '-c', '1', '-W', '5', device.ipv4));
	await t.notThrowsAsync(device.peer.run('ping', '-c', '1', '-W', '5', device.ipv6));
	t.false(link.closed);
});
