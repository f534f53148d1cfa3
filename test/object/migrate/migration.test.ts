import test from 'ava';
import {possibleCpus} from '../../../src/kernel/sys/map.js';
import type {BpfMap} from '../../../src/object/map/map.js';
import {openPinnedMap} from '../../../src/object/map/open-map.js';
import type {MigrateOptions} from '../../../src/object/migrate/converter.js';
import {makeBpffs} from '../../helpers/bpffs.js';
import {kernelTest} from '../../helpers/kernel.js';
import {load, objectWith, pinsIn, type MapSource} from './objects.js';

const kernel = kernelTest({feature: 'pinned maps with types', since: '5.4'});

type Pairs = readonly (readonly [unknown, unknown])[];

const migrated = test.macro({
	async exec(
		t,
		_: string,
		from: MapSource,
		to: MapSource,
		pairs: Pairs,
		expected: Pairs,
		changes: Record<string, unknown>,
		options: MigrateOptions = {},
	) {
		const pinRoot = await makeBpffs(t);
		const old = load(t, await objectWith(from), {pinRoot});
		for (const [key, value] of pairs) old.map('map').set(key, value);
		const {id} = old.map('map').info;
		old.close();
		const made = load(t, await objectWith(to), {
			pinRoot,
			onMismatch: 'migrate',
			migrate: {map: options},
		});
		t.deepEqual(
			made.uncommitted.map(({name, how}) => [name, how]),
			[['map', 'migrated']],
		);
		{
			using before = openPinnedMap(`${pinRoot}/map`);
			t.is(before.info.id, id);
		}

		const reports = await made.commit();
		t.like(reports, [{map: 'map', from: id, to: made.map('map').info.id, ...changes}]);
		t.deepEqual(pinsIn(pinRoot), ['map']);
		t.deepEqual(made.uncommitted, []);
		using after: BpfMap = openPinnedMap(`${pinRoot}/map`);
		t.is(after.info.id, made.map('map').info.id);
		const isArray = after.info.type.includes('array');
		for (const [key, value] of expected) t.deepEqual(after.get(key), value);
		if (!isArray) t.is([...after].length, expected.length);
	},
	title: (_, what) => `migrate: ${what}`,
});

kernel(
	migrated,
	'fields find their places by name, new ones are zero, old ones are named',
	{value: '__u64 packets; __u32 gone; __u32 bytes;'},
	{value: '__u64 bytes; __u64 packets; __u32 flags; __u32 pad;'},
	[
		[{id: 1}, {packets: 5n, gone: 1, bytes: 7}],
		[{id: 2}, {packets: 1n << 63n, gone: 2, bytes: 0xff_ff_ff_ff}],
	],
	[
		[{id: 1}, {packets: 5n, bytes: 7n, flags: 0, pad: 0}],
		[{id: 2}, {packets: 1n << 63n, bytes: 0xff_ff_ff_ffn, flags: 0, pad: 0}],
	],
	{
		copied: 2,
		added: ['value.flags', 'value.pad'],
		removed: ['value.gone'],
		changed: ['value.bytes', 'value.packets'],
		frozen: true,
	},
);

kernel(
	migrated,
	'new fields have the defaults that were given',
	{value: '__u32 a;'},
	{value: '__u32 a; __u16 b[2]; struct { __u8 c; __u8 d; __u16 e; } inner;'},
	[[{id: 1}, {a: 1}]],
	[[{id: 1}, {a: 1, b: [3, 4], inner: {c: 9, d: 0, e: 0}}]],
	{added: ['value.b', 'value.inner']},
	{defaults: {value: {b: [3, 4], inner: {c: 9, d: 0, e: 0}}}},
);

