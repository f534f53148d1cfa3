import test from 'ava';
import {attachCgroup} from '../../../src/object/link/attach-cgroup.js';
import {attachTcx, type Anchor} from '../../../src/object/link/attach-tcx.js';
import {attachXdp} from '../../../src/object/link/attach-xdp.js';
import type {XdpMode} from '../../../src/kernel/netlink/device.js';
import {openLinkById, openPinnedLink} from '../../../src/object/link/link.js';
import {queryCgroup, queryTcx} from '../../../src/object/net/query.js';
import {makeBpffs} from '../../helpers/bpffs.js';
import {makeCgroup} from '../../helpers/cgroup.js';
import {kernelTest} from '../../helpers/kernel.js';
import {loadFixture} from '../../helpers/load.js';
import {connect, makeNamespace} from '../../helpers/netns.js';

const xdpTest = kernelTest({feature: 'xdp links', since: '5.9'});
const tcxTest = kernelTest({feature: 'tcx links', since: '6.6'});
const cgroupTest = kernelTest({feature: 'cgroup links', since: '5.7'});

async function pair(t: Parameters<typeof makeNamespace>[0]) {
	const [left, right] = [await makeNamespace(t), await makeNamespace(t)];
	const [leftEnd, rightEnd] = await connect(left, right);
	return {left, right, leftEnd, rightEnd, netns: right.path};
}

const counted = test.macro({
	async exec(t, mode: XdpMode, family: 'ipv4' | 'ipv6') {
		const {left, rightEnd, netns} = await pair(t);
		const collection = await loadFixture(t, 'kernel/globals');
		using link = attachXdp(collection.program('count_packets'), rightEnd.name, {mode, netns});
		await left.run('ping', '-c', '3', '-i', '0.01', '-W', '5', rightEnd[family]);
		t.true((collection.variable('packets').get() as bigint) >= 3n);
		const info = link.info();
		t.is(info.type, 'xdp');
		t.is(info.ifindex, rightEnd.index);
		t.is(info.programId, collection.program('count_packets').info().id);
	},
	title: (_, mode, family) => `an XDP program in ${mode} mode sees ${family} packets`,
});

for (const family of ['ipv4', 'ipv6'] as const) {
	xdpTest(counted, 'native', family);
	xdpTest(counted, 'generic', family);
}

xdpTest('an XDP program leaves with its link', async t => {
	const {left, rightEnd, netns} = await pair(t);
	const collection = await loadFixture(t, 'kernel/globals');
	const link = attachXdp(collection.program('count_packets'), rightEnd.name, {netns});
	await left.run('ping', '-c', '1', '-W', '5', rightEnd.ipv4);
	link.close();
	const packets = collection.variable('packets').get();
	await left.run('ping', '-c', '2', '-i', '0.01', '-W', '5', rightEnd.ipv4);
	t.is(collection.variable('packets').get(), packets);
});

xdpTest('a link is replaced, and only when the expected program is there', async t => {
	const {rightEnd, netns} = await pair(t);
	const [one, two] = [
		await loadFixture(t, 'kernel/globals'),
		await loadFixture(t, 'kernel/globals'),
	];
	const [first, second] = [one.program('count_packets'), two.program('count_packets')];
	using link = attachXdp(first, rightEnd.name, {netns});
	t.throws(
		() => {
			link.update(second, {expected: second});
		},
		{
			message: /another program than the expected one is attached$/,
		},
	);
	link.update(second, {expected: first});
	t.is(link.info().programId, second.info().id);
	const tc = await loadFixture(t, 'kernel/tc');
	t.throws(
		() => {
			link.update(tc.program('either_way'));
		},
		{message: /type or expected attach type differs/},
	);
});

xdpTest('a pinned link outlives its descriptor, and detach ends it', async t => {
	const {rightEnd, netns} = await pair(t);
	const bpffs = await makeBpffs(t);
	const collection = await loadFixture(t, 'kernel/globals');
	const link = attachXdp(collection.program('count_packets'), rightEnd.name, {netns});
	link.pin(`${bpffs}/links/xdp`);
	const {id} = link.info();
	link.close();
	using opened = openPinnedLink(`${bpffs}/links/xdp`);
	using byId = openLinkById(id);
	t.is(opened.info().id, id);
	byId.detach();
	t.is(opened.info().ifindex, 0);
	opened.unpin(`${bpffs}/links/xdp`);
});

const refused = test.macro({
	async exec(t, device: string | number, message: RegExp) {
		const collection = await loadFixture(t, 'kernel/globals');
		t.throws(() => attachXdp(collection.program('count_packets'), device), {message});
	},
	title: (_, device) => `attaching to interface ${device} says what is wrong`,
});

