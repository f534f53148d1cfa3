import {pbkdf2} from 'node:crypto';
import {promisify} from 'node:util';
import test from 'ava';
import {kernelTest} from '../helpers/kernel.js';
import {
	addon,
	attrOf,
	call,
	callAsync,
	detach,
	guarded,
	makeProgram,
	openMap,
	resizable,
	u32,
} from './support.js';

// Serial: each keeps the whole thread pool busy for a moment.
const kernel = kernelTest({feature: 'batches of a hash map', since: '5.6', serial: true});

const work = promisify(pbkdf2);

/** Keeps all threads of the pool busy, so that what comes next in this turn cannot have begun. */
async function occupyPool(): Promise<unknown> {
	const threads = Number(process.env['UV_THREADPOOL_SIZE'] ?? 4);
	const jobs = Array.from({length: threads}, async () => work('', '', 20_000, 64, 'sha512'));
	return Promise.all(jobs);
}

const count = 16;

function filledMap(value = 24): number {
	const fd = openMap({value, entries: count});
	for (let i = 0; i < count; i++) {
		addon.mapUpdate(
			fd,
			Uint8Array.of(i, 0, 0, 0, 0, 0, 0, 0),
			new Uint8Array(value).fill(i + 1),
			0,
		);
	}

	return fd;
}

const batchAttr = (fd: number) => attrOf(56, {32: count, 36: fd});
const ENOENT = -2;

kernel('a batch on the thread pool fills its buffers before the promise settles', async t => {
	const fd = filledMap();
	t.teardown(() => addon.closeFd(fd));
	const [cursor, keys, values] = [guarded(8), guarded(count * 8), guarded(count * 24)];
	const attr = batchAttr(fd);

	const result = await callAsync('map_lookup_batch', attr, [
		...[8, cursor.bytes, 16, keys.bytes, 24, values.bytes],
	]);

	t.is(result, ENOENT);
	t.is(u32(attr, 32), count);
	t.is(u32(attr, 36), fd);
	for (let i = 0; i < count; i++) t.is(values.bytes[i * 24], (keys.bytes[i * 8] ?? 0) + 1);
	t.true([cursor, keys, values].every(({intact}) => intact()));
	const view = new DataView(attr.buffer);
	for (const offset of [0, 8, 16, 24]) t.is(view.getBigUint64(offset, true), 0n);
});

const takenAway = test.macro({
	async exec(t, how: 'detached' | 'shrunk' | 'shrunk to nothing') {
		const fd = filledMap();
		t.teardown(() => addon.closeFd(fd));
		const buffers = [8, count * 8, count * 24].map(resizable);
		const [cursor, keys, values] = buffers.map(({bytes}) => bytes);
		const attr = resizable(56);
		attr.bytes.set(batchAttr(fd));

		const busy = occupyPool();
		const called = callAsync('map_lookup_batch', attr.bytes, [
			...[8, cursor ?? null, 16, keys ?? null, 24, values ?? null],
		]);
		for (const {bytes, shrink} of [...buffers, attr]) {
			if (how === 'detached') detach(bytes);
			else shrink(how === 'shrunk' ? bytes.length >> 1 : 0);
		}

		t.is(await called, ENOENT);
		await busy;

		if (how === 'detached') t.true(buffers.every(({bytes}) => bytes.length === 0));
		else t.true(buffers.every(({bytes}) => bytes.every(byte => byte === 0)));
	},
	title: (_, how) => `buffers ${how} while the call runs are left alone`,
});

kernel(takenAway, 'detached');
kernel(takenAway, 'shrunk');
kernel(takenAway, 'shrunk to nothing');

