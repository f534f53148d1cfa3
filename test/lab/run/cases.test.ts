import test from 'ava';
import {
	cases,
	formatMeasurements,
	measureCases,
	runCases,
	type CasePacket,
	type PacketCase,
} from '../../../src/lab/index.js';
import {kernelTest} from '../../helpers/kernel.js';
import {loadOrders, order} from './orders.js';

const kernel = kernelTest({feature: 'test runs with a context', since: '5.15'});

const passes = test.macro({
	async exec(t, {name, ...rest}: PacketCase) {
		const collection = await loadOrders(t);
		const [result] = runCases(
			cases(collection.program('xdp_orders'), [{name, ...rest}], {
				maps: collection,
			}),
		);
		t.is(result?.failure, undefined);
		t.true(result?.passed);
	},
	title: (_, {name}: PacketCase) => `a case passes: ${name}`,
});

const verdicts = [order('return', 1), order('return', 4)] as const;
kernel(passes, {name: 'verdict by name', packet: verdicts[0], verdict: 'drop'});
kernel(passes, {name: 'verdict by number', packet: verdicts[1], verdict: 4});
kernel(passes, {name: 'nothing is expected', packet: verdicts[1]});
kernel(passes, {name: 'unchanged', packet: verdicts[0], out: 'unchanged', maps: {flows: []}});
kernel(passes, {
	name: 'a packet that is like the one wanted',
	packet: {bytes: order('rewrite', 9)},
	out: {bytes: Uint8Array.from(order('rewrite', 9)).fill(9, 0, 1)},
});
kernel(passes, {name: 'a function', packet: order('push'), out: ({bytes}) => bytes.length === 68});
kernel(passes, {
	name: 'metadata and context',
	packet: order('meta', 1),
	context: {ingress_ifindex: 1},
	contextOut: {ingress_ifindex: 1},
	metadataOut: Uint8Array.from([1, 1, 1, 7]),
});
kernel(passes, {
	name: 'some fields of an element that was added',
	packet: order('add', 7),
	maps: {flows: [{key: 7, before: undefined, after: {packets: 1}}]},
});
kernel(passes, {
	name: 'what all CPUs count together',
	packet: order('count', 2),
	maps: {counts: [{key: 2, before: {packets: 0n}, after: {packets: 1n}}]},
});
kernel(passes, {
	name: 'a variable, and a function for its value',
	packet: order('total', 7),
	maps: {'.bss': [{key: 'total', after: (value: unknown) => value === 7n}]},
});
kernel(passes, {
	name: 'a sequence against one set of maps',
	packets: [
		{packet: order('once', 3), verdict: 'pass', maps: {flows: [{key: 3}]}},
		{packet: order('once', 3), verdict: 'drop', maps: {flows: []}},
		{
			packet: order('delete', 3),
			maps: {flows: [{key: 3, before: {argument: 3}, after: undefined}]},
		},
		{packet: order('once', 3), verdict: 'pass'},
	],
});

const fails = test.macro({
	async exec(t, packet: CasePacket, ...failure: string[]) {
		const collection = await loadOrders(t);
		const list = [{name: 'one', ...packet}];
		const table = cases(collection.program('xdp_orders'), list, {maps: collection});
		const [result] = runCases(table);
		t.false(result?.passed);
		t.deepEqual(result?.failure?.split('\n').slice(1), failure);
	},
	title: (_, __, ...failure: string[]) => `a case fails: ${failure.join().trim()}`,
});

kernel(fails, {packet: verdicts[0], verdict: 'pass'}, '  verdict: expected pass, got drop (1)');
kernel(fails, {packet: verdicts[0], verdict: -1}, '  verdict: expected -1, got drop (1)');
kernel(
	fails,
	{packet: order('push'), out: () => false},
	'  packet out: not what the function wants',
);
kernel(
	fails,
	{packet: order('context'), context: {ingress_ifindex: 1}, contextOut: {ingress_ifindex: 2}},
	'  context out: expected { ingress_ifindex: 2 }, got { ingress_ifindex: 1, rx_queue_index: 0 }',
);
kernel(
	fails,
	{packet: order('add', 4), maps: {flows: []}},
	'  map "flows": unexpected: added 4: { packets: 1n, argument: 4, pad: 0 }',
);
kernel(
	fails,
	{packet: order('add', 4), maps: {flows: [{key: 4, after: {packets: 2n}}]}},
	'  map "flows": expected 4 to become { packets: 2n }, got { packets: 1n, argument: 4, pad: 0 }',
);
kernel(
	fails,
	{packet: order('add', 4), maps: {flows: [{key: 4, before: {packets: 2n}}]}},
	'  map "flows": expected 4 to have been { packets: 2n }, got nothing',
);
kernel(
	fails,
	{packet: order('add', 4), maps: {flows: [{key: 5}]}},
	'  map "flows": expected 5 to change, it did not',
	'  map "flows": unexpected: added 4: { packets: 1n, argument: 4, pad: 0 }',
);
kernel(
	fails,
	{packet: order('add', 4), maps: {flow: []}},
	'  map "flow": not watched: there is flows',
);
kernel(
	fails,
	{packet: order('add', 4), maps: {huge: []}},
	'  map "huge": not watched: up to 100001 elements; name it to have it watched',
);

