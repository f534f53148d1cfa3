import {mkdir} from 'node:fs/promises';
import {join} from 'node:path';
import {spawn} from 'node:child_process';
import {constants} from 'node:os';
import {once} from 'node:events';
import test from 'ava';

import {addon} from '../../../src/kernel/sys/addon.js';
import {FolderLock, lockFolder} from '../../../src/kernel/sys/lock.js';
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

test('a lock that is taken over and over is free in between, and ends with its owner', async t => {
	const folder = await makeTempFolder(t);
	const [lock, other] = [new FolderLock(folder), new FolderLock(folder)];
	for (let turn = 0; turn < 3; turn++) {
		t.true(lock.take());
		t.false(lock.take());
		t.false(other.take());
		t.is(lockFolder(folder), undefined);
		lock.release();
		t.true(other.take());
		t.false(lock.take());
		other.release();
	}

	t.true(lock.take());
	lock.close();
	t.false(other.take());
	lock.release();
	t.true(other.take());
	other.release();
	other.close();
	lockFolder(folder)?.close();
	t.is(addon.setFolderLock(0, 1), -constants.errno.EBADF);
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
