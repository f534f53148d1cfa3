import test from 'ava';
import {UsageError} from '../../src/base/errors.js';
import {copyCollectionSpec} from '../../src/spec/copy.js';
import {parseObject} from '../../src/spec/read.js';
import type {CollectionSpec} from '../../src/spec/types.js';
import {bigEndian, object, objectOf} from './corpus.js';

async function variables(flags: readonly string[] = []): Promise<CollectionSpec> {
	return parseObject(await object('variables', flags), {name: 'load-balancer'});
}

const read = test.macro({
	async exec(t, name: string, map: string, value: unknown) {
		for (const flags of [[], bigEndian]) {
			const variable = (await variables(flags)).variables[name];
			t.deepEqual(variable?.get(), value, flags.join(' '));
			t.is(variable?.map, map);
			t.is(variable?.name, name);
			t.is(variable?.constant, map.startsWith('.rodata'));
		}
	},
	title: (_, name, map) => `variable "${name}" of "${map}" is read`,
});

test(read, 'node', '.rodata', 1);
test(read, 'enabled', '.rodata', true);
test(read, 'hidden_constant', '.rodata', 0x1234);
test(read, 'config_time', '.rodata.config', 9n);
test(read, 'small', '.data', 0x80);
test(read, 'negative', '.data', -5n);
test(read, 'mode', '.data', 'MODE_ON');
test(read, 'scratch', '.data.aux', 77n);
test(read, 'first.calls', '.data', 1);
test(read, 'second.calls', '.data', 2);
test(read, 'packets', '.bss', 0n);

test('structs and arrays are read', async t => {
	const {limits, list, slots} = (await variables()).variables;
	t.like(limits?.get(), {kind: 3, rate: 1000, burst: 1n << 40n});
	t.deepEqual(Array.from(list?.get() as Iterable<number>), [1, 2, 3, 4]);
	t.deepEqual(
		Array.from(slots?.get() as Iterable<number>),
		Array.from({length: 16}, () => 0),
	);
	t.like(slots, {map: '.bss.own', offset: 0, size: 64});
});

test('what is set is in the bytes of the map, and nothing beside it is', async t => {
	const {variables: all, maps} = await variables();
	const contents = maps['.rodata']?.contents ?? new Uint8Array();
	const before = contents.slice();
	const {node} = all;
	node?.set(0xc0000201);
	t.is(node?.get(), 0xc0000201);
	const at = node?.offset ?? 0;
	t.deepEqual(Buffer.from(contents.subarray(at, at + 4)), Buffer.from([1, 2, 0, 192]));
	before.set(contents.subarray(at, at + 4), at);
	t.deepEqual(contents, before);
});

test('big-endian objects are set in their own byte order', async t => {
	const {variables: all, maps} = await variables(bigEndian);
	const at = all['node']?.offset ?? 0;
	all['node']?.set(0xc0000201);
	t.deepEqual(Array.from(maps['.rodata']?.contents?.subarray(at, at + 4) ?? []), [192, 0, 2, 1]);
});

const notSet = test.macro({
	async exec(t, name: string, value: unknown) {
		const variable = (await variables()).variables[name];
		const before = variable?.get();
		const error = t.throws(() => variable?.set(value), {instanceOf: UsageError});
		t.true(error.message.startsWith(`set variable "${name}": `), error.message);
		t.deepEqual(variable?.get(), before);
	},
	title: (_, name, value) => `variable "${name}" is not set to ${String(value)}`,
});

test(notSet, 'small', 256);
test(notSet, 'small', -1);
test(notSet, 'node', '1');
test(notSet, 'negative', 1n << 63n);
test(notSet, 'mode', 'MODE_MAYBE');
test(notSet, 'list', [1, 2, 3, 4, 5]);
test(notSet, 'limits', {kind: 1, pad: [0, 0, 0], rate: 2 ** 32, burst: 0n});

