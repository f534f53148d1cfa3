import {readdirSync} from 'node:fs';
import test from 'ava';
import {loadCollection} from '../../../src/object/collection/load-collection.js';
import type {BpfMap} from '../../../src/object/map/map.js';
import {openPinnedMap} from '../../../src/object/map/open-map.js';
import {MapMismatchError} from '../../../src/object/map/map-mismatch.js';
import type {MismatchPolicy} from '../../../src/object/map/reuse-pin.js';
import {readObject} from '../../../src/spec/read.js';
import type {MapSpec} from '../../../src/spec/types.js';
import {makeBpffs} from '../../helpers/bpffs.js';
import {fixtureObject} from '../../helpers/compile.js';
import {objectWith as objectOf} from '../migrate/objects.js';
import {kernelTest} from '../../helpers/kernel.js';

const kernel = kernelTest({feature: 'pinned maps', since: '4.13'});

/** The maps fixture, with nothing but its array, changed as told. */
async function objectWith(change: Partial<MapSpec>) {
	const spec = await readObject(await fixtureObject('kernel/maps'));
	const map = spec.maps['an_array'];
	if (map === undefined) throw new Error('the fixture has no array');
	const maps = {an_array: {...map, pinning: 'by-name' as const, ...change}};
	return {...spec, maps, programs: {}, variables: {}};
}

const counters = {packets: 5n, bytes: 0n, balance: 0, window: 0, flags: 0, pad: 0};

kernel('a map is found again by its pin, with what it holds', async t => {
	const pinRoot = await makeBpffs(t);
	const spec = await objectWith({});
	{
		using first = loadCollection(spec, {pinRoot});
		first.map('an_array').set(3, counters);
	}

	using second = loadCollection(spec, {pinRoot});
	t.deepEqual(second.map('an_array').get(3), counters);
});

const mismatch = test.macro({
	async exec(t, change: Partial<MapSpec>, policy: MismatchPolicy, expected: string) {
		const pinRoot = await makeBpffs(t);
		{
			using first = loadCollection(await objectWith({}), {pinRoot});
			first.map('an_array').set(0, counters);
		}

		const spec = await objectWith(change);
		const path = `${pinRoot}/an_array`;
		using before = openPinnedMap(path);
		if (expected !== 'old' && expected !== 'new') {
			const error = t.throws(() => loadCollection(spec, {pinRoot, onMismatch: policy}), {
				code: 'ERR_MAP_MISMATCH',
			});
			t.is(error.message, `reuse map "an_array" pinned at "${path}": ${expected}`);
		} else {
			using second = loadCollection(spec, {pinRoot, onMismatch: policy});
			t.is(second.map('an_array').info.id === before.info.id, expected === 'old');
		}

		using after = openPinnedMap(path);
		t.is(after.info.id === before.info.id, expected !== 'new');
		t.deepEqual(
			readdirSync(pinRoot).filter(name => !name.endsWith('.debug')),
			['an_array'],
		);
	},
	title: (_, change: Partial<MapSpec>, policy) =>
		`${policy} of a pinned map with other ${Object.keys(change).join(', ')}`,
});

const untyped = {keyTypeId: 0, valueTypeId: 0};
kernel(
	mismatch,
	{maxEntries: 9},
	'fail',
	"maxEntries is 8, the object wants 9; choose 'migrate', 'recreate' or another path",
);
kernel(
	mismatch,
	{valueSize: 32, ...untyped},
	'fail',
	"valueSize is 24, the object wants 32; choose 'migrate', 'recreate' or another path",
);
const otherType: Partial<MapSpec> = {type: 'hash', flags: 1};
kernel(
	mismatch,
	otherType,
	'fail',
	"type is array, the object wants hash; flags is 0x0, the object wants 0x1; choose 'migrate', 'recreate' or another path",
);
kernel(mismatch, {maxEntries: 9}, 'reuse', 'old');
kernel(
	mismatch,
	{valueSize: 32, ...untyped},
	'reuse',
	'valueSize is 24, the object wants 32; programs could not use it',
);
kernel(mismatch, {maxEntries: 9}, 'recreate', 'new');
kernel(mismatch, {valueSize: 32, ...untyped}, 'recreate', 'new');
kernel(mismatch, {}, 'recreate', 'old');

const versions = {
	one: '__u32 a; __u32 b; __u64 c;',
	moved: '__u32 b; __u32 a; __u64 c;',
	retyped: '__u32 a; __s32 b; __u64 c;',
	renamed: '__u32 a; __u32 beta; __u64 c;',
	added: '__u32 a; __u32 b; __u32 c; __u32 d;',
	numbered: 'enum kind a; __u32 b; __u64 c;',
	renumbered: 'enum kind a; __u32 b; __u64 c;',
};

