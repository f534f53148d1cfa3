import type {BpfMap} from '../../../src/object/map/map.js';
import {kernelTest} from '../../helpers/kernel.js';
import {loadFixture} from '../../helpers/load.js';

const kernel = kernelTest({feature: 'test runs with context', since: '5.18'});

kernel('fields of a packet’s context reach the program, and come back', async t => {
	const collection = await loadFixture(t, 'kernel/contexts', {
		programs: ['read_mark', 'read_md'],
	});
	const skb = collection.program('read_mark').run({context: {mark: 41, cb: [1, 2, 3, 4, 5]}});
	t.is(skb.returnValue, 41);
	t.like(skb.contextFields, {mark: 42, cb: [1, 2, 3, 4, 6]});
	t.is(skb.context.length, 192);

	const xdp = collection.program('read_md');
	const {returnValue, contextFields} = xdp.run({context: {data: 4}, data: new Uint8Array(68)});
	t.is(returnValue, 64);
	t.like(contextFields, {data: 4, data_end: 68});
	t.is(xdp.run({context: Uint8Array.from(xdp.run({context: {}}).context)}).returnValue, 64);
});

kernel('a syscall program has the context of its own type', async t => {
	const collection = await loadFixture(t, 'kernel/contexts', {programs: ['add']});
	const given = {left: 20, right: 22n, sum: 0n};
	const {returnValue, contextFields} = collection.program('add').run({context: given});
	t.is(returnValue, 7);
	t.deepEqual(contextFields, {...given, sum: 42n});
	t.is(given.sum, 0n);
});

kernel('a raw tracepoint has arguments, and a CPU', async t => {
	const collection = await loadFixture(t, 'kernel/contexts', {programs: ['multiply']});
	const program = collection.program('multiply');
	t.is(program.run({context: {args: [6n, 7]}}).returnValue, 42);
	t.is(program.run({context: {args: [6n, 7]}, cpu: 0}).returnValue, 42);
	t.throws(() => program.run({context: {args: [1n, 1n]}, cpu: 99_999}), {
		message: /there is no CPU 99999$/,
	});
	t.throws(() => program.run({context: {args: 'x'}}), {code: 'ERR_USAGE'});
	t.throws(() => program.run({context: {args: [1.5]}}), {code: 'ERR_USAGE'});
});

kernel('a sk_lookup program answers for a look-up by hand', async t => {
	const collection = await loadFixture(t, 'kernel/links', {programs: ['refuse_port']});
	const program = collection.program('refuse_port');
	const lookup = (localPort: number) =>
		program.run({context: {family: 2, protocol: 6, local_port: localPort}}).returnValue;
	t.deepEqual([lookup(4242), lookup(80)], [0, 1]);
	t.throws(() => program.run(), {message: /it needs a context$/});
});

kernel('netfilter and flow dissector programs run on packets', async t => {
	const programs = ['count_packet', 'dissect'];
	const collection = await loadFixture(t, 'kernel/links', {programs});
	const ipv4 = Buffer.alloc(64);
	ipv4.writeUInt16BE(0x0800, 12);
	ipv4[14] = 0x45;
	t.is(collection.program('count_packet').run({data: ipv4}).returnValue, 1);
	t.is(collection.program('dissect').run({data: ipv4}).returnValue, 129);
});

kernel('what a context cannot be is said', async t => {
	const collection = await loadFixture(t, 'kernel/contexts', {
		programs: ['read_mark', 'read_md'],
	});
	const [skb, xdp] = [collection.program('read_mark'), collection.program('read_md')];
	t.throws(() => skb.run({context: {no_such: 1}}), {code: 'ERR_CODEC'});
	t.throws(() => skb.run({context: {napi_id: 5}}), {
		code: 'ERR_PROGRAM',
		message: /a field that no sender can set is not 0/,
	});
	t.throws(() => xdp.run({context: {ingress_ifindex: 999_999}}), {
		message: /the context's interface is not there$/,
	});
	t.throws(() => xdp.run({cpu: 0}), {message: /only raw tracepoints run on a CPU of choice$/});
	t.throws(() => skb.run({live: true}), {code: 'ERR_USAGE'});
	t.throws(() => xdp.run({batchSize: 4}), {code: 'ERR_USAGE'});
	const netfilter = await loadFixture(t, 'kernel/links', {programs: ['count_packet']});
	t.throws(() => netfilter.program('count_packet').run({context: {state: 1n}}), {
		code: 'ERR_USAGE',
	});
});

kernel('live packets run in batches, off the event loop, and nothing comes back', async t => {
	const collection = await loadFixture(t, 'kernel/contexts', {programs: ['drop_live']});
	const program = collection.program('drop_live');
	const data = new Uint8Array(64);
	const result = await program.runAsync({live: true, repeat: 100, batchSize: 10, data});
	t.is(result.data.length, 0);
	const seen = collection.map('seen') as BpfMap<number, bigint>;
	t.is(seen.get(0), 100n);
	t.throws(() => program.run({live: true, batchSize: 100_000, data}), {
		message: /so many live packets at a time are too many$/,
	});
});
