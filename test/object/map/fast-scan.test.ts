import test, {type ExecutionContext} from 'ava';
import type {ElementFilter} from '../../../src/object/map/fast-filter.js';
import {possibleCpus} from '../../../src/kernel/sys/map.js';
import {listMaps} from '../../../src/object/list/list.js';
import {kernelTest} from '../../helpers/kernel.js';
import {loadFixture} from '../../helpers/load.js';

const kernel = kernelTest({feature: 'programs that walk maps', since: '5.19'});

interface Tuple {
	source: string;
	source6: string;
	port: number;
	protocol: number;
}

interface Flow {
	packets: bigint;
	balance: number;
	state: string | number;
	small: number;
	mac: string;
	marked: boolean;
	parts: number[];
	low: number;
	high: number;
}

const codecs = {
	key: {source: 'ipv4', source6: 'ipv6', port: 'be16'},
	value: {mac: 'mac'},
} as const;

function tuple(i: number): Tuple {
	return {
		source: `10.${i >> 8}.${i & 255}.7`,
		source6: `2001:db8:${(i >> 8).toString(16)}:${(i & 255).toString(16)}::1`,
		port: i,
		protocol: i % 3 === 0 ? 6 : 17,
	};
}

function flow(i: number): Flow {
	return {
		packets: BigInt(i) << 30n,
		balance: i - 500,
		state: ['STATE_NEW', 'STATE_OPEN', 'STATE_CLOSED'][i % 3] ?? '',
		small: (i % 200) - 100,
		mac: `02:00:00:00:0${i % 2}:0${i % 7}`,
		marked: i % 5 === 0,
		parts: [i, 2 * i, 3 * i],
		low: 1,
		high: 2,
	};
}

async function setUp(t: ExecutionContext, name = 'hash', count = 1000) {
	const collection = await loadFixture(t, 'kernel/flows', {
		codecs: {hash: codecs, lru: codecs, percpu: codecs},
	});
	const map = collection.map<Tuple, Flow>(name);
	map.setMany(Array.from({length: count}, (_, i) => [tuple(i), flow(i)] as const));
	return map;
}

const byText = (a: unknown, b: unknown): number => (text(a) < text(b) ? -1 : 1);
const text = (value: unknown): string =>
	JSON.stringify(value, (_, each: unknown) => (typeof each === 'bigint' ? `${each}` : each));
const sorted = <T>(entries: Iterable<T>): T[] => [...entries].sort(byText);

const whole = test.macro({
	async exec(t, name: string) {
		const map = await setUp(t, name);
		const entries = map.entries({consistency: 'fast'});
		t.deepEqual(sorted(entries), sorted(map.entries()));
		t.true(entries.complete);
		t.is(entries.method, 'program');
		const async = [];
		for await (const entry of map.entries({consistency: 'fast'})) async.push(entry);
		t.deepEqual(sorted(async), sorted(map.entries()));
	},
	title: (_, name: string) => `all elements of map ${name} are read`,
});

kernel(whole, 'hash');
kernel(whole, 'lru');

const small = test.macro({
	async exec(t, name: string, entries: readonly (readonly [unknown, unknown])[]) {
		const collection = await loadFixture(t, 'kernel/flows');
		const map = collection.map(name);
		map.setMany(entries);
		t.deepEqual(sorted(map.entries({consistency: 'fast'})), sorted(map.entries()));
	},
	title: (_, name: string) => `all elements of map ${name} are read`,
});

const cpus = Array.from({length: possibleCpus()}, (_, i) => i);
kernel(
	small,
	'percpu_array',
	[0, 3, 9].map(i => [i, cpus.map(cpu => i * 10 + cpu)] as const),
);
kernel(
	small,
	'array',
	[0, 5, 999].map(i => [i, i * 2] as const),
);
kernel(
	small,
	'large',
	[1, 2, 3].map(i => [i, {bytes: new Array<number>(3001).fill(i)}] as const),
);
kernel('an empty map is read to its end', async t => {
	const map = await setUp(t, 'hash', 0);
	const entries = map.entries({consistency: 'fast'});
	t.deepEqual([...entries], []);
	t.true(entries.complete);
});

