import test from 'ava';
import {parseObject} from '../../src/spec/read.js';
import {SpecError} from '../../src/spec/spec-error.js';
import type {MapSpec} from '../../src/spec/types.js';
import {bigEndian, object, objectOf} from './corpus.js';

const declared = test.macro({
	async exec(t, name: string, expected: Partial<MapSpec>, key: string, value: string) {
		for (const flags of [[], bigEndian]) {
			const {maps, types} = parseObject(await object('maps', flags));
			const map = maps[name];
			if (map === undefined) throw new Error(name);
			const {keyTypeId, valueTypeId, types: own, ...all} = map;
			const rest: Partial<MapSpec> = {...all};
			delete (rest as {inner?: unknown}).inner;
			delete (rest as {slots?: unknown}).slots;
			t.deepEqual(rest, {
				kind: 'map',
				name,
				keySize: 4,
				valueSize: 4,
				maxEntries: 0,
				flags: 0,
				extra: 0n,
				pinning: 'none',
				...expected,
			} as MapSpec);
			t.is(own, types);
			t.is(keyTypeId === 0 ? '' : types?.type(keyTypeId).name, key);
			t.is(valueTypeId === 0 ? '' : types?.type(valueTypeId).name, value);
		}
	},
	title: (_, name) => `map "${name}" is what its declaration says`,
});

test(
	declared,
	'typed',
	{type: 'hash', keySize: 8, valueSize: 16, maxEntries: 128, flags: 1, pinning: 'by-name'},
	'key',
	'value',
);
test(
	declared,
	'sized',
	{type: 'lru_hash', keySize: 6, valueSize: 12, maxEntries: 1, flags: 4, numaNode: 1},
	'',
	'',
);
test(
	declared,
	'a_name_longer_than_fifteen',
	{name: 'a_name_longer_t', type: 'array', valueSize: 16, maxEntries: 2, pinning: 'replace'},
	'__u32',
	'value',
);
test(declared, 'events', {type: 'perf_event_array'}, '', '');
test(declared, 'ring', {type: 'ringbuf', keySize: 0, valueSize: 0, maxEntries: 4096}, '', 'value');
test(declared, 'bloom', {type: 'bloom_filter', keySize: 0, maxEntries: 64, extra: 3n}, '', '__u32');
test(declared, 'storage', {type: 'sk_storage', valueSize: 16, flags: 1}, 'int', 'value');
test(declared, 'outer', {type: 'array_of_maps', maxEntries: 4}, '__u32', '');
test(declared, 'outer_hash', {type: 'hash_of_maps', keySize: 8, maxEntries: 4}, '__u64', '');
test(declared, 'programs', {type: 'prog_array', maxEntries: 8}, '', '');

test('inner maps and initial elements are found, also behind section symbols', async t => {
	for (const flags of [[], bigEndian]) {
		const {maps} = parseObject(await object('maps', flags));
		t.deepEqual(
			[...(maps['outer']?.slots ?? [])],
			[
				[0, 'inner_global'],
				[3, 'inner_static'],
			],
		);
		t.deepEqual(
			[...(maps['programs']?.slots ?? [])],
			[
				[2, 'by_address'],
				[7, 'by_section'],
			],
		);
		t.is(maps['outer_hash']?.slots, undefined);
		t.is(maps['programs']?.inner, undefined);
		for (const name of ['outer', 'outer_hash']) {
			t.like(maps[name]?.inner, {
				kind: 'map',
				name: `${name}.inner`.slice(0, 15),
				type: 'array',
				keySize: 4,
				valueSize: 16,
				maxEntries: 4,
				pinning: 'none',
			});
		}

		t.is(Object.getPrototypeOf(maps), null);
		t.is(Object.keys(maps).length, 12);
	}
});

test('programs refer to maps by name', async t => {
	const {programs} = parseObject(await object('maps'));
	t.deepEqual(
		programs['entry']?.references.map(({kind, map, offset}) => [kind, map, offset]),
		[
			['map', 'outer', 0],
			['map', 'typed', 0],
			['map', 'programs', 0],
		],
	);
});

