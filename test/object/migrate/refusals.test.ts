import test from 'ava';
import {openPinnedMap} from '../../../src/object/map/open-map.js';
import type {MigrateOptions} from '../../../src/object/migrate/converter.js';
import {makeBpffs} from '../../helpers/bpffs.js';
import {kernelTest} from '../../helpers/kernel.js';
import {load, objectWith, pinsIn, type MapSource} from './objects.js';

const kernel = kernelTest({feature: 'pinned maps with types', since: '5.4'});

type Pairs = readonly (readonly [unknown, unknown])[];

const refused = test.macro({
	async exec(
		t,
		from: MapSource,
		to: MapSource,
		pairs: Pairs,
		message: RegExp,
		options: MigrateOptions = {},
	) {
		const pinRoot = await makeBpffs(t);
		const old = load(t, await objectWith(from), {pinRoot});
		for (const [key, value] of pairs) old.map('map').set(key, value);
		const before = [...old.map('map').entries()];
		const spec = await objectWith(to);
		const upgrade = {pinRoot, onMismatch: 'migrate', migrate: {map: options}} as const;
		t.throws(() => load(t, spec, upgrade), {message});
		t.deepEqual(pinsIn(pinRoot), ['map']);
		using after = openPinnedMap(`${pinRoot}/map`);
		t.is(after.info.id, old.map('map').info.id);
		t.deepEqual([...after.entries()], before);
		// Nothing was changed: not even that it may be written to.
		for (const [key, value] of pairs) after.set(key, value);
	},
	title: (_, from: MapSource, __, ___, message: RegExp) =>
		`migrate refuses in a ${from.type ?? 'HASH'}: ${message.source}`,
});

kernel(
	refused,
	{value: '__u64 a;'},
	{value: '__u32 a;'},
	[[{id: 3}, {a: 1n << 32n}]],
	/the value of key \{"id":3\} does not fit: write field "value\.a": expected a whole number from 0 to 4294967295, got 4294967296n$/,
);
kernel(
	refused,
	{value: '__u8 a[4];'},
	{value: '__u8 a[2];'},
	[[{id: 3}, {a: [0, 0, 0, 1]}]],
	/write field "value\.a\[3\]": there is room for 2 only$/,
);
kernel(
	refused,
	{value: '__u32 a;'},
	{value: 'struct { __u32 b; } a;'},
	[],
	/field "value\.a": an integer cannot become a struct$/,
);
kernel(
	refused,
	{key: '__u32 id; __u32 zone;', value: '__u32 a;'},
	{key: '__u32 id;', value: '__u32 a;'},
	[
		[{id: 3, zone: 0}, {a: 1}],
		[{id: 3, zone: 1}, {a: 2}],
	],
	/two of its keys would both become \{"id":3\}$/,
);
kernel(
	refused,
	{value: '__u32 a;', entries: 4},
	{value: '__u64 a;', entries: 2},
	[1, 2, 3].map(id => [{id}, {a: 1}]),
	/the new one has room for 2 elements only$/,
);
kernel(
	refused,
	{value: '__u32 a;', entries: 64, type: 'LRU_HASH'},
	{value: '__u64 a;', entries: 4, type: 'LRU_HASH'},
	[1, 2, 3, 4, 5, 6, 7, 8, 9].map(id => [{id}, {a: 1}]),
	/the new one has room for 4 elements only$/,
);
kernel(
	refused,
	{type: 'ARRAY', key_t: '__u32', value: '__u32 a;', entries: 4},
	{type: 'ARRAY', key_t: '__u32', value: '__u32 a;', entries: 2},
	[[3, {a: 1}]],
	/the new one has room for 2 elements only$/,
);
kernel(
	refused,
	{value: '__u32 a;'},
	{value: '__u32 a;', type: 'PERCPU_HASH'},
	[],
	/the elements of a map of type hash cannot be migrated to one of type percpu_hash$/,
);
kernel(
	refused,
	{value: '__u32 a;'},
	{value: '__u64 a; __u64 b;'},
	[],
	/choose default of "value\.c": there is no such field$/,
	{defaults: {value: {c: 1}}},
);
kernel(
	refused,
	{value: '__u32 a;'},
	{value: '__u64 a; __u16 b;'},
	[],
	/choose counter "b": only 32 and 64 bits are added to$/,
	{counters: ['b']},
);
