import {readFileSync} from 'node:fs';
import {setImmediate, setTimeout} from 'node:timers/promises';
import test, {type ExecutionContext} from 'ava';
import type {Collection} from '../../../src/object/collection/collection.js';
import {openRingBuffer, type RingBufferOptions} from '../../../src/object/events/ring-buffer.js';
import {createMap} from '../../../src/object/map/create-map.js';
import {kernelTest} from '../../helpers/kernel.js';
import {loadFixture} from '../../helpers/load.js';

const kernel = kernelTest({feature: 'ring buffers', since: '6.1'});

interface Event {
	number: bigint;
	kind: number;
	address: string;
	data: number[];
}

const fields = {address: 'ipv4'} as const;
const submitQuietly = 1n;

async function setUp(t: ExecutionContext, options: RingBufferOptions = {}) {
	const collection = await loadFixture(t, 'kernel/events');
	const reader = openRingBuffer<Event>(collection.map('ring'), {
		fields,
		lost: collection.variable('lost'),
		...options,
	});
	t.teardown(() => reader.close());
	return {collection, reader, send: sender(collection)};
}

/** Runs a program so that it sends `count` events. */
function sender(collection: Collection) {
	return (count: number, program = 'send'): void => {
		for (let left = count; left > 0; left -= 64) {
			collection.variable('burst').set(Math.min(left, 64));
			collection.program(program).run();
		}
	};
}

kernel('events are objects of the type that the map declares', async t => {
	const {reader, send} = await setUp(t);
	send(3);
	const batch = reader.read();
	t.deepEqual(
		[...(batch ?? [])],
		[0, 1, 2].map(i => ({
			number: BigInt(i),
			kind: i,
			address: '192.0.2.1',
			data: new Array<number>(48).fill(i),
		})),
	);
	t.is(batch?.count, 3);
	t.is(reader.read(), undefined);
});

kernel('a batch is read by cursor, by index and as bytes, too', async t => {
	const {reader, send} = await setUp(t);
	send(5);
	const batch = reader.read();
	if (batch === undefined) return t.fail();
	const seen = new Set<Event>();
	const kinds = [];
	for (const event of batch.cursor()) {
		seen.add(event);
		kinds.push(event.kind);
	}

	t.deepEqual(kinds, [0, 1, 2, 3, 4]);
	t.is(seen.size, 1);
	t.is(batch.at(3).number, 3n);
	t.is(batch.get(2).number, 2n);
	t.deepEqual(
		[...batch.raw()].map(bytes => [bytes.length, bytes[0], bytes[63]]),
		[0, 1, 2, 3, 4].map(i => [64, i, i]),
	);
	t.is(batch.length(0), 64);
	for (const index of [5, -1, 0.5]) {
		t.throws(() => batch.get(index), {instanceOf: RangeError});
		t.throws(() => batch.at(index), {instanceOf: RangeError});
		t.throws(() => batch.bytes(index), {instanceOf: RangeError});
	}
});

const typed = test.macro({
	async exec(t, type: string) {
		const collection = await loadFixture(t, 'kernel/events');
		using reader = openRingBuffer<{operation: number}>(collection.map('ring'), {type});
		sender(collection)(1);
		t.deepEqual([...(reader.read() ?? [])], [{operation: 0, operand: 0}]);
	},
	title: (_, type: string) => `events are of the type "${type}" when it is named`,
});

kernel(typed, 'struct command');
kernel(typed, 'command');

kernel('a type that is not there, or nowhere to be found, is refused', async t => {
	const collection = await loadFixture(t, 'kernel/events');
	t.throws(() => openRingBuffer(collection.map('ring'), {type: 'struct evnt'}), {
		code: 'ERR_USAGE',
		message: 'read events of map "ring": its types have no "struct evnt"',
	});
	using plain = createMap({...ringSpec, maxEntries: 4096});
	t.throws(() => openRingBuffer(plain, {type: 'event'}), {
		code: 'ERR_USAGE',
		message: /it has no BTF to find "event" in; give types$/,
	});
	t.throws(() => openRingBuffer(plain, {fields}), {code: 'ERR_USAGE'});
	t.throws(() => openRingBuffer(collection.map('scratch')), {
		code: 'ERR_MAP',
		message: 'read events of map "scratch": it is no ring buffer but of type array',
	});
});