kernel('a packet that came out otherwise is shown against the one wanted', async t => {
	const collection = await loadOrders(t);
	const packet = order('rewrite', 9);
	const [result] = cases(collection.program('xdp_orders'), [
		{name: 'rewritten', packet, out: 'unchanged'},
	]);
	const {failure = ''} = result?.run() ?? {};
	t.regex(failure, /^ {2}packet out: expected \(-\), got \(\+\)$/m);
	t.regex(failure, /^ +- .*02/m);
	t.regex(failure, /^ +\+ .*09/m);
});

kernel('each case starts from the maps as they were', async t => {
	const collection = await loadOrders(t);
	const flows = collection.map('flows');
	const prepare = () => flows.set(3, {packets: 5n, argument: 0, pad: 0});
	const table = cases(
		collection.program('xdp_orders'),
		[
			{name: 'first', packet: order('once', 3), verdict: 'pass'},
			{name: 'first again', packet: order('once', 3), verdict: 'pass'},
			{
				name: 'prepared',
				prepare,
				packet: order('once', 3),
				verdict: 'drop',
				maps: {flows: []},
			},
			{name: 'prepared no more', packet: order('once', 3), verdict: 'pass'},
		],
		{maps: collection},
	);
	t.deepEqual(
		runCases(table).map(({failure}) => failure),
		[undefined, undefined, undefined, undefined],
	);
	t.deepEqual([...flows], []);
});

kernel('a sequence says which packet is not as expected', async t => {
	const collection = await loadOrders(t);
	const packets = [
		{packet: order('once', 3), verdict: 'pass'},
		{packet: order('once', 3), verdict: 'pass'},
	];
	const [one] = cases(collection.program('xdp_orders'), [{name: 'twice', packets}], {
		maps: collection,
	});
	const result = one?.run();
	t.regex(
		result?.failure ?? '',
		/^packet 2 of 2, .*\n {2}verdict: expected pass, got drop \(1\)$/,
	);
	t.is(result?.runs.length, 2);
});

kernel("a run that the kernel refuses is the case's failure", async t => {
	const collection = await loadOrders(t);
	const [result] = runCases(
		cases(collection.program('xdp_orders'), [{name: 'short', packet: new Uint8Array(4)}]),
	);
	t.regex(result?.failure ?? '', /at least the 14 bytes of an Ethernet header/);
});

kernel('two cases of one name are refused', async t => {
	const collection = await loadOrders(t);
	const one = {name: 'same', packet: order('add')};
	t.throws(() => cases(collection.program('xdp_orders'), [one, one]), {code: 'ERR_USAGE'});
});

kernel('a table is measured as it is tested', async t => {
	const collection = await loadOrders(t);
	const table = cases(
		collection.program('xdp_orders'),
		[
			{name: 'drops', packet: order('return', 1), verdict: 'drop'},
			{name: 'counts', packet: order('count', 1), verdict: 'pass'},
			{name: 'rewrites', packet: order('rewrite', 1), verdict: 'tx'},
			{name: 'is told to start afresh', packet: order('count', 1), repeatable: false},
			{
				name: 'a sequence',
				packets: [
					{packet: order('once', 1), verdict: 'pass'},
					{packet: order('once', 1), verdict: 'drop'},
				],
			},
			{name: 'is wrong', packet: order('return', 1), verdict: 'pass'},
		],
		{maps: [collection.map('flows'), collection.map('counts')]},
	);
	const measured = await measureCases(table, {repeat: 20, rounds: 3});
	t.deepEqual(
		measured.map(({name, method, packets, rounds}) => [name, method, packets, rounds.length]),
		[
			['drops', 'repeated', 1, 3],
			['counts', 'repeated', 1, 3],
			['rewrites', 'restored', 1, 3],
			['is told to start afresh', 'restored', 1, 3],
			['a sequence', 'restored', 2, 3],
			['is wrong', 'repeated', 1, 0],
		],
	);
	for (const {name, failure, min, q1, median, q3, max} of measured) {
		if (name === 'is wrong') t.regex(failure ?? '', /expected pass, got drop/);
		else t.true(min <= q1 && q1 <= median && median <= q3 && q3 <= max && max > 0, name);
	}

	t.deepEqual([...collection.map('flows')], []);
	const lines = formatMeasurements(measured).split('\n');
	t.regex(lines[0] ?? '', /^case +ns\/packet +middle half +min +max +packets +runs$/);
	t.regex(lines[1] ?? '', /^drops +\d+ +\d+\.\.\d+ +\d+ +\d+ +1 +repeated$/);
	t.regex(lines.at(-1) ?? '', /^is wrong +failed +1 +repeated$/);
});

kernel('a measurement of nothing is refused', async t => {
	const collection = await loadOrders(t);
	const table = cases(collection.program('xdp_orders'), []);
	await t.throwsAsync(measureCases(table, {rounds: 0}), {code: 'ERR_USAGE'});
	await t.throwsAsync(measureCases(table, {repeat: 1.5}), {code: 'ERR_USAGE'});
});