const refused = test.macro({
	async exec(t, members: string, detail: string | RegExp, init = '', before = '') {
		const bytes = await objectOf(
			`${before}
			struct { ${members} } wrong SEC(".maps") ${init};
			SEC("xdp") int entry(struct xdp_md *ctx) { return wrong_use; }
		`.replace('return wrong_use', 'asm volatile("" :: "r"(&wrong)); return 0'),
		);
		const error = t.throws(() => parseObject(bytes), {instanceOf: SpecError, code: 'ERR_SPEC'});
		if (typeof detail === 'string') t.is(error.message, `read map "wrong": ${detail}`);
		else t.regex(error.message, detail);
		t.is(error.map?.replace('.inner', ''), 'wrong');
	},
	title: (_, members, detail) => `a map is refused: ${detail} (${members})`,
});

test(refused, '__uint(max_entries, 1);', 'has no type: write __uint(type, ...)');
test(refused, 'int type;', 'member "type" is int: write __uint(type, number)');
test(refused, '__uint(type, 1); __uint(colour, 1);', 'member "colour" is not known');
test(refused, '__uint(type, 1); int key;', 'member "key" is int: write __type(key, type)');
test(
	refused,
	'__uint(type, 1); __type(key, int); __uint(key_size, 8);',
	'its key has 4 bytes by one member, 8 by another',
);
test(
	refused,
	'__uint(type, 1); __uint(value_size, 8); __type(value, char);',
	'its value has 8 bytes by one member, 1 by another',
);
test(refused, '__uint(type, 1); __uint(pinning, 5);', 'pinning 5 is not known');
test(refused, '__uint(type, 22); __type(key, int);', 'maps of type queue have no key');
test(refused, '__uint(type, 26);', 'maps of type struct_ops are declared in ".struct_ops"');
test(
	refused,
	'__uint(type, 1); int values;',
	'member "values" is int: write __array(values, type)',
);
test(
	refused,
	'__uint(type, 1); __array(values, int(void *));',
	'member "values" holds programs: type is hash, not prog_array',
);
test(
	refused,
	'__uint(type, 3); __array(values, struct { __uint(type, 1); });',
	'member "values" holds maps: type is prog_array, not array_of_maps or hash_of_maps',
);
test(
	refused,
	'__uint(type, 12); __array(values, struct { __uint(type, 12); __array(values, struct { __uint(type, 1); }); });',
	/^read map "wrong\.inner": an inner map cannot hold maps or programs$/,
);
test(
	refused,
	'__uint(type, 12); __array(values, struct { __uint(type, 1); __uint(pinning, 1); });',
	/^read map "wrong\.inner": an inner map has no pin$/,
);
test(
	refused,
	'__uint(type, 12); __array(values, int);',
	/^read map "wrong\.inner": is declared as int, not as a struct$/,
);
test(
	refused,
	'__uint(type, 12); __uint(max_entries, 1); __type(key, int); __array(values, struct inner);',
	'element 2 of "values" is outside its 1 entries',
	'= {.values = {[2] = &good}}',
	'struct inner { __uint(type, 2); } good SEC(".maps");',
);
test(
	refused,
	'__uint(type, 3); __uint(max_entries, 4); __uint(key_size, 4); __array(values, int(void *));',
	'element 1 of "values" is "helper", which is no program',
	'= {.values = {[1] = &helper}}',
	'__attribute__((noinline)) int helper(void *ctx) { return 0; }',
);
test(
	refused,
	'__uint(type, 3); __uint(max_entries, 4); __uint(key_size, 4); __array(values, int(void *));',
	'element 1 of "values": uses extern "absent", which nothing defines: neither __kconfig nor __ksym',
	'= {.values = {[1] = &absent}}',
	'int absent(void *ctx);',
);

test('a variable of .maps that is no struct is refused', async t => {
	const bytes = await objectOf('int wrong SEC(".maps") = 1;');
	t.throws(() => parseObject(bytes), {
		instanceOf: SpecError,
		message: /^read map "wrong": is declared as (int|void), not as a struct$/,
	});
});

test('maps without types are refused', async t => {
	const bytes = await objectOf('struct { __uint(type, 1); } m SEC(".maps");', ['-g0']);
	t.throws(() => parseObject(bytes, {name: 'lb'}), {
		instanceOf: SpecError,
		message: 'read object "lb": section ".maps" has no types: compile with -g',
	});
});