kernel(
	migrated,
	'numbers become narrower where they fit, bools and enums are converted',
	{
		value: '__u64 wide; __s64 less; __u32 flag; enum color color; bool on; __u8 raw[4]; float f;',
		more: 'enum color { RED, GREEN };',
	},
	{
		value: 'float f; __u16 wide; __s8 less; bool flag; enum color color; __u32 on; __u8 raw[2];',
		more: 'enum color { BLUE, GREEN = 7, RED };',
	},
	[
		[
			{id: 1},
			{
				wide: 65_535n,
				less: -128n,
				flag: 1,
				color: 'GREEN',
				on: true,
				raw: [1, 2, 0, 0],
				f: 0.5,
			},
		],
	],
	[[{id: 1}, {f: 0.5, wide: 65_535, less: -128, flag: true, color: 'GREEN', on: 1, raw: [1, 2]}]],
	{copied: 1},
);

kernel(
	migrated,
	'keys change as values do',
	{key: '__u32 id; __u16 port; __u16 pad;', value: '__u32 a;'},
	{key: '__u64 id; __u16 port; __u16 zone; __u32 pad;', value: '__u32 a;'},
	[
		[{id: 1, port: 2, pad: 0}, {a: 1}],
		[{id: 1, port: 3, pad: 0}, {a: 2}],
	],
	[
		[{id: 1n, port: 2, zone: 0, pad: 0}, {a: 1}],
		[{id: 1n, port: 3, zone: 0, pad: 0}, {a: 2}],
	],
	{added: ['key.zone'], changed: ['key.id', 'key.port', 'key.pad']},
);

kernel(
	migrated,
	'a function makes other elements of them, or none',
	{value: '__u32 celsius;'},
	{value: '__u64 kelvin;'},
	[
		[{id: 1}, {celsius: 20}],
		[{id: 2}, {celsius: 0}],
	],
	[[{id: 101}, {kelvin: 293n}]],
	{copied: 1, dropped: 1},
	{
		transform(_made, old) {
			const {id} = old.key as {id: number};
			const {celsius} = old.value as {celsius: number};
			return celsius === 0
				? undefined
				: {key: {id: id + 100}, value: {kelvin: BigInt(celsius + 273)}};
		},
	},
);

const cpus = <T>(value: T): T[] => Array.from({length: possibleCpus()}, () => value);

kernel(
	migrated,
	'every value of a per-CPU hash',
	{type: 'PERCPU_HASH', value: '__u32 a; __u8 b;'},
	{type: 'LRU_PERCPU_HASH', value: '__u8 b; __u64 a;', entries: 64},
	[[{id: 1}, cpus({a: 1, b: 2})]],
	[[{id: 1}, cpus({b: 2, a: 1n})]],
	{copied: 1},
);

kernel(
	migrated,
	'a longer array',
	{type: 'ARRAY', key_t: '__u32', value: '__u32 a;', entries: 2},
	{type: 'ARRAY', key_t: '__u32', value: '__u32 a; __u32 b;', entries: 4},
	[[1, {a: 5}]],
	[
		[0, {a: 0, b: 0}],
		[1, {a: 5, b: 0}],
		[3, {a: 0, b: 0}],
	],
	{copied: 2},
);

kernel(
	migrated,
	'a shorter array whose end is empty',
	{type: 'ARRAY', key_t: '__u32', value: '__u32 a;', entries: 4},
	{type: 'ARRAY', key_t: '__u32', value: '__u32 a;', entries: 2},
	[[1, {a: 5}]],
	[[1, {a: 5}]],
	{copied: 2},
);

kernel(
	migrated,
	'a trie of prefixes',
	{type: 'LPM_TRIE', key: '__u32 prefixlen; __u8 data[4];', value: '__u32 a;'},
	{type: 'LPM_TRIE', key: '__u32 prefixlen; __u8 data[4];', value: '__u64 a;'},
	[[{prefixlen: 8, data: [10, 0, 0, 0]}, {a: 5}]],
	[[{prefixlen: 8, data: [10, 0, 0, 0]}, {a: 5n}]],
	{copied: 1},
);
