import {
	runPacket,
	runPackets,
	type PacketContext,
	type WatchedMaps,
} from '../../../src/lab/index.js';
import test from 'ava';
import {ethernet, ipv4, ipv6, udp} from '../../helpers/packet.js';
import {kernelTest} from '../../helpers/kernel.js';
import {loadOrders, order, orders} from './orders.js';

const kernel = kernelTest({feature: 'test runs with a context', since: '5.15'});

const verdict = test.macro({
	async exec(t, program: string, packet: Uint8Array, context: PacketContext, name: string) {
		const collection = await loadOrders(t);
		const run = runPacket(collection.program(program), packet, {context, maps: []});
		t.is(run.verdict, name);
		t.deepEqual(run.packet.bytes, packet);
		t.deepEqual(run.out.bytes, packet);
		t.is(run.diff, undefined);
	},
	title: (_, program, packet: Uint8Array, context, name) =>
		`${program} says ${name} with ${JSON.stringify(context)} to ${packet.subarray(12, 24).join()}`,
});

kernel(verdict, 'xdp_orders', order('return', 1), {}, 'drop');
kernel(verdict, 'xdp_orders', order('return', 2), {}, 'pass');
kernel(verdict, 'xdp_orders', order('return', 77), {}, 'unknown(77)');
kernel(verdict, 'tc_orders', order('return'), {mark: 7}, 'shot');
kernel(verdict, 'tc_orders', order('return'), {}, 'ok');
for (const [ttl, name] of ['drop', 'pass', 'drop_congested', 'pass_congested'].entries()) {
	const packet = ethernet(0x0800, ipv4(17), udp(53));
	packet[22] = ttl;
	kernel(verdict, 'cgroup_orders', packet, {}, name);
}

// Byte 8 of IPv6 is the first of the source.
const six = ethernet(0x86dd, ipv6(17), udp(53));
six[22] = 1;
kernel(verdict, 'cgroup_orders', six, {}, 'pass');

kernel('what the program writes comes out', async t => {
	const {program} = bind(await loadOrders(t));
	const rewritten = runPacket(program, order('rewrite', 9), {maps: []});
	t.deepEqual([...rewritten.out.bytes.subarray(0, 2)], [9, 0]);
	t.is(rewritten.out.get('ethernet')?.destination, '09:00:00:00:00:02');
	t.regex(rewritten.diff ?? '', /09/);
	t.is(rewritten.verdict, 'tx');
	const pushed = runPacket(program, {bytes: order('push')}, {maps: []});
	t.is(pushed.out.bytes.length, 68);
	t.deepEqual(pushed.out.bytes.slice(4), order('push'));
});

kernel('metadata goes in and comes out beside the packet', async t => {
	const {program} = bind(await loadOrders(t));
	const none = runPacket(program, order('meta', 3), {maps: []});
	t.deepEqual(none.out.bytes, order('meta', 3));
	t.deepEqual([...none.metadata], [3, 3, 3, 7]);
	const metadata = Uint8Array.from([1, 2, 3, 4]);
	const more = runPacket(program, order('meta', 3), {maps: [], metadata});
	t.deepEqual([...more.metadata], [3, 3, 3, 7, 1, 2, 3, 4]);
	t.deepEqual(more.out.bytes, order('meta', 3));
});

kernel('the context goes in and comes out by its fields', async t => {
	const {collection, program} = bind(await loadOrders(t));
	const xdp = runPacket(program, order('context'), {
		context: {ingress_ifindex: 1},
		maps: collection,
	});
	t.like(xdp.effects, [{map: 'slots', key: 0, before: 0, after: 1}]);
	t.is(xdp.context.ingress_ifindex, 1);

	const skb = runPacket(collection.program('tc_orders'), order('return'), {
		context: {mark: 3, priority: 8, cb: [40, 0, 5]},
		maps: collection,
	});
	t.deepEqual(skb.effects, [
		{
			map: 'flows',
			kind: 'added',
			key: 3,
			before: undefined,
			after: {packets: 40n, argument: 8, pad: 0},
		},
	]);
	t.like(skb.context, {mark: 4, priority: 8, cb: [40, 41, 5, 0, 0]});
});

const effects = test.macro({
	async exec(t, packets: readonly Uint8Array[], expected: readonly unknown[]) {
		const {collection, program} = bind(await loadOrders(t));
		const runs = runPackets(program, packets, {maps: collection});
		const told = runs.map(run =>
			run.effects.map(({map, kind, key, before, after}) => [map, kind, key, before, after]),
		);
		t.deepEqual(told, expected);
		t.deepEqual(
			runs[0]?.unwatched.map(({map}) => map),
			['huge', 'queue'],
		);
	},
	title: (_, packets: readonly Uint8Array[]) =>
		`effects are told packet by packet: ${packets.map(packet => `${Object.keys(orders)[(packet[14] ?? 1) - 1]} ${packet[15]}`).join(', ')}`,
});

