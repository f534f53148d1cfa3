import {openUserRingBuffer} from '../../../src/object/events/user-ring-buffer.js';
import {kernelTest} from '../../helpers/kernel.js';
import {loadFixture} from '../../helpers/load.js';

const kernel = kernelTest({feature: 'user ring buffers', since: '6.1'});

interface Command {
	operation: number;
	operand: number;
}

kernel('programs take events in the order they were written', async t => {
	const collection = await loadFixture(t, 'kernel/events');
	using ring = openUserRingBuffer<Command>(collection.map('commands'));
	t.true(ring.write({operation: 3, operand: 5}));
	t.true(ring.write(Uint8Array.of(2, 0, 0, 0, 7, 0, 0, 0)));
	collection.program('drain').run();
	t.is(collection.variable('drained').get(), 2);
	t.is(collection.variable('sum').get(), 15n + 14n);
});

kernel('a full ring takes no more until programs have taken some', async t => {
	const collection = await loadFixture(t, 'kernel/events');
	using ring = openUserRingBuffer<Command>(collection.map('commands'));
	let sum = 0n;
	for (let round = 0; round < 20; round++) {
		let written = 0;
		while (ring.write({operation: round, operand: written})) {
			sum += BigInt(round * written);
			written++;
		}

		t.is(written, 4096 / 16);
		collection.program('drain').run();
		t.is(collection.variable('drained').get(), written);
	}

	t.is(collection.variable('sum').get(), sum);
});

kernel('events of all sizes go around the end of the ring', async t => {
	const collection = await loadFixture(t, 'kernel/events');
	using ring = openUserRingBuffer(collection.map('commands'));
	for (let size = 0; size <= 4088; size += 73) {
		const bytes = new Uint8Array(size);
		if (size >= 8) bytes.set([1, 0, 0, 0, 1, 0, 0, 0]);
		t.true(ring.write(bytes));
		collection.program('drain').run();
		t.is(collection.variable('drained').get(), 1);
	}

	t.is(collection.variable('sum').get(), 56n);
});

kernel('what no ring can hold, and what is no event, is refused', async t => {
	const collection = await loadFixture(t, 'kernel/events');
	const ring = openUserRingBuffer<Command>(collection.map('commands'));
	t.teardown(() => ring.close());
	t.throws(() => ring.write(new Uint8Array(4096)), {
		code: 'ERR_MAP',
		message: 'write to map "commands": the event is longer than the ring',
	});
	t.throws(() => ring.write({operation: -1, operand: 0}), {
		code: 'ERR_CODEC',
		message: /event\.operation/,
	});
	ring.close();
	t.true(ring.closed);
	t.throws(() => ring.write(new Uint8Array(8)), {code: 'ERR_USAGE'});
	t.throws(() => openUserRingBuffer(collection.map('ring')), {code: 'ERR_MAP'});
});
