import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {Attr, cText} from '../../../src/kernel/sys/attr.js';
import {
	btfBytes,
	btfInfo,
	mapInfo,
	programArray,
	programInfo,
	programMapIds,
} from '../../../src/kernel/sys/info.js';
import {
	mapBatch,
	mapCreate,
	mapFreeze,
	mapUpdate,
	possibleCpus,
} from '../../../src/kernel/sys/map.js';
import {
	objectFdById,
	objectGet,
	objectIds,
	objectPin,
	type ObjectKind,
} from '../../../src/kernel/sys/object.js';
import {programBindMap, programTestRun} from '../../../src/kernel/sys/program.js';
import {errnoOf, SyscallError} from '../../../src/kernel/sys/syscall-error.js';
import {makeBpffs} from '../../helpers/bpffs.js';
import {kernelTest} from '../../helpers/kernel.js';
import {loadFixture} from '../../helpers/load.js';
import {run} from '../../helpers/run.js';
import {makeTempFolder} from '../../helpers/temp.js';
import {addon, makeMap, makeProgram} from '../../native/support.js';

const kernel = kernelTest({feature: 'maps and programs', since: '5.15'});

function closing(t: ExecutionContext, fd: number): number {
	t.teardown(() => addon.closeFd(fd));
	return fd;
}

async function bpftool(...args: string[]): Promise<Record<string, unknown>> {
	return JSON.parse(await run('bpftool', '-j', ...args)) as Record<string, unknown>;
}

kernel('mapInfo tells what was asked for, and what bpftool tells', async t => {
	const attr = {type: 1, keySize: 3, valueSize: 5, maxEntries: 7, flags: 1, extra: 0n};
	const fd = closing(t, mapCreate({...attr, name: 'skep_told'}));

	const info = mapInfo(fd);

	t.like(info, {...attr, name: 'skep_told', ifindex: 0, btfId: 0});
	t.like(await bpftool('map', 'show', 'id', String(info.id)), {
		...{id: info.id, type: 'hash', name: 'skep_told', flags: 1},
		...{bytes_key: 3, bytes_value: 5, max_entries: 7},
	});
});

kernel('programInfo tells what bpftool tells', async t => {
	const collection = await loadFixture(t, 'kernel/maps');
	const {id} = Object.values(collection.programs)[0]?.info() ?? t.fail();
	const fd = closing(t, objectFdById('prog', id));

	const info = programInfo(fd);

	const told = await bpftool('prog', 'show', 'id', String(id));
	t.like(told, {
		...{id, type: 'xdp', name: info.name, tag: info.tag, gpl_compatible: info.gplCompatible},
		...{uid: info.createdByUid, bytes_xlated: info.translatedSize, btf_id: info.btfId},
		...{bytes_jited: info.jitedSize, map_ids: programMapIds(fd)},
	});
	t.is(info.mapCount, programMapIds(fd).length);
	t.true(info.mapCount > 3);
	t.is(programArray(fd, 'translated').length, info.translatedSize);
	t.is(programArray(fd, 'functions').length, info.functionCount * 8);
	t.is(programArray(fd, 'lines').length, info.lineCount * 16);
	const file = join(await makeTempFolder(t), 'translated');
	await run('bpftool', 'prog', 'dump', 'xlated', 'id', String(id), 'file', file);
	t.deepEqual(Buffer.from(programArray(fd, 'translated')), readFileSync(file));
});

kernel('the BTF of an object is what bpftool shows of it', async t => {
	const collection = await loadFixture(t, 'kernel/globals');
	const {btfId} = programInfo(
		closing(t, objectFdById('prog', Object.values(collection.programs)[0]?.info().id ?? 0)),
	);
	const fd = closing(t, objectFdById('btf', btfId));

	const info = btfInfo(fd);

	t.like(info, {id: btfId, kernel: false});
	t.is(btfBytes(fd).length, info.size);
	t.like(await bpftool('btf', 'show', 'id', String(btfId)), {id: btfId, size: info.size});
	t.deepEqual([...btfBytes(fd).subarray(0, 2)], [0x9f, 0xeb]);
});

const lists = test.macro({
	async exec(t, kind: ObjectKind, make: (t: ExecutionContext) => number) {
		const own = make(t);
		const id = kind === 'map' ? mapInfo(own).id : programInfo(own).id;

		const ids = [...objectIds(kind)];

		t.true(ids.includes(id));
		t.deepEqual(
			ids,
			[...new Set(ids)].sort((a, b) => a - b),
		);
		const again = closing(t, objectFdById(kind, id));
		t.not(again, own);
		t.is(kind === 'map' ? mapInfo(again).id : programInfo(again).id, id);
		const shown = JSON.parse(await run('bpftool', '-j', kind, 'show')) as {id: number}[];
		t.true(shown.some(object => object.id === id));
	},
	title: (_, kind) => `objectIds lists every ${kind}, and objectFdById opens it`,
});

