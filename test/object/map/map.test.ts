import test from 'ava';
import {possibleCpus} from '../../../src/kernel/sys/map.js';
import {loadCollection} from '../../../src/object/collection/load-collection.js';
import type {BpfMap} from '../../../src/object/map/map.js';
import {openMapById} from '../../../src/object/map/open-map.js';
import {readObject} from '../../../src/spec/read.js';
import {compile} from '../../helpers/compile.js';
import {kernelTest} from '../../helpers/kernel.js';
import {loadFixture} from '../../helpers/load.js';

const kernel = kernelTest({feature: 'maps with types', since: '5.4'});

const endpoint = {address: 1, port: 2, protocol: 6, pad: 0};
const counters = (packets: bigint) => ({
	packets,
	bytes: 1n << 63n,
	balance: -5,
	window: 65_535,
	flags: 255,
	pad: 0,
});

const keyed = test.macro({
	async exec(t, name: string, key: unknown, value: unknown, other: unknown) {
		const {maps} = await loadFixture(t, 'kernel/maps');
		const map = maps[name] as BpfMap;
		const absent = map.info.type.includes('array') ? value : undefined;
		if (absent === undefined) t.is(map.get(key), undefined);
		if (absent === undefined) t.false(map.has(key));
		map.set(key, value);
		t.deepEqual(map.get(key), value);
		t.true(map.has(key));
		map.set(key, other);
		t.deepEqual(map.get(key), other);
		t.throws(
			() => {
				map.set(key, value, {mode: 'noexist'});
			},
			{code: 'ERR_KEY_EXISTS'},
		);
		if (absent !== undefined) return;
		t.true(map.delete(key));
		t.false(map.delete(key));
		t.throws(
			() => {
				map.set(key, value, {mode: 'exist'});
			},
			{code: 'ERR_KEY_NOT_FOUND'},
		);
		map.set(key, value);
		t.deepEqual([...map], [[key, value]]);
	},
	title: (_, name) => `${name} is read and written by its types`,
});

kernel(keyed, 'a_hash', endpoint, counters(1n), counters(2n));
kernel(keyed, 'an_array', 7, counters(1n), counters(2n));
kernel(keyed, 'an_lru_hash', endpoint, counters(1n), counters(2n));
kernel(keyed, 'an_lpm_trie', {prefixlen: 24, address: 0}, counters(1n), counters(2n));
kernel(keyed, 'a_percpu_hash', 5, perCpu(counters(1n)), perCpu(counters(2n)));
kernel(keyed, 'a_percpu_array', 3, perCpu(1), perCpu(2));
kernel(keyed, 'an_lru_percpu_h', endpoint, perCpu(counters(1n)), perCpu(counters(2n)));

function perCpu<T>(value: T): T[] {
	return Array.from({length: possibleCpus()}, () => value);
}

kernel('a queue gives the first element first', async t => {
	const {maps} = await loadFixture(t, 'kernel/maps');
	const queue = maps['a_queue'] as BpfMap;
	t.is(queue.pop(), undefined);
	for (const n of [1n, 2n, 3n]) queue.push(counters(n));
	t.deepEqual(queue.peek(), counters(1n));
	t.deepEqual(
		[queue.pop(), queue.pop(), queue.pop(), queue.pop()],
		[counters(1n), counters(2n), counters(3n), undefined],
	);
});

kernel('a stack gives the last element first', async t => {
	const {maps} = await loadFixture(t, 'kernel/maps');
	const stack = maps['a_stack'] as BpfMap<never, number>;
	for (const n of [1, 2, 3]) stack.push(n);
	t.is(stack.peek(), 3);
	t.deepEqual([stack.pop(), stack.pop(), stack.pop(), stack.pop()], [3, 2, 1, undefined]);
});

kernel('a full queue says so', async t => {
	const {maps} = await loadFixture(t, 'kernel/maps');
	const stack = maps['a_stack'] as BpfMap<never, number>;
	for (let n = 0; n < stack.info.maxEntries; n++) stack.push(n);
	t.throws(
		() => {
			stack.push(0);
		},
		{code: 'ERR_MAP_FULL'},
	);
});

const refused = test.macro({
	async exec(t, name: string, use: (map: BpfMap) => unknown, message: string) {
		const {maps} = await loadFixture(t, 'kernel/maps');
		const map = maps[name] as BpfMap;
		t.throws(() => use(map), {message});
	},
	title: (_, name, __, message) => `${name}: ${message}`,
});

const wrongIndex = 'write map "an_array": the map is full or the index is out of range';
kernel(
	refused,
	'an_array',
	map => {
		map.set(8, counters(1n));
	},
	wrongIndex,
);
kernel(
	refused,
	'a_queue',
	map => map.entries(),
	'list map "a_queue": the kernel cannot list a map of type queue',
);
kernel(
	refused,
	'a_ringbuf',
	map => map.keys(),
	'list map "a_ringbuf": the kernel cannot list a map of type ringbuf',
);
kernel(refused, 'a_hash', map => map.pop(), 'pop from map "a_hash": a map of type hash has keys');
kernel(
	refused,
	'array_of_maps',
	map => {
		map.set(0, 5);
	},
	'encode element: expected a map or program object, got 5',
);