kernel('all elements of a per-CPU hash are read', async t => {
	const collection = await loadFixture(t, 'kernel/flows', {codecs: {percpu: codecs}});
	const map = collection.map<Tuple, Flow[]>('percpu');
	map.setMany(
		Array.from({length: 50}, (_, i) => [tuple(i), cpus.map(cpu => flow(i + cpu))] as const),
	);
	t.deepEqual(sorted(map.entries({consistency: 'fast'})), sorted(map.entries()));
	t.is([...map.entries({consistency: 'fast', filter: {protocol: 6}})].length, 17);
	t.throws(() => [...map.entries({consistency: 'fast', filter: {'value.packets': 0}})], {
		code: 'ERR_USAGE',
	});
});

kernel('every way to read a map reads it fast', async t => {
	const map = await setUp(t, 'hash', 300);
	const fast = {consistency: 'fast'} as const;
	t.deepEqual(sorted(map.keys(fast)), sorted(map.keys()));
	t.deepEqual(sorted(map.values(fast)), sorted(map.values()));
	t.deepEqual(sorted(map.json(fast)), sorted(map.json()));
	const lines = (pieces: Iterable<Uint8Array>): string[] =>
		sorted(
			Buffer.concat([...pieces])
				.toString()
				.split('\n'),
		);
	t.deepEqual(lines(map.jsonBytes(fast)), lines(map.jsonBytes()));
	let packets = 0n;
	for (const {value} of map.cursor(fast)) packets += value.packets;
	t.is(packets, BigInt((300 * 299) / 2) << 30n);
	const seen = new Set<string>();
	for (const {count, keys, values, keySize, valueStride} of map.batches(fast)) {
		for (let i = 0; i < count; i++) {
			const key = keys.subarray(i * keySize, i * keySize + map.info.keySize);
			const value = values.subarray(i * valueStride, i * valueStride + map.info.valueSize);
			t.deepEqual(map.raw.get(key), new Uint8Array(value));
			seen.add(Buffer.from(key).toString('hex'));
		}
	}

	t.is(seen.size, 300);
});

const portions = test.macro({
	async exec(t, memoryLimit: number, batchSize: number) {
		const map = await setUp(t, 'hash', 400);
		const entries = map.entries({consistency: 'fast', memoryLimit, batchSize});
		t.deepEqual(sorted(entries), sorted(map.entries()));
		t.true(entries.complete);
	},
	title: (_, memoryLimit: number, batchSize: number) =>
		`each element comes once, in portions of ${memoryLimit} bytes and batches of ${batchSize}`,
});

kernel(portions, 80, 100);
kernel(portions, 1000, 1);
kernel(portions, 8000, 7);
kernel(portions, 1 << 20, 4096);

const filtered = test.macro({
	async exec(t, filter: ElementFilter, wanted: (i: number) => boolean) {
		const map = await setUp(t);
		const expected = Array.from({length: 1000}, (_, i) => i).filter(wanted);
		t.true(expected.length > 0 && expected.length < 1000);
		const found = [...map.entries({consistency: 'fast', filter})];
		t.deepEqual(
			found.map(([key]) => key.port).sort((a, b) => a - b),
			expected,
		);
	},
	title: (_, filter: ElementFilter) => `elements that match ${text(filter)} are read`,
});

kernel(filtered, {source: '10.1.0.0/16'}, i => i >> 8 === 1);
kernel(filtered, {source: '10.2.128.0/17'}, i => i >= 2 * 256 + 128 && i < 3 * 256);
kernel(filtered, {source: '10.0.9.7'}, i => i === 9);
kernel(filtered, {source6: '2001:db8:1::/48'}, i => i >> 8 === 1);
kernel(filtered, {source6: '2001:db8:0:40::/59'}, i => i >= 64 && i < 96);
kernel(filtered, {'key.source6': '2001:db8:0:9::1'}, i => i === 9);
kernel(filtered, {port: 300}, i => i === 300);
kernel(filtered, {port: {min: 255, max: 257}}, i => i >= 255 && i <= 257);
kernel(filtered, {port: '998..'}, i => i >= 998);
kernel(filtered, {'key.protocol': '0x6'}, i => i % 3 === 0);
kernel(filtered, {packets: {max: 5n << 30n}}, i => i <= 5);
kernel(filtered, {packets: 7n << 30n}, i => i === 7);
kernel(filtered, {balance: {min: -3, max: 2}}, i => i >= 497 && i <= 502);
kernel(filtered, {balance: -500}, i => i === 0);
kernel(filtered, {small: '-100..-99'}, i => i % 200 < 2);
kernel(filtered, {state: 'STATE_CLOSED'}, i => i % 3 === 2);
kernel(filtered, {state: 1}, i => i % 3 === 1);
kernel(filtered, {marked: true}, i => i % 5 === 0);
kernel(filtered, {'parts.1': 14}, i => i === 7);
kernel(filtered, {mac: '02:00:00:00:01:03'}, i => i % 2 === 1 && i % 7 === 3);
kernel(filtered, {protocol: 6, marked: true, port: {max: 29}}, i => i < 30 && i % 15 === 0);