kernel(lists, 'map', t => makeMap(t));
kernel(lists, 'prog', t => makeProgram(t));

kernel('an id that is not in use is ENOENT', t => {
	for (const kind of ['map', 'prog', 'link', 'btf'] as const) {
		const error = t.throws(() => objectFdById(kind, 2 ** 31 - 1), {instanceOf: SyscallError});
		t.like(error, {code: 'ERR_SYSCALL', errno: 2, errnoName: 'ENOENT'});
		t.is(error.command, `${kind}_get_fd_by_id`);
		t.is(errnoOf(new Error('outer', {cause: error})), 2);
	}
});

kernel('a pin opens as the kind that was pinned', async t => {
	const folder = await makeBpffs(t);
	for (const [kind, fd] of [
		['map', makeMap(t)],
		['program', makeProgram(t)],
	] as const) {
		const path = join(folder, kind);
		objectPin(fd, path);
		t.is(addon.fdKind(closing(t, objectGet(path))), kind);
	}

	const readOnly = closing(t, objectGet(join(folder, 'map'), 8));
	t.is(mapUpdate(readOnly, new Uint8Array(8), new Uint8Array(24), 0), -1);
	t.throws(() => objectGet(join(folder, 'none')), {code: 'ERR_SYSCALL', message: /ENOENT/});
});

kernel('a frozen map takes no more', t => {
	const fd = makeMap(t);
	t.is(mapUpdate(fd, new Uint8Array(8), new Uint8Array(24), 0), 0);
	mapFreeze(fd);
	t.is(mapUpdate(fd, new Uint8Array(8), new Uint8Array(24), 0), -1);
});

kernel('a bound map is one of the program', t => {
	const [program, map] = [makeProgram(t), makeMap(t)];
	t.deepEqual(programMapIds(program), []);
	programBindMap(program, map);
	t.deepEqual(programMapIds(program), [mapInfo(map).id]);
});

kernel('a batch says how many elements were done when it ends early', t => {
	const fd = makeMap(t, {key: 4, value: 4, entries: 2});
	const four = (...words: number[]) => new Uint8Array(Uint32Array.from(words).buffer);
	const cursors = {inCursor: null, outCursor: null, elementFlags: 0};

	const update = {...cursors, fd, keys: four(1, 2, 3), values: four(1, 2, 3), count: 3};
	t.like(mapBatch('map_update_batch', update), {count: 2, errno: 7});
	const missing = {...cursors, fd, keys: four(1, 9), values: null, count: 2};
	t.deepEqual(mapBatch('map_delete_batch', missing), {count: 1, errno: 2});
	const bad = {...cursors, fd, keys: four(1), values: four(1), count: 1, elementFlags: 2 ** 20};
	t.deepEqual(mapBatch('map_update_batch', bad), {count: 0, errno: 22});
});

kernel('a test run without output buffers gives the verdict', t => {
	const fd = makeProgram(t, 1);
	const run = {fd, data: new Uint8Array(64), repeat: 1, flags: 0, cpu: 0};
	t.like(programTestRun(run), {result: 0, returnValue: 1, dataSize: 64});
	t.like(programTestRun({...run, dataOut: new Uint8Array(0)}), {result: 0, dataSize: 64});
	t.like(programTestRun({...run, dataOut: new Uint8Array(8)}), {result: -28, dataSize: 64});
});

kernel('possibleCpus counts what the kernel lists', async t => {
	const list = (await run('cat', '/sys/devices/system/cpu/possible')).trim();
	const counts = list.split(',').map(range => {
		const [first = 0, last = first] = range.split('-').map(Number);
		return last - first + 1;
	});
	t.is(
		possibleCpus(),
		counts.reduce((sum, count) => sum + count, 0),
	);
});

test('a number that a field cannot hold is refused, not cut off', t => {
	for (const value of [2 ** 32, -(2 ** 31) - 1, 0.5, NaN, Infinity]) {
		t.throws(() => new Attr(8).u32(0, value), {code: 'ERR_USAGE'});
	}

	for (const value of [2n ** 64n, -1n]) {
		t.throws(() => new Attr(8).u64(0, value), {code: 'ERR_USAGE'});
	}

	t.is(new Attr(8).u32(0, -1).getU32(0), 2 ** 32 - 1);
	t.is(new Attr(8).u64(0, 2n ** 64n - 1n).getU64(0), 2n ** 64n - 1n);
});

test('a text with a NUL inside is refused', t => {
	t.throws(() => cText('/sys/fs/bpf/a\0b'), {
		code: 'ERR_USAGE',
		message: /"\/sys\/fs\/bpf\/a\\0b"/,
	});
	t.deepEqual([...cText('ä')], [0xc3, 0xa4, 0]);
});

test('a name is cut off before its last byte', t => {
	const {bytes} = new Attr(32).name(8, 'x'.repeat(20));
	t.deepEqual([...bytes.subarray(22, 25)], [120, 0, 0]);
});