kernel('a map of maps holds maps, and gives their ids', async t => {
	const {maps} = await loadFixture(t, 'kernel/maps');
	const outer = maps['array_of_maps'] as BpfMap;
	const inner = maps['inner_array'] as BpfMap<number, bigint>;
	t.is(outer.get(1), inner.info.id);
	t.is(outer.get(0), undefined);
	outer.set(0, inner);
	t.is(outer.get(0), inner.info.id);
	t.deepEqual([...outer.keys()].sort(), [0, 1]);
	using opened = openMapById<number, bigint>(outer.get(1) as number);
	inner.set(2, 77n);
	t.is(opened.get(2), 77n);
	t.true(outer.delete(0));
	t.is(outer.get(0), undefined);
});

kernel('a hash of maps holds maps by key', async t => {
	const {maps} = await loadFixture(t, 'kernel/maps');
	const outer = maps['hash_of_maps'] as BpfMap;
	const inner = maps['inner_hash'] as BpfMap;
	outer.set(1000, inner);
	t.deepEqual([...outer], [[1000, inner.info.id]]);
});

kernel('a program array holds programs, and gives their ids', async t => {
	const {maps, programs} = await loadFixture(t, 'kernel/maps');
	const array = maps['a_prog_array'] as BpfMap;
	const program = programs['touch_maps'];
	array.set(2, program);
	t.is(array.get(2), program?.info().id);
	t.deepEqual([...array], [[2, program?.info().id]]);
});

kernel('a ring buffer has the size that was asked for, in whole pages', async t => {
	const {maps} = await loadFixture(t, 'kernel/maps');
	t.is(maps['a_ringbuf']?.info.maxEntries, 4096);
});

kernel('many elements are written and removed in batches', async t => {
	const {maps} = await loadFixture(t, 'kernel/maps');
	const map = maps['a_hash'] as BpfMap;
	const entries = Array.from(
		{length: 128},
		(_, i) => [{...endpoint, port: i}, counters(BigInt(i))] as const,
	);
	t.is(map.setMany(entries), 128);
	t.is([...map].length, 128);
	t.is(map.deleteMany([...entries.map(([key]) => key), {...endpoint, port: 999}]), 128);
	t.is([...map].length, 0);
	t.is(map.setMany(entries.slice(0, 2), {mode: 'noexist'}), 2);
	t.throws(() => map.setMany(entries, {mode: 'noexist'}), {code: 'ERR_KEY_EXISTS'});
	t.throws(() => map.setMany([...entries, [{...endpoint, port: 999}, counters(0n)]]), {
		code: 'ERR_MAP_FULL',
	});
});

kernel('take reads and removes at once', async t => {
	const {maps} = await loadFixture(t, 'kernel/maps');
	const map = maps['a_hash'] as BpfMap;
	map.set(endpoint, counters(4n));
	t.deepEqual(map.take(endpoint), counters(4n));
	t.is(map.take(endpoint), undefined);
});

kernel('bytes go in and out as they are', async t => {
	const {maps} = await loadFixture(t, 'kernel/maps');
	const {raw, info} = maps['a_hash'] as BpfMap;
	const key = new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8]);
	const value = new Uint8Array(info.valueSize).fill(9);
	raw.set(key, value);
	t.deepEqual(raw.get(key), value);
	t.throws(() => raw.get(key.subarray(1)), {
		message: 'use key of map "a_hash": expected 8 bytes, got 7',
	});
	t.true(raw.delete(key));

	const keys = Uint8Array.from({length: 3 * raw.keySize}, (_, i) => i);
	const values = new Uint8Array(3 * raw.valueSize).fill(7);
	values[2 * raw.valueSize] = 8;
	raw.setMany(keys, values);
	t.deepEqual(raw.get(keys.subarray(2 * raw.keySize)), values.subarray(2 * raw.valueSize));
	t.throws(() => raw.setMany(keys, values.subarray(1)), {code: 'ERR_USAGE'});
	t.throws(() => raw.setMany(keys.subarray(1), values), {code: 'ERR_USAGE'});
	raw.setMany(new Uint8Array(), new Uint8Array());
});

kernel('a frozen map takes no more writes', async t => {
	const {maps} = await loadFixture(t, 'kernel/maps');
	const map = maps['a_hash'] as BpfMap;
	map.freeze();
	t.throws(
		() => {
			map.set(endpoint, counters(1n));
		},
		{code: 'ERR_MAP'},
	);
});

kernel('a closed map says so, and closing twice is harmless', async t => {
	const {maps} = await loadFixture(t, 'kernel/maps');
	const map = maps['a_hash'] as BpfMap;
	map.close();
	map.close();
	t.throws(() => map.get(endpoint), {message: 'use map "a_hash": it is closed'});
});

kernel('an id that is not there says so', t => {
	t.throws(() => openMapById(0x7f_ff_ff_ff), {
		message: 'open map "id 2147483647": there is no map with this id',
	});
});

kernel('a variable whose type has no end is still loaded, as bytes', async t => {
	const object = await compile(`
		#include <linux/bpf.h>
		#include <bpf/bpf_helpers.h>
		struct flexible { unsigned char count; unsigned char elements[]; };
		struct flexible flexible = { 2, { 7, 8 } };
		SEC("xdp") int pass(struct xdp_md *ctx) { return flexible.count + flexible.elements[1]; }
	`);
	using collection = loadCollection(await readObject(object));
	t.is(collection.program('pass').run().returnValue, 10);
	const contents = collection.map('.data').get(0) as Uint8Array;
	t.deepEqual([...contents.subarray(0, 3)], [2, 7, 8]);
});