test('data sections are maps of one element', async t => {
	const {maps, types} = await variables();
	const common = {
		kind: 'map',
		type: 'array',
		keySize: 4,
		maxEntries: 1,
		pinning: 'none',
		keyTypeId: 0,
	};
	t.like(maps['.rodata'], {
		...common,
		name: 'load-bal.rodata'.replace('-', '_'),
		flags: 128,
		frozen: true,
	});
	t.like(maps['.data'], {...common, name: 'load_bal.data', flags: 0, frozen: false});
	t.like(maps['.bss'], {
		...common,
		name: 'load_bal.bss',
		valueSize: 16,
		contents: new Uint8Array(16),
	});
	t.like(maps['.rodata.config'], {
		...common,
		name: '.rodata.config',
		valueSize: 8,
		frozen: true,
	});
	t.like(maps['.data.aux'], {...common, name: '.data.aux', valueSize: 8});
	t.like(maps['.bss.own'], {...common, name: '.bss.own', valueSize: 64});
	for (const section of Object.keys(maps)) {
		const type = types?.type(maps[section]?.valueTypeId ?? 0);
		t.is(type?.kind, 'datasec');
		t.is(type?.name, section);
		t.is(types?.sizeOf(type?.id ?? 0), maps[section]?.valueSize);
	}
});

test('types of data sections say where their variables are', async t => {
	for (const flags of [[], bigEndian]) {
		const {types, variables: all} = await variables(flags);
		const section = types?.find('.data', 'datasec');
		const offsets = section?.variables.map(({offset}) => offset) ?? [];
		t.deepEqual(
			offsets,
			[...offsets].sort((a, b) => a - b),
		);
		t.is(new Set(offsets).size, offsets.length);
		t.deepEqual(
			section?.variables.map(({typeId, offset}) => [types?.type(typeId).name, offset]),
			['small', 'negative', 'mode', 'list', 'first.calls', 'second.calls']
				.map(name => [name, all[name]?.offset] as const)
				.sort(([, a = 0], [, b = 0]) => a - b)
				.map(([name, offset]) => [name, offset]),
		);
	}
});

test('hidden functions become static ones, which the kernel checks with their callers', async t => {
	const {types} = parseObject(
		await objectOf(`
		__attribute__((noinline)) int seen(int a) { return a + 1; }
		__hidden __attribute__((noinline)) int hidden(int a) { return a + 2; }
		SEC("xdp") int entry(struct xdp_md *ctx) { return seen(1) + hidden(2); }
	`),
	);
	t.is(types?.find('seen', 'func')?.linkage, 'global');
	t.is(types?.find('hidden', 'func')?.linkage, 'static');
});

test('the file itself is not changed', async t => {
	const bytes = await object('variables');
	const before = Uint8Array.from(bytes);
	const {variables: all} = parseObject(bytes);
	all['node']?.set(5);
	all['small']?.set(5);
	t.true(before.every((byte, index) => byte === bytes[index]));
});

test('a copy is independent of what it was made of', async t => {
	const spec = await variables();
	const copy = copyCollectionSpec(spec);
	copy.variables['node']?.set(99);
	t.is(spec.variables['node']?.get(), 1);
	t.is(copy.variables['node']?.get(), 99);
	t.is(copy.maps['.rodata']?.contents?.[copy.variables['node']?.offset ?? 0], 99);
	copy.programs['entry']?.instructions.fill(0);
	t.true(spec.programs['entry']?.instructions.some(byte => byte !== 0));
	t.deepEqual(Object.keys(copy.maps), Object.keys(spec.maps));
	t.deepEqual(Object.keys(copy.variables), Object.keys(spec.variables));

	const maps = parseObject(await object('maps'));
	const copied = copyCollectionSpec(maps);
	t.deepEqual(copied.maps['outer']?.slots, maps.maps['outer']?.slots);
	t.not(copied.maps['outer']?.slots, maps.maps['outer']?.slots);
	t.not(copied.maps['outer']?.inner, maps.maps['outer']?.inner);
});

test('a flexible array with initial elements is read as bytes, all of them', async t => {
	const {variables: all} = parseObject(
		await objectOf(`
		struct flexible { __u8 count; __u8 elements[]; } flexible = {2, {7, 8}};
		SEC("xdp") int entry(struct xdp_md *ctx) { return flexible.elements[ctx->rx_queue_index & 1]; }
	`),
	);
	t.deepEqual(all['flexible']?.get(), Uint8Array.of(2, 7, 8));
});