const misfit = test.macro({
	async exec(t, filter: ElementFilter, message: RegExp) {
		const map = await setUp(t, 'hash', 1);
		const entries = map.entries({consistency: 'fast', filter});
		t.throws(() => [...entries], {code: 'ERR_USAGE', message});
	},
	title: (_, filter: ElementFilter) => `the filter ${text(filter)} is refused`,
});

kernel(
	misfit,
	{sourc: '10.0.0.0/8'},
	/by "sourc": there is no field "sourc"; did you mean "source"/,
);
kernel(misfit, {'value.nothing': 1}, /there is no field "nothing"/);
kernel(misfit, {'parts.3': 1}, /there is no field "3"/);
kernel(misfit, {source6: '10.0.0.0/8'}, /an address of 4 bytes, the field has 16$/);
kernel(misfit, {source: 7}, /a field read as ipv4 is no number$/);
kernel(misfit, {port: 65_536}, /65536 does not fit 16 bits$/);
kernel(misfit, {port: 0.5}, /expected a whole number, got 0\.5$/);
kernel(misfit, {port: 'http'}, /expected a whole number, got "http"$/);
kernel(misfit, {low: 1}, /a bit-field cannot be compared$/);
kernel(misfit, {parts: 1}, /a array cannot be compared$/);
kernel(misfit, {small: 200}, /200 does not fit 8 bits$/);

kernel('an index is compared, too', async t => {
	const collection = await loadFixture(t, 'kernel/flows');
	const map = collection.map('array');
	map.set(7, 70);
	const read = (filter: ElementFilter) => [...map.entries({consistency: 'fast', filter})];
	t.deepEqual(read({key: 7}), [[7, 70]]);
	t.deepEqual(read({value: {min: 1}}), [[7, 70]]);
});

kernel('what a program cannot walk is refused, and says what to do', async t => {
	const collection = await loadFixture(t, 'kernel/flows');
	t.throws(() => [...collection.map('trie').entries({consistency: 'fast'})], {
		code: 'ERR_MAP',
		message:
			"read map \"trie\": a program cannot walk a map of type lpm_trie; leave out consistency 'fast' for the kernel's batches",
	});
});

kernel('options that make no sense together are refused', async t => {
	const map = await setUp(t, 'hash', 1);
	const refusal = {code: 'ERR_USAGE'};
	t.throws(() => [...map.entries({consistency: 'fast', drain: true})], refusal);
	t.throws(() => [...map.entries({filter: {port: 1}})], refusal);
	t.throws(() => [...map.entries({memoryLimit: 1})], refusal);
	t.throws(() => [...map.entries({consistency: 'fast', memoryLimit: 1})], refusal);
});

kernel('a scan that is left early leaves nothing behind', async t => {
	const map = await setUp(t, 'hash', 100);
	const entries = map.entries({consistency: 'fast', batchSize: 10});
	for (const entry of entries) {
		t.truthy(entry);
		break;
	}

	for await (const entry of map.entries({consistency: 'fast'})) {
		t.truthy(entry);
		break;
	}

	t.false(entries.complete);
	// The kernel frees maps a while after their last user has gone.
	for (let turn = 0; turn < 200 && [...listMaps()].some(isOutput); turn++) {
		await new Promise(resolve => setTimeout(resolve, 10));
	}

	t.false([...listMaps()].some(isOutput));
});

function isOutput({name}: {readonly name: string}): boolean {
	return name === 'skep_fast';
}