const ringSpec = {
	name: 'plain',
	type: 'ringbuf',
	keySize: 0,
	valueSize: 0,
	maxEntries: 4096,
} as const;

kernel('every event comes once and in order, around the end of the ring many times', async t => {
	const {reader, send} = await setUp(t, {bufferSize: 1000});
	let expected = 0n;
	for (let round = 0; round < 200; round++) {
		send(1 + ((round * 37) % 200));
		for (let batch = reader.read(); batch !== undefined; batch = reader.read()) {
			for (const {number} of batch.cursor()) {
				if (number !== expected++) return t.fail(`${number} in the place of ${expected}`);
			}
		}
	}

	t.is(reader.stats.events, Number(expected));
	t.is(reader.stats.lost, 0);
	t.is(reader.pending, 0);
});

kernel('events that found no room are counted, and the others all come', async t => {
	const {collection, reader, send} = await setUp(t);
	send(2000);
	let events = 0;
	let lost = 0;
	for (let batch = reader.read(); batch !== undefined; batch = reader.read()) {
		events += batch.count;
		lost += batch.lost;
	}

	t.is(events, Math.floor(16384 / 72));
	t.is(BigInt(events), collection.variable('sent').get() as bigint);
	t.is(lost, 2000 - events);
	t.like(reader.stats, {events, lost, discarded: 0});
	send(1);
	t.is(reader.read()?.lost, 0);
});

kernel('events that were given up are passed over and counted', async t => {
	const {collection, reader, send} = await setUp(t, {bufferSize: 300});
	collection.variable('discard_every').set(3);
	send(200);
	const numbers = [];
	for (let batch = reader.read(); batch !== undefined; batch = reader.read()) {
		for (const {number} of batch) numbers.push(number);
	}

	const kept = Array.from({length: 200}, (_, i) => BigInt(i)).filter(i => i % 3n !== 2n);
	t.deepEqual(numbers, kept);
	t.is(reader.stats.discarded, 66);
});

kernel('where all events were given up, there is no batch', async t => {
	const {collection, reader, send} = await setUp(t, {bufferSize: 300});
	collection.variable('discard_every').set(1);
	send(200);
	t.is(reader.read(), undefined);
	t.is(reader.stats.discarded, 200);
	t.is(reader.pending, 0);
});

const sized = test.macro({
	async exec(t, size: number) {
		const collection = await loadFixture(t, 'kernel/events');
		using reader = openRingBuffer<Uint8Array>(collection.map('ring'), {bufferSize: 64});
		collection.variable('output_size').set(size);
		for (let i = 0; i < 3; i++) {
			collection.program('send_bytes').run();
			const batch = reader.read();
			if (batch === undefined) return t.fail();
			t.is(batch.length(0), size);
			const bytes = [...batch.raw()][0];
			t.is(bytes?.length, size);
			t.is(bytes?.[0], i);
		}
	},
	title: (_, size: number) => `a record of ${size} bytes is read whole`,
});

for (const size of [8, 9, 63, 1000, 4096, 16384 - 16]) kernel(sized, size);

kernel('an event that is shorter than its type is refused, not made up', async t => {
	const {collection, reader} = await setUp(t);
	collection.variable('output_size').set(12);
	collection.program('send_bytes').run();
	const batch = reader.read();
	const refusal = {code: 'ERR_CODEC', message: /it has 12 bytes, its type 64$/};
	t.throws(() => batch?.get(0), refusal);
	t.throws(() => batch?.at(0), refusal);
	t.is(batch?.bytes(0).length, 12);
});

kernel('a loop waits for events and ends when the reader is closed', async t => {
	const {reader, send} = await setUp(t);
	const numbers: bigint[] = [];
	const ended = reader.each(batch => {
		for (const {number} of batch) numbers.push(number);
		if (numbers.length >= 12) reader.close();
	});
	for (let i = 0; i < 4; i++) {
		await setTimeout(1);
		send(3);
	}

	await ended;
	t.deepEqual(
		numbers,
		Array.from({length: 12}, (_, i) => BigInt(i)),
	);
	t.throws(() => reader.read(), {code: 'ERR_USAGE'});
});