const typed = test.macro({
	async exec(
		t,
		from: keyof typeof versions,
		to: keyof typeof versions,
		list: readonly [string, string, string][],
	) {
		const pinRoot = await makeBpffs(t);
		const [before, after] = await Promise.all(
			[from, to].map(async version =>
				objectOf({
					value: versions[version],
					more: `enum kind { TCP = ${version === 'renumbered' ? 7 : 6} };`,
				}),
			),
		);
		if (before === undefined || after === undefined) throw new Error('no objects');
		loadCollection(before, {pinRoot}).close();
		const error: unknown = t.throws(() => loadCollection(after, {pinRoot}));
		if (!(error instanceof MapMismatchError)) throw error;
		t.deepEqual(
			error.differences.map(({field, pinned, wanted}) => ({field, pinned, wanted})),
			list.map(([field, pinned, wanted]) => ({field, pinned, wanted})),
		);
		const reuse = () => {
			loadCollection(after, {pinRoot, onMismatch: 'reuse'}).close();
		};
		if (to === 'renamed') t.notThrows(reuse);
		else t.throws(reuse, {message: /programs could not use it$/});
	},
	title: (_, from, to) => `a pinned map whose fields are ${to} (before: ${from}) is a mismatch`,
});

kernel(typed, 'one', 'moved', [
	['value.a', 'u32 at byte 0', 'u32 at byte 4'],
	['value.b', 'u32 at byte 4', 'u32 at byte 0'],
]);
kernel(typed, 'one', 'retyped', [['value.b', 'u32 at byte 4', 's32 at byte 4']]);
kernel(typed, 'one', 'renamed', [['value.b', 'u32 at byte 4', 'it to be called value.beta']]);
kernel(typed, 'one', 'added', [
	['value.c', 'u64 at byte 8', 'u32 at byte 8'],
	['value.d', 'missing', 'u32 at byte 12'],
]);
kernel(typed, 'added', 'one', [
	['value.c', 'u32 at byte 8', 'u64 at byte 8'],
	['value.d', 'u32 at byte 12', 'no such field'],
]);
kernel(typed, 'numbered', 'renumbered', [['value.a', 'TCP when 6', 'TCP to be 7']]);

kernel('a failed load takes back the pins it made, and leaves those it found', async t => {
	const pinRoot = await makeBpffs(t);
	const refused = await readObject(await fixtureObject('kernel/refused/null_check'));
	const {maps} = await objectWith({});
	const {maps: other} = await objectWith({maxEntries: 4});
	const found = {...other.an_array, name: 'found'};
	const spec = {...refused, maps: {...refused.maps, ...maps, found}};
	{
		using first = loadCollection(
			{...spec, programs: {}, maps: {found: spec.maps.found}},
			{pinRoot},
		);
		t.is(first.map('found').info.maxEntries, 4);
	}

	t.throws(() => loadCollection(spec, {pinRoot}), {code: 'ERR_VERIFIER'});
	t.deepEqual(
		readdirSync(pinRoot).filter(name => !name.endsWith('.debug')),
		['found'],
	);
});

kernel('a recreated map takes the pin only when every program is loaded', async t => {
	const pinRoot = await makeBpffs(t);
	const {maps} = await objectWith({});
	const {maps: other} = await objectWith({maxEntries: 9});
	const refused = await readObject(await fixtureObject('kernel/refused/null_check'));
	using first = loadCollection({...refused, programs: {}, maps}, {pinRoot});
	const spec = {...refused, maps: {...refused.maps, ...other}};
	t.throws(() => loadCollection(spec, {pinRoot, onMismatch: 'recreate'}), {code: 'ERR_VERIFIER'});
	using after = openPinnedMap(`${pinRoot}/an_array`);
	t.is(after.info.id, first.map('an_array').info.id);
});

kernel('a path that is on no bpf filesystem says how to mount one', async t => {
	const spec = await objectWith({});
	t.throws(() => loadCollection(spec, {pinRoot: '/tmp/skep-none'}), {
		code: 'ERR_BPFFS',
		message:
			/"\/tmp" is not on a bpf filesystem; mount one with 'mount -t bpf bpf \/sys\/fs\/bpf'$/,
	});
});

kernel('a map that wants a pin needs a place for it', async t => {
	const spec = await objectWith({});
	t.throws(() => loadCollection(spec), {code: 'ERR_USAGE', message: /give a pin root$/});
});

kernel('a pin of another kind is not taken for a map', async t => {
	const pinRoot = await makeBpffs(t);
	const globals = await readObject(await fixtureObject('kernel/globals'));
	using collection = loadCollection(globals);
	collection.program('count_packets').pin(`${pinRoot}/an_array`);
	t.throws(() => openPinnedMap(`${pinRoot}/an_array`), {
		message: /what is pinned there is not a map$/,
	});
	const spec = await objectWith({});
	t.throws(() => loadCollection(spec, {pinRoot}), {code: 'ERR_PIN'});
	t.throws(() => openPinnedMap(`${pinRoot}/nothing`), {message: /nothing is pinned there$/});
});

kernel('many loads that race for a pin all end with the same map', async t => {
	const pinRoot = await makeBpffs(t);
	const spec = await objectWith({});
	const {fork} = await import('node:child_process');
	const child = new URL('race-child.js', import.meta.url);
	const object = await fixtureObject('kernel/maps');
	const ids = await Promise.all(
		Array.from({length: 8}, async () => {
			const process = fork(child, [object, pinRoot]);
			return new Promise((resolve, reject) => {
				process.once('message', resolve);
				process.once('error', reject);
			});
		}),
	);
	using map: BpfMap = openPinnedMap(`${pinRoot}/an_array`);
	t.deepEqual(
		ids,
		ids.map(() => map.info.id),
	);
	t.is(spec.maps.an_array.maxEntries, map.info.maxEntries);
});