const flow = (argument: number) => ({packets: 1n, argument, pad: 0});
kernel(effects, [order('return', 2)], [[]]);
kernel(
	effects,
	[order('add', 1), order('add', 1), order('add', 2), order('delete', 1), order('delete', 1)],
	[
		[['flows', 'added', 1, undefined, flow(1)]],
		[],
		[['flows', 'added', 2, undefined, flow(2)]],
		[['flows', 'deleted', 1, flow(1), undefined]],
		[],
	],
);
kernel(effects, [order('recent', 9)], [[['recent', 'added', 9, undefined, 9]]]);
kernel(
	effects,
	[order('slot', 200), order('slot', 0)],
	[[['slots', 'changed', 69_200, 0, 200]], []],
);
kernel(
	effects,
	[order('total', 2), order('total', 3)],
	[[['.bss', 'changed', 'total', 0n, 2n]], [['.bss', 'changed', 'total', 2n, 5n]]],
);

kernel('of a per-CPU map the values of all CPUs are told', async t => {
	const {collection, program} = bind(await loadOrders(t));
	const [effect] = runPacket(program, order('count', 3), {maps: collection}).effects;
	t.is(effect?.map, 'counts');
	t.is(effect?.key, 3);
	const packets = (values: unknown) => (values as {packets: bigint}[]).map(each => each.packets);
	t.true(packets(effect?.before).every(count => count === 0n));
	t.deepEqual(
		packets(effect?.after).filter(count => count !== 0n),
		[1n],
	);
});

kernel("without a choice the maps of the program are looked at, by the kernel's names", async t => {
	const {program} = bind(await loadOrders(t));
	const run = runPackets(program, [order('total', 2), order('add', 4)]);
	t.like(run[0]?.effects, [{map: '.bss', key: 'total', after: 2n}]);
	t.like(run[1]?.effects, [{map: 'flows', key: 4, after: flow(4)}]);
	t.like(
		run[0]?.unwatched.toSorted((a, b) => a.map.localeCompare(b.map)),
		[
			{map: 'huge', reason: 'up to 100001 elements; name it to have it watched'},
			{map: 'queue', reason: 'elements of type queue cannot be compared'},
		],
	);
});

kernel('a large map is looked at when it is named', async t => {
	const {collection, program} = bind(await loadOrders(t));
	const packet = new Uint8Array(64);
	const run = runPacket(program, packet, {maps: {big: collection.map('huge')}});
	t.deepEqual(run.effects, [{map: 'big', kind: 'changed', key: 7, before: 0n, after: 1n}]);
	t.deepEqual(run.unwatched, []);
});

kernel('restored maps are as before, also where elements came, changed and went', async t => {
	const {collection, program} = bind(await loadOrders(t));
	const [flows, slots, counts] = ['flows', 'slots', 'counts'].map(name => collection.map(name));
	for (const key of [1, 2, 3, 4]) flows?.set(key, {packets: 9n, argument: key, pad: 0});
	counts?.setEveryCpu(5, {packets: 6n, argument: 0, pad: 0});
	const state = () => [
		[...(flows as Iterable<[number, unknown]>)].toSorted(([a], [b]) => a - b),
		slots?.get(69_001),
		counts?.get(5),
		collection.variable('total').get(),
	];
	const before = state();
	// The map of flows is full: one has to go before the next can come.
	const packets = [
		...[order('delete', 1), order('add', 9), order('add', 2)],
		...[order('slot', 1), order('count', 5), order('total', 7)],
	];
	const runs = runPackets(program, packets, {maps: collection, restore: true});
	t.deepEqual(
		runs.map(run => run.effects.length),
		[1, 1, 1, 1, 1, 1],
	);
	t.deepEqual(state(), before);
	runPackets(program, packets, {maps: collection});
	t.notDeepEqual(state(), before);
});

const refused = test.macro({
	async exec(t, program: string, options: Parameters<typeof runPacket>[2], message: RegExp) {
		const collection = await loadOrders(t);
		t.throws(() => runPacket(collection.program(program), order('return', 2), options), {
			message,
		});
	},
	title: (_, __, ___, message: RegExp) => `a packet's run is refused: ${message.source}`,
});

kernel(
	refused,
	'xdp_orders',
	{maps: [], context: {mark: 1}},
	/^set context: the xdp context takes no field "mark": ingress_ifindex, rx_queue_index$/,
);
kernel(
	refused,
	'tc_orders',
	{maps: [], context: {prioriti: 1} as PacketContext},
	/^set context: the skb context takes no field "prioriti": did you mean "priority"\?$/,
);
kernel(
	refused,
	'tc_orders',
	{maps: [], context: {mark: -1}},
	/^set context: field "mark" takes whole numbers of 32 bits, got -1$/,
);
kernel(
	refused,
	'tc_orders',
	{maps: [], context: {cb: [1, 2, 3, 4, 5, 6]}},
	/^set context: field "cb" takes up to 5 numbers$/,
);
kernel(
	refused,
	'tc_orders',
	{maps: [], metadata: new Uint8Array(4)},
	/^run packet through program "tc_orders": only XDP has metadata before a packet$/,
);
kernel(
	refused,
	'not_on_packets',
	{maps: []},
	/^run packet through program "not_on_packets": a program of type kprobe does not run on packets$/,
);

kernel('a map that cannot be compared is refused when it is named', async t => {
	const {collection, program} = bind(await loadOrders(t));
	const maps: WatchedMaps = [collection.map('queue')];
	t.throws(() => runPacket(program, order('return', 2), {maps}), {
		code: 'ERR_USAGE',
		message: 'watch map "queue": elements of type queue cannot be compared',
	});
});

function bind(collection: Awaited<ReturnType<typeof loadOrders>>) {
	return {collection, program: collection.program('xdp_orders')};
}