kernel('closing a reader that waits ends its loop', async t => {
	const {reader} = await setUp(t);
	const ended = reader.each(() => t.fail());
	await setImmediate();
	reader.close();
	await ended;
	reader.close();
	t.true(reader.closed);
	await reader.each(() => t.fail());
});

kernel('a signal ends the loop', async t => {
	const controller = new AbortController();
	const {reader} = await setUp(t, {signal: controller.signal});
	const ended = reader.each(() => t.fail());
	await setImmediate();
	controller.abort();
	await ended;
	t.true(reader.closed);
	const second = await setUp(t, {signal: controller.signal});
	t.true(second.reader.closed);
});

kernel('leaving a loop loses nothing, and another goes on', async t => {
	const {reader, send} = await setUp(t, {bufferSize: 72 * 4});
	send(10);
	const numbers: bigint[] = [];
	for (let loop = 0; loop < 3; loop++) {
		for await (const batch of reader) {
			for (const {number} of batch) numbers.push(number);
			break;
		}
	}

	t.deepEqual(
		numbers,
		Array.from({length: 10}, (_, i) => BigInt(i)),
	);
	t.false(reader.closed);
});

kernel('what a callback throws ends the loop, and the reader may be used again', async t => {
	const {reader, send} = await setUp(t);
	send(1);
	await t.throwsAsync(
		reader.each(() => {
			throw new TypeError('mine');
		}),
		{instanceOf: TypeError, message: 'mine'},
	);
	send(1);
	t.is(reader.read()?.count, 1);
});

kernel('two loops over one reader are refused', async t => {
	const {reader} = await setUp(t);
	const first = reader.each(() => t.fail());
	await t.throwsAsync(
		reader.each(() => t.fail()),
		{code: 'ERR_USAGE', message: 'read ring buffer "ring": somebody is reading it already'},
	);
	reader.close();
	await first;
});

kernel('of two readers each event goes to one', async t => {
	const {collection, reader, send} = await setUp(t, {bufferSize: 72 * 5});
	using other = openRingBuffer<Event>(collection.map('ring'), {bufferSize: 72 * 3});
	send(40);
	const numbers: bigint[] = [];
	for (let left = 40; left > 0;) {
		for (const each of [reader, other]) {
			const batch = each.read();
			left -= batch?.count ?? 0;
			for (const {number} of batch ?? []) numbers.push(number);
		}
	}

	t.deepEqual(
		numbers,
		Array.from({length: 40}, (_, i) => BigInt(i)),
	);
});

kernel('a reader goes on when its map is closed', async t => {
	const {collection, reader, send} = await setUp(t);
	collection.map('ring').close();
	const ended = reader.each(batch => {
		t.is(batch.count, 2);
		reader.close();
	});
	await setImmediate();
	send(2);
	await ended;
});

kernel('events that wake nobody wait for the next that does', async t => {
	const {collection, reader, send} = await setUp(t);
	let woken = 0;
	const ended = reader.each(batch => {
		woken++;
		t.is(batch.count, 3);
		reader.close();
	});
	await setImmediate();
	collection.variable('flags').set(submitQuietly);
	send(2);
	await setImmediate();
	t.is(woken, 0);
	collection.variable('flags').set(2n);
	send(1);
	await ended;
	t.is(woken, 1);
});

kernel('events without end leave the event loop its turns', async t => {
	const {reader, send} = await setUp(t);
	let turns = 0;
	let batches = 0;
	const timer = setInterval(() => turns++, 1);
	t.teardown(() => clearInterval(timer));
	send(1);
	await reader.each(() => {
		batches++;
		send(1);
		if (turns >= 5) reader.close();
	});
	t.true(batches > 5);
});

kernel('a reader that cannot be opened leaves nothing mapped', t => {
	using map = createMap({type: 'ringbuf', name: 'unread', maxEntries: 1 << 16});
	const mapped = () => readFileSync('/proc/self/maps', 'utf8').split('bpf-map').length;
	const before = mapped();
	const get = () => {
		throw new Error('gone');
	};
	t.throws(() => openRingBuffer(map, {lost: {get}}), {message: 'gone'});
	t.is(mapped(), before);
});
