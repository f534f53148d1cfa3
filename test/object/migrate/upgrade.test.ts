import test from 'ava';
import {possibleCpus} from '../../../src/kernel/sys/map.js';
import {openPinnedMap} from '../../../src/object/map/open-map.js';
import {Upgrade} from '../../../src/object/migrate/upgrade.js';
import {makeBpffs} from '../../helpers/bpffs.js';
import {kernelTest} from '../../helpers/kernel.js';
import {load, objectWith, pinsIn} from './objects.js';

const kernel = kernelTest({feature: 'pinned maps with types', since: '5.4'});

const cpus = <T>(value: T): T[] => Array.from({length: possibleCpus()}, () => value);

kernel('a commit refuses while a program uses the old map, and names it', async t => {
	const pinRoot = await makeBpffs(t);
	const old = load(t, await objectWith({value: '__u32 a;'}), {pinRoot});
	old.map('map').set({id: 1}, {a: 1});
	const made = load(t, await objectWith({value: '__u64 a;'}), {pinRoot, onMismatch: 'migrate'});
	const {id} = old.program('look').info();
	const error = await t.throwsAsync(made.commit({timeout: 0}), {code: 'ERR_MIGRATION'});
	t.is(
		error.message,
		`migrate map "map" pinned at "${pinRoot}/map": look (${id}) still uses the old map; attach the new programs, and close the old ones`,
	);
	old.map('map').set({id: 2}, {a: 2});
	t.like(await made.commit({force: true}), [{copied: 2}]);
	t.throws(
		() => {
			old.map('map').set({id: 3}, {a: 3});
		},
		{code: 'ERR_MAP', message: /EPERM/},
	);
	t.deepEqual(await made.commit(), []);
});

kernel('what the old side changes after the copy is carried over', async t => {
	const pinRoot = await makeBpffs(t);
	const old = load(t, await objectWith({value: '__u32 a;'}), {pinRoot});
	const before = old.map('map');
	for (const id of [1, 2, 3, 4, 5, 6]) before.set({id}, {a: id});
	const made = load(t, await objectWith({value: '__u64 a;'}), {pinRoot, onMismatch: 'migrate'});
	const after = made.map('map');
	before.set({id: 1}, {a: 10});
	before.delete({id: 2});
	await made.catchUp();
	t.deepEqual(after.get({id: 1}), {a: 10n});
	t.is(after.get({id: 2}), undefined);
	before.set({id: 7}, {a: 70});
	before.set({id: 3}, {a: 30});
	after.set({id: 3}, {a: 33n});
	before.delete({id: 4});
	after.set({id: 4}, {a: 44n});
	before.set({id: 5}, {a: 50});
	after.delete({id: 5});
	before.set({id: 8}, {a: 80});
	after.set({id: 8}, {a: 88n});
	const [report] = await made.commit({force: true});
	const elements = [...after.entries()].map(([key, value]) => [
		(key as {id: number}).id,
		Number((value as {a: bigint}).a),
	]);
	t.deepEqual(Object.fromEntries(elements), {1: 10, 3: 33, 4: 44, 6: 6, 7: 70, 8: 88});
	t.like(report, {copied: 7, updated: 3, deleted: 2, kept: 3});
});

const counted = test.macro({
	async exec(t, type: string, values: number) {
		const pinRoot = await makeBpffs(t);
		const source = {type, key_t: '__u32', entries: 4};
		const wrap = (value: unknown): unknown => (values === 1 ? value : cpus(value));
		const old = load(t, await objectWith({...source, value: '__u32 n; __u32 last;'}), {
			pinRoot,
		});
		const before = old.map('map');
		before.set(1, wrap({n: 100, last: 1}));
		const made = load(t, await objectWith({...source, value: '__u64 n; __u32 last;'}), {
			pinRoot,
			onMismatch: 'migrate',
			migrate: {map: {counters: ['n']}},
		});
		const after = made.map('map');
		before.set(1, wrap({n: 107, last: 1}));
		before.set(2, wrap({n: 5, last: 5}));
		after.set(1, wrap({n: 103n, last: 3}));
		after.set(2, wrap({n: 2n, last: 2}));
		t.like(await made.commit({force: true}), [{summed: 2}]);
		t.deepEqual(after.get(1), wrap({n: 110n, last: 3}));
		t.deepEqual(after.get(2), wrap({n: 7n, last: 2}));
	},
	title: (_, type) => `counters of both sides are added up in a ${type}`,
});

const adding = kernelTest({feature: 'programs that add to elements', since: '5.19'});
adding(counted, 'HASH', 1);
adding(counted, 'ARRAY', 1);
adding(counted, 'LRU_HASH', 1);
adding(counted, 'PERCPU_HASH', 0);
adding(counted, 'PERCPU_ARRAY', 0);

kernel('a collection that is closed without a commit leaves everything as it was', async t => {
	const pinRoot = await makeBpffs(t);
	const old = load(t, await objectWith({value: '__u32 a;'}), {pinRoot});
	const made = load(t, await objectWith({value: '__u64 a;'}), {pinRoot, onMismatch: 'migrate'});
	t.deepEqual(pinsIn(pinRoot).sort(), ['map', 'map__skep_next']);
	made.close();
	t.deepEqual(pinsIn(pinRoot), ['map']);
	using after = openPinnedMap(`${pinRoot}/map`);
	t.is(after.info.id, old.map('map').info.id);
});

kernel('two upgrades of one pin at once: the second is told who is at it', async t => {
	const pinRoot = await makeBpffs(t);
	load(t, await objectWith({value: '__u32 a;'}), {pinRoot});
	const spec = await objectWith({value: '__u64 a;'});
	load(t, spec, {pinRoot, onMismatch: 'migrate'});
	t.throws(() => load(t, spec, {pinRoot, onMismatch: 'migrate'}), {
		code: 'ERR_PIN',
		message: new RegExp(
			`^replace pin "${pinRoot}/map": .*\\(${process.pid}\\) is about to replace`,
		),
	});
});

kernel('two commits at once are one too many', async t => {
	const pinRoot = await makeBpffs(t);
	load(t, await objectWith({value: '__u32 a;'}), {pinRoot}).close();
	const made = load(t, await objectWith({value: '__u64 a;'}), {pinRoot, onMismatch: 'migrate'});
	const first = made.commit();
	await t.throwsAsync(made.commit(), {code: 'ERR_USAGE'});
	t.is((await first).length, 1);
});

test('an upgrade of nothing is committed at once', async t => {
	const upgrade = new Upgrade([], new Map());
	t.deepEqual([...upgrade.copy()], []);
	t.deepEqual(await upgrade.commit({}), []);
	upgrade.abandon();
	t.deepEqual(upgrade.waiting, []);
});
