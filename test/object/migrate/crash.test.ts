import {fork} from 'node:child_process';
import {once} from 'node:events';
import type {ExecutionContext} from 'ava';
import {findMapUsers} from '../../../src/kernel/host/map-users.js';
import type {BpfMap} from '../../../src/object/map/map.js';
import {openPinnedLink} from '../../../src/object/link/link.js';
import {openPinnedMap} from '../../../src/object/map/open-map.js';
import {makeBpffs} from '../../helpers/bpffs.js';
import {compile} from '../../helpers/compile.js';
import {kernelTest} from '../../helpers/kernel.js';
import {connect, makeNamespace} from '../../helpers/netns.js';
import {load, objectWith, pinsIn, sourceOf} from './objects.js';

const kernel = kernelTest({feature: 'xdp links', since: '5.9'});

async function setUp(t: ExecutionContext) {
	const pinRoot = await makeBpffs(t);
	const [left, right] = [await makeNamespace(t), await makeNamespace(t)];
	const [, device] = await connect(left, right);
	const run = async (version: {readonly value: string}, point: string): Promise<void> => {
		const object = await compile(sourceOf(version));
		const child = fork(new URL('crash-child.js', import.meta.url), [
			...[object, pinRoot, device.name, right.path, point],
		]);
		await once(child, 'message');
		child.kill('SIGKILL');
		await once(child, 'exit');
	};

	await run({value: '__u32 a;'}, 'first');
	return {pinRoot, crash: async (point: string) => run({value: '__u64 a;'}, point)};
}

const elements = (map: BpfMap): Record<number, unknown> =>
	Object.fromEntries(
		[...map.entries()].map(([key, value]) => [
			(key as {id: number}).id,
			(value as {a: unknown}).a,
		]),
	);

kernel(
	'killed before its programs are attached, an upgrade leaves the old map, and begins anew',
	async t => {
		const {pinRoot, crash} = await setUp(t);
		using old = openPinnedMap(`${pinRoot}/map`);
		await crash('loaded');
		t.deepEqual(pinsIn(pinRoot), ['link', 'map', 'map__skep_next']);
		{
			using still = openPinnedMap(`${pinRoot}/map`);
			t.is(still.info.id, old.info.id);
		}

		using left = openPinnedMap(`${pinRoot}/map__skep_next`);
		const {id} = left.info;
		left.close();
		const made = load(t, await objectWith({value: '__u64 a;'}), {
			pinRoot,
			onMismatch: 'migrate',
		});
		t.not(made.map('map').info.id, id);
		using link = openPinnedLink(`${pinRoot}/link`);
		link.update(made.program('look'));
		t.like(await made.commit(), [{copied: 2}]);
		t.deepEqual(elements(made.map('map')), {1: 1n, 2: 2n});
		t.deepEqual(pinsIn(pinRoot), ['link', 'map']);
	},
);

kernel(
	'killed after its programs are attached, an upgrade is finished by the next load',
	async t => {
		const {pinRoot, crash} = await setUp(t);
		await crash('attached');
		t.deepEqual(pinsIn(pinRoot), ['link', 'map', 'map__skep_next']);
		const made = load(t, await objectWith({value: '__u64 a;'}), {
			pinRoot,
			onMismatch: 'migrate',
		});
		const {id} = made.map('map').info;
		t.is(findMapUsers(new Set([id])).length, 2);
		using link = openPinnedLink(`${pinRoot}/link`);
		link.update(made.program('look'));
		await made.commit();
		t.deepEqual(elements(made.map('map')), {1: 1n, 2: 22n, 3: 33n});
		t.deepEqual(pinsIn(pinRoot), ['link', 'map']);
		using after = openPinnedMap(`${pinRoot}/map`);
		t.is(after.info.id, id);
	},
);

kernel(
	'killed after its programs are attached, an upgrade stands in the way of another one',
	async t => {
		const {pinRoot, crash} = await setUp(t);
		await crash('attached');
		const spec = await objectWith({value: '__u64 a; __u64 b;'});
		t.throws(() => load(t, spec, {pinRoot, onMismatch: 'migrate'}), {
			code: 'ERR_MAP_MISMATCH',
			message: /look \(\d+\) uses it since an upgrade that was not committed/,
		});
		t.deepEqual(pinsIn(pinRoot), ['link', 'map', 'map__skep_next']);
	},
);

kernel('killed after the commit, everything is new', async t => {
	const {pinRoot, crash} = await setUp(t);
	await crash('committed');
	t.deepEqual(pinsIn(pinRoot), ['link', 'map']);
	const made = load(t, await objectWith({value: '__u64 a;'}), {pinRoot});
	t.deepEqual(
		made.pins.map(({how}) => how),
		['opened'],
	);
	t.deepEqual(elements(made.map('map')), {1: 1n, 2: 22n, 3: 33n});
});
