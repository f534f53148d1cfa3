import {setImmediate} from 'node:timers/promises';
import test, {type ExecutionContext} from 'ava';
import {openPerfBuffer, type PerfBufferOptions} from '../../../src/object/events/perf-buffer.js';
import {onlineCpus} from '../../../src/kernel/host/cpus.js';
import {kernelTest} from '../../helpers/kernel.js';
import {loadFixture} from '../../helpers/load.js';

const kernel = kernelTest({feature: 'perf buffers', since: '6.1'});

interface Event {
	number: bigint;
	kind: number;
	address: string;
}

async function setUp(t: ExecutionContext, options: PerfBufferOptions = {}) {
	const collection = await loadFixture(t, 'kernel/events');
	const reader = openPerfBuffer<Event>(collection.map('perf'), {
		type: 'struct event',
		fields: {address: 'ipv4'},
		...options,
	});
	t.teardown(() => reader.close());
	const send = (count: number): void => {
		for (let left = count; left > 0; left -= 64) {
			collection.variable('burst').set(Math.min(left, 64));
			collection.program('send_perf').run();
		}
	};
	/** All that is there, by number: the test may move from CPU to CPU. */
	const readAll = (): Event[] => {
		const events: Event[] = [];
		for (let batch = reader.read(); batch !== undefined; batch = reader.read()) {
			events.push(...batch);
		}

		return events.sort((a, b) => Number(a.number - b.number));
	};
	return {collection, reader, send, readAll};
}

kernel('samples of all CPUs are objects of the type that is named', async t => {
	const {reader, send, readAll} = await setUp(t);
	t.deepEqual(reader.cpus, onlineCpus());
	send(3);
	t.deepEqual(
		readAll().map(({number, kind, address}) => ({number, kind, address})),
		[0n, 1n, 2n].map(number => ({number, kind: 7, address: '192.0.2.1'})),
	);
	t.like(reader.stats, {events: 3, lost: 0});
});

kernel('a batch names its CPU', async t => {
	const {reader, send} = await setUp(t);
	send(1);
	t.true(onlineCpus().includes(reader.read()?.cpu ?? -1));
});

kernel('every sample comes once, around the end of the ring many times', async t => {
	const {reader, send, readAll} = await setUp(t, {pages: 2, bufferSize: 500});
	let expected = 0n;
	for (let round = 0; round < 60; round++) {
		send(1 + ((round * 37) % 64));
		for (const {number} of readAll()) {
			if (number !== expected++) return t.fail(`${number} in the place of ${expected}`);
		}
	}

	t.is(reader.stats.lost, 0);
	t.is(BigInt(reader.stats.events), expected);
});

kernel('samples that found no room are counted by the kernel', async t => {
	const {collection, reader, send, readAll} = await setUp(t, {pages: 1});
	send(500);
	const first = readAll().length;
	t.true(first < 500);
	// The kernel tells with the next sample of that CPU.
	for (let i = 0; i < 64 && reader.stats.lost + reader.stats.events < 500 + i; i++) {
		send(1);
		readAll();
	}

	const numbers = collection.variable('numbers').get() as bigint;
	t.is(BigInt(reader.stats.lost + reader.stats.events), numbers);
	t.true(reader.stats.lost > 0);
});

kernel('a loop waits for samples and ends when the reader is closed', async t => {
	const {reader, send} = await setUp(t);
	let events = 0;
	const ended = reader.each(batch => {
		events += batch.count;
		if (events === 5) reader.close();
	});
	await setImmediate();
	send(2);
	await setImmediate();
	send(3);
	await ended;
	t.is(events, 5);
	t.deepEqual(reader.cpus, []);
});

kernel('CPUs that come are read, and those that went are not asked', async t => {
	let online: number[] = [];
	const {reader, send, readAll} = await setUp(t, {cpus: () => online});
	t.deepEqual(reader.cpus, []);
	send(1);
	t.deepEqual(readAll(), []);
	online = onlineCpus();
	reader.refreshCpus();
	t.deepEqual(reader.cpus, onlineCpus());
	send(1);
	t.is(readAll().length, 1);
	online = [];
	reader.refreshCpus();
	t.deepEqual(reader.cpus, []);
	online = onlineCpus();
	reader.refreshCpus();
	send(1);
	t.is(readAll().length, 1);
});

kernel('a list of CPUs that cannot be read ends the loop with its error', async t => {
	let isBroken = false;
	const {reader} = await setUp(t, {
		cpus() {
			if (isBroken) throw new TypeError('no list');
			return onlineCpus();
		},
	});
	isBroken = true;
	await t.throwsAsync(
		reader.each(() => t.fail()),
		{instanceOf: TypeError, message: 'no list'},
	);
});

const refused = test.macro({
	async exec(t, options: PerfBufferOptions, message: RegExp) {
		const collection = await loadFixture(t, 'kernel/events');
		t.throws(() => openPerfBuffer(collection.map('perf'), options), {message});
	},
	title: (_, options: PerfBufferOptions) =>
		`${JSON.stringify(options)} of a perf buffer is refused`,
});

kernel(refused, {pages: 3}, /pages are a power of two, not 3$/);
kernel(refused, {pages: 0}, /pages are a power of two, not 0$/);
kernel(refused, {wakeup: 0}, /wakeup is a count of events, not 0$/);
kernel(refused, {type: 'struct none'}, /its types have no "struct none"$/);

kernel('a map that is no perf buffer is refused', async t => {
	const collection = await loadFixture(t, 'kernel/events');
	t.throws(() => openPerfBuffer(collection.map('ring')), {
		code: 'ERR_MAP',
		message: 'read events of map "ring": it is no perf buffer but of type ringbuf',
	});
});