xdpTest(refused, 'no-such-device', /no interface "no-such-device"$/);
xdpTest(refused, 999_999, /no interface 999999$/);
xdpTest(refused, -1, /an interface's number is a positive whole number$/);

xdpTest('a program of another type is refused before the kernel is asked', async t => {
	const collection = await loadFixture(t, 'kernel/tc');
	t.throws(() => attachXdp(collection.program('either_way'), 'lo'), {
		message:
			'attach program "either_way" to xdp of "lo": it is of type sched_cls, the hook runs xdp',
	});
});

xdpTest('a namespace that is not there says so', async t => {
	const collection = await loadFixture(t, 'kernel/globals');
	t.throws(
		() => attachXdp(collection.program('count_packets'), 'lo', {netns: '/run/netns/skep-none'}),
		{
			message: /no network namespace at "\/run\/netns\/skep-none"$/,
		},
	);
});

tcxTest('tcx programs run in the order they were placed in', async t => {
	const {left, rightEnd, netns} = await pair(t);
	// An Ethernet, an IPv4 and an ICMP header before the 200 bytes of this test's own ping.
	const collection = await loadFixture(t, 'kernel/tc', {}, {only_length: 14 + 20 + 8 + 200});
	const [one, two, three] = ['ingress_one', 'ingress_two', 'ingress_three'].map(name =>
		collection.program(name),
	);
	if (one === undefined || two === undefined || three === undefined) return t.fail();
	const at = (anchor: Anchor) => ({netns, anchor});
	using second = attachTcx(two, rightEnd.name, at('last'));
	using first = attachTcx(one, rightEnd.name, at({before: second}));
	using third = attachTcx(three, rightEnd.name, at({after: two}));
	const {programs, revision} = queryTcx(rightEnd.name, 'ingress', {netns});
	t.deepEqual(programs, [
		{programId: one.info().id, linkId: first.info().id},
		{programId: two.info().id, linkId: second.info().id},
		{programId: three.info().id, linkId: third.info().id},
	]);
	t.true(revision > 0n);
	await left.run('ping', '-s', '200', '-c', '1', '-W', '5', rightEnd.ipv4);
	const trace = collection.map<number, number>('trace');
	t.deepEqual(
		[0, 1, 2].map(slot => trace.get(slot)),
		[1, 2, 3],
	);
});

tcxTest('first and a program id as neighbour place as they say', async t => {
	const {rightEnd, netns} = await pair(t);
	const collection = await loadFixture(t, 'kernel/tc');
	const id = (name: string) => collection.program(name).info().id;
	using one = attachTcx(collection.program('ingress_one'), rightEnd.name, {netns});
	using two = attachTcx(collection.program('ingress_two'), rightEnd.name, {
		netns,
		anchor: 'first',
	});
	using three = attachTcx(collection.program('ingress_three'), rightEnd.name, {
		netns,
		anchor: {before: id('ingress_one')},
	});
	const {programs} = queryTcx(rightEnd.name, 'ingress', {netns});
	t.deepEqual(
		programs.map(({programId}) => programId),
		['ingress_two', 'ingress_three', 'ingress_one'].map(id),
	);
	t.deepEqual(
		[one, two, three].map(link => link.info().type),
		['tcx', 'tcx', 'tcx'],
	);
});

tcxTest('a hook that changed meanwhile refuses an expected revision', async t => {
	const {rightEnd, netns} = await pair(t);
	const collection = await loadFixture(t, 'kernel/tc');
	const {revision} = queryTcx(rightEnd.name, 'ingress', {netns});
	const options = {netns, expectedRevision: revision};
	using link = attachTcx(collection.program('ingress_one'), rightEnd.name, options);
	t.is(link.info().attachType, 'tcx_ingress');
	t.throws(() => attachTcx(collection.program('ingress_two'), rightEnd.name, options), {
		message: /the hook was changed since its revision was read$/,
	});
});

tcxTest('the same program twice on a hook is refused', async t => {
	const {rightEnd, netns} = await pair(t);
	const collection = await loadFixture(t, 'kernel/tc');
	using link = attachTcx(collection.program('egress_one'), rightEnd.name, {netns});
	t.is(link.info().attachType, 'tcx_egress');
	t.throws(() => attachTcx(collection.program('egress_one'), rightEnd.name, {netns}), {
		message: /the program is attached there already$/,
	});
});

tcxTest('a program that does not say which way needs a direction', async t => {
	const {rightEnd, netns} = await pair(t);
	const collection = await loadFixture(t, 'kernel/tc');
	const program = collection.program('either_way');
	t.throws(() => attachTcx(program, rightEnd.name, {netns}), {code: 'ERR_USAGE'});
	using link = attachTcx(program, rightEnd.name, {netns, direction: 'egress'});
	t.is(link.info().attachType, 'tcx_egress');
});

const hooked = test.macro({
	async exec(t, name: string, index: number, ...command: string[]) {
		const cgroup = await makeCgroup(t);
		const collection = await loadFixture(t, 'kernel/cgroup');
		const program = collection.program(name);
		using link = attachCgroup(program, cgroup.path);
		const {attachType = 'xdp'} = link.info();
		t.deepEqual(queryCgroup(cgroup.path, attachType).programs, [
			{programId: program.info().id},
		]);
		await cgroup.run(...command);
		const counts = collection.map<number, bigint>('hook_counts');
		t.true((counts.get(index) ?? 0n) > 0n);
	},
	title: (_, name) => `a cgroup's ${name} program sees its processes`,
});

const connectTo = (address: string): string[] => [
	process.execPath,
	'-e',
	`const s=require('net').createServer(c=>{c.end();s.close()});s.listen(0,'${address}',()=>require('net').connect(s.address().port,'${address}').resume())`,
];

cgroupTest(hooked, 'skb_ingress', 0, ...connectTo('127.0.0.1'));
cgroupTest(hooked, 'skb_egress', 1, ...connectTo('::1'));
cgroupTest(hooked, 'sock_create', 2, ...connectTo('127.0.0.1'));
cgroupTest(hooked, 'connect4', 4, ...connectTo('127.0.0.1'));
cgroupTest(hooked, 'connect6', 5, ...connectTo('::1'));
cgroupTest(hooked, 'bind6', 11, ...connectTo('::1'));
cgroupTest(hooked, 'count_sockops', 16, ...connectTo('127.0.0.1'));

cgroupTest('a cgroup that is none says so', async t => {
	const collection = await loadFixture(t, 'kernel/cgroup');
	t.throws(() => attachCgroup(collection.program('connect4'), '/tmp'), {
		message: /it is not a directory of a cgroup v2 hierarchy$/,
	});
	t.throws(() => attachCgroup(collection.program('connect4'), '/no/such'), {
		message: /no cgroup at "\/no\/such"$/,
	});
});
