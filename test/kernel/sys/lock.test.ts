import {mkdir} from 'node:fs/promises';
import {join} from 'node:path';
import {spawn} from 'node:child_process';
import {once} from 'node:events';
import test from 'ava';

import {addon} from '../../../src/kernel/sys/addon.js';
import {lockFolder, releaseFolder, takeFolder} from '../../../src/kernel/sys/lock.js';
import {makeTempFolder} from '../../helpers/temp.js';

test('a folder is locked for one at a time', async t => {
	const folder = join(await makeTempFolder(t), 'locked');
	await mkdir(folder);
	const lock = lockFolder(folder);
	t.is(lockFolder(folder), undefined);
	t.is(addon.fdKind(lock?.number ?? -1), 'other');
	lock?.close();
	const again = lockFolder(folder);
	t.not(again, undefined);
	again?.close();
});

test('a folder that is taken for a moment is locked meanwhile', async t => {
	const folder = await makeTempFolder(t);
	const fd = takeFolder(folder) ?? -1;
	t.is(takeFolder(folder), undefined);
	t.is(lockFolder(folder), undefined);
	releaseFolder(fd);
	const lock = lockFolder(folder);
	t.is(takeFolder(folder), undefined);
	lock?.close();
});

test('a lock is not inherited', async t => {
	const folder = await makeTempFolder(t);
	const lock = lockFolder(folder);
	const child = spawn('sleep', ['1000']);
	t.teardown(() => child.kill());
	await once(child, 'spawn');
	lock?.close();
	const again = lockFolder(folder);
	t.not(again, undefined);
	again?.close();
});

test('what is no folder cannot be locked', async t => {
	const folder = await makeTempFolder(t);
	t.throws(() => lockFolder(join(folder, 'none')), {
		code: 'ERR_SYSCALL',
		message: 'flock: no such file or directory (ENOENT)',
	});
	t.throws(() => addon.lockFolder(1 as unknown as string), {instanceOf: TypeError});
});
