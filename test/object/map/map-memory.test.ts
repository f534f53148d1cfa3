import test from 'ava';
import fc from 'fast-check';
import {createMap, type MapDescription} from '../../../src/object/map/create-map.js';
import {mapFlags} from '../../../src/uapi/flags.js';
import {kernelTest} from '../../helpers/kernel.js';

const kernel = kernelTest({feature: 'memory of array maps', since: '5.5'});

function spec(
	valueSize: number,
	maxEntries: number,
	changes: Partial<MapDescription> = {},
): MapDescription {
	return {
		name: 'shared',
		type: 'array',
		keySize: 4,
		valueSize,
		maxEntries,
		flags: mapFlags.mmapable,
		...changes,
	};
}

kernel('memory and elements are the same bytes', t => {
	using map = createMap<number, Uint8Array>(spec(13, 700));
	using memory = map.memory();
	t.is(memory.stride, 16);
	t.is(memory.size, 700 * 16);
	fc.assert(
		fc.property(
			fc.nat(699),
			fc.uint8Array({minLength: 13, maxLength: 13}),
			fc.boolean(),
			(index, bytes, throughMemory) => {
				if (throughMemory) memory.set(index, bytes);
				else map.set(index, bytes);
				t.deepEqual(memory.get(index), bytes);
				t.deepEqual(map.get(index), bytes);
			},
		),
		{numRuns: 200},
	);
});

kernel('bytes are copied from any place to any other', t => {
	using map = createMap<number, Uint8Array>(spec(64, 1));
	using memory = map.memory();
	fc.assert(
		fc.property(fc.nat(63), fc.nat(64), fc.nat(7), (offset, length, shift) => {
			const size = Math.min(length, 64 - offset);
			const bytes = new Uint8Array(80).subarray(shift, shift + size);
			bytes.forEach((_, i) => (bytes[i] = offset + i + 1));
			memory.write(offset, bytes);
			const read = new Uint8Array(size);
			memory.read(offset, read);
			t.deepEqual(read, new Uint8Array(bytes));
			t.deepEqual(map.get(0)?.subarray(offset, offset + size), new Uint8Array(bytes));
		}),
		{numRuns: 200},
	);
});

const outside = test.macro({
	exec(t, offset: number, size: number) {
		using map = createMap<number, Uint8Array>(spec(8, 4));
		using memory = map.memory();
		const bytes = new Uint8Array(size);
		const refusal = {code: 'ERR_USAGE', message: /it has 32 bytes, not \d+ at -?[\d.]+$/};
		t.throws(() => memory.read(offset, bytes), refusal);
		t.throws(() => memory.write(offset, bytes), refusal);
	},
	title: (_, offset: number, size: number) =>
		`${size} bytes at ${offset} of 32 are neither read nor written`,
});

kernel(outside, 32, 1);
kernel(outside, 25, 8);
kernel(outside, 0, 33);
kernel(outside, -1, 1);
kernel(outside, 0.5, 1);

kernel('an index that the map has not is refused', t => {
	using map = createMap<number, Uint8Array>(spec(8, 4));
	using memory = map.memory();
	for (const index of [4, -1, 0.5, NaN]) {
		t.throws(() => memory.get(index), {code: 'ERR_USAGE'});
		t.throws(() => memory.set(index, new Uint8Array(8)), {code: 'ERR_USAGE'});
	}
});

kernel('a write to memory that is read-only is an error, and changes nothing', t => {
	using map = createMap<number, Uint8Array>(spec(8, 1));
	map.set(0, new Uint8Array(8).fill(5));
	map.freeze();
	t.throws(() => map.memory(), {code: 'ERR_MAP'});
	using memory = map.memory({writable: false});
	t.throws(() => memory.set(0, new Uint8Array(8)), {
		code: 'ERR_MAP',
		message: 'write to the memory of map "shared": it was mapped read-only',
	});
	t.deepEqual(memory.get(0), new Uint8Array(8).fill(5));
});

kernel('memory outlives its map, and not its own end', t => {
	const map = createMap<number, Uint8Array>(spec(8, 1));
	const memory = map.memory();
	map.close();
	memory.set(0, new Uint8Array(8).fill(9));
	t.deepEqual(memory.get(0), new Uint8Array(8).fill(9));
	memory.close();
	memory.close();
	t.true(memory.closed);
	t.throws(() => memory.get(0), {
		code: 'ERR_USAGE',
		message: 'use memory of map "shared": it is closed',
	});
});

const refused = test.macro({
	exec(t, changes: Partial<MapDescription>) {
		using map = createMap(spec(8, 4, changes));
		t.throws(() => map.memory(), {
			code: 'ERR_MAP',
			message: /only an array map with the flag BPF_F_MMAPABLE is memory/,
		});
	},
	title: (_, {type = 'array'}: Partial<MapDescription>) =>
		`a map of type ${type} that is no memory is refused`,
});

kernel(refused, {flags: 0});
kernel(refused, {type: 'hash', flags: 0});
kernel(refused, {type: 'ringbuf', keySize: 0, valueSize: 0, maxEntries: 4096, flags: 0});
