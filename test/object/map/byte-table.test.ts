import test from 'ava';
import fc from 'fast-check';
import {ByteTable, same} from '../../../src/object/map/byte-table.js';
import {deltasOf, isOnlyCounted, withCounters} from '../../../src/object/migrate/counters.js';

const byte = fc.integer({min: 0, max: 3});
const step = fc.record({
	do: fc.constantFrom('set' as const, 'remove' as const, 'mark' as const),
	key: fc.tuple(byte, byte, byte),
	value: fc.integer({min: 0, max: 255}),
});

test('a byte table holds what a Map does', t => {
	fc.assert(
		fc.property(fc.array(step, {maxLength: 300}), steps => {
			const table = new ByteTable(3, 1);
			const model = new Map<string, {value: number; mark: number}>();
			for (const [index, each] of steps.entries()) {
				const key = Uint8Array.of(9, ...each.key);
				const text = each.key.join();
				const entry = table.find(key, 1);
				t.is(entry >= 0, model.has(text));
				if (each.do === 'set') {
					table.set(key, 1, Uint8Array.of(each.value), 0, index + 1);
					model.set(text, {value: each.value, mark: index + 1});
				} else if (entry >= 0 && each.do === 'remove') {
					table.remove(entry);
					model.delete(text);
				} else if (entry >= 0) {
					table.mark(entry, index + 1);
					model.set(text, {value: model.get(text)?.value ?? 0, mark: index + 1});
				}
			}

			t.is(table.size, model.size);
			const last = steps.length;
			const stale = [...table.unmarked(last)].map(entry => [...table.key(entry)].join());
			t.deepEqual(
				stale.sort(),
				[...model]
					.filter(([, {mark}]) => mark !== last)
					.map(([key]) => key)
					.sort(),
			);
			for (const [text, {value}] of model) {
				const entry = table.find(Uint8Array.from(text.split(','), Number), 0);
				t.deepEqual([...table.value(entry)], [value]);
				t.true(table.hasValue(entry, Uint8Array.of(value), 0));
			}
		}),
	);
});

test('a byte table grows', t => {
	const table = new ByteTable(4, 4);
	const bytes = (n: number) => new Uint8Array(Uint32Array.of(n).buffer);
	for (let n = 0; n < 20_000; n++) table.set(bytes(n), 0, bytes(n * 3), 0, 1);
	t.is(table.size, 20_000);
	for (let n = 0; n < 20_000; n += 77) {
		t.true(table.hasValue(table.find(bytes(n), 0), bytes(n * 3), 0));
	}

	t.is(table.find(bytes(20_000), 0), -1);
	t.true(same(bytes(1), 0, bytes(1), 0, 4));
});

test('counters of each CPU are told apart from the rest of a value', t => {
	const value = (...numbers: number[]) => Uint8Array.from(numbers.flatMap(n => [n, 0, 0, 0]));
	const counters = [{offset: 4, size: 4}] as const;
	const before = value(1, 10, 1, 20);
	const now = value(1, 15, 2, 20);
	t.deepEqual(
		[...deltasOf(before, now, counters, 8)].map(({cpu, delta}) => [cpu, delta(0)]),
		[[0, 5n]],
	);
	t.deepEqual(
		[...deltasOf(undefined, now, counters, 8)].map(({cpu, delta}) => [cpu, delta(0)]),
		[
			[0, 15n],
			[1, 20n],
		],
	);
	t.false(isOnlyCounted(before, now, counters, 8));
	t.true(isOnlyCounted(before, value(1, 99, 1, 99), counters, 8));
	t.deepEqual(withCounters(now, before, counters, 8), value(1, 10, 2, 20));
});