kernel('a map closed while the call runs is still the one that is read', async t => {
	const fd = filledMap(8);
	const values = guarded(count * 8);
	const attr = batchAttr(fd);

	const busy = occupyPool();
	const called = callAsync('map_lookup_batch', attr, [
		...[8, new Uint8Array(8), 16, new Uint8Array(count * 8), 24, values.bytes],
	]);
	t.is(addon.closeFd(fd), 0);
	const larger = openMap({value: 4096, entries: count});
	t.teardown(() => addon.closeFd(larger));
	for (let i = 0; i < count; i++) {
		addon.mapUpdate(
			larger,
			Uint8Array.of(i, 0, 0, 0, 0, 0, 0, 0),
			new Uint8Array(4096).fill(0xff),
			0,
		);
	}

	t.is(larger, fd, 'the number is in use again');

	t.is(await called, ENOENT);
	await busy;

	t.is(u32(attr, 32), count);
	t.is(u32(attr, 36), fd);
	t.true(values.bytes.every(byte => byte > 0 && byte <= count));
	t.true(values.intact());
});

kernel('a list changed while the call runs changes nothing', async t => {
	const fd = filledMap();
	t.teardown(() => addon.closeFd(fd));
	const [values, other] = [new Uint8Array(count * 24), new Uint8Array(count * 24)];
	const list = [8, new Uint8Array(8), 16, new Uint8Array(count * 8), 24, values];

	const called = callAsync('map_lookup_batch', batchAttr(fd), list);
	list[5] = other;
	list.length = 6;

	t.is(await called, ENOENT);
	t.true(values.every(byte => byte > 0));
	t.true(other.every(byte => byte === 0));
});

kernel('bytes that the kernel only reads may be used again at once', async t => {
	const fd = openMap({entries: 4});
	t.teardown(() => addon.closeFd(fd));
	const [keys, values] = [new Uint8Array(8), new Uint8Array(24).fill(3)];

	const called = callAsync('map_update_batch', attrOf(56, {32: 1, 36: fd}), [
		16,
		keys,
		24,
		values,
	]);
	keys.fill(9);
	values.fill(9);

	t.is(await called, 0);
	t.true([...keys, ...values].every(byte => byte === 9));
	const read = new Uint8Array(24);
	t.is(addon.mapLookup(fd, new Uint8Array(8), read, 0), 0);
	t.true(read.every(byte => byte === 3));
});

kernel('a program load on the thread pool gives a descriptor of this environment', async t => {
	const instructions = Uint8Array.of(0xb7, 0, 0, 0, 2, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0);
	const fd = await callAsync('prog_load', attrOf(144, {0: 6, 4: 2, 68: 37}), [
		...[8, instructions, 16, Buffer.from('GPL\0')],
	]);
	t.is(addon.fdKind(fd), 'program');
	t.is(addon.closeFd(fd), 0);
});

kernel('a program closed while its test run waits still runs', async t => {
	const fd = makeProgram(t, 1);
	const attr = attrOf(80, {0: fd, 8: 64});

	const busy = occupyPool();
	const called = callAsync('prog_test_run', attr, [16, new Uint8Array(64)]);
	addon.closeFd(fd);
	const other = makeProgram(t, 3);

	t.is(other, fd);
	t.is(await called, 0);
	t.is(u32(attr, 4), 1);
	t.is(u32(attr, 0), fd);
	await busy;
});

kernel('a hundred calls at once all answer', async t => {
	const fd = filledMap();
	t.teardown(() => addon.closeFd(fd));
	const values = Array.from({length: 100}, () => new Uint8Array(24));

	const results = await Promise.all(
		values.map(async (value, i) =>
			callAsync('map_lookup_elem', attrOf(32, {0: fd}), [
				...[8, Uint8Array.of(i % count, 0, 0, 0, 0, 0, 0, 0), 16, value],
			]),
		),
	);

	t.true(results.every(result => result === 0));
	t.true(values.every((value, i) => value[0] === (i % count) + 1));
});

kernel('a refused call answers with its errno', async t => {
	t.is(await callAsync('map_create', attrOf(72, {0: 9999})), -22);
	t.is(call('map_create', attrOf(72, {0: 9999})), -22);
});
