/** Locks under which processes change a datapath, one after the other. */

import {mkdirSync} from 'node:fs';
import {constants} from 'node:os';
import {setTimeout} from 'node:timers/promises';

import type {Fd} from '../kernel/sys/fd.js';
import {lockFolder} from '../kernel/sys/lock.js';
import {SyscallError} from '../kernel/sys/syscall-error.js';
import {DatapathError} from './datapath-error.js';
import type {DatapathMaps} from './maps.js';
import {lockPath} from './root.js';

/** Milliseconds for which others are waited for. */
const patience = 30_000;
const pause = new Int32Array(new SharedArrayBuffer(4));

/**
 * Runs `work` while nobody else has the lock of that name below a root, which ends with its process.
 *
 * The event loop waits, too: who takes such a lock takes it for work that never waits.
 * *Throws:* `ERR_DATAPATH` where another process has it for half a minute.
 */
export function lockedSync<T>(root: string, name: string, work: () => T): T {
	const end = Date.now() + patience;
	let lock = tryLock(root, name);
	while (lock === undefined) {
		if (Date.now() > end) throw refused(name, root);
		Atomics.wait(pause, 0, 0, 1);
		lock = tryLock(root, name);
	}

	try {
		return work();
	} finally {
		lock.close();
	}
}

/** The same for work that waits; the event loop has its turns. */
export async function locked<T>(
	root: string,
	name: string,
	work: () => Promise<T> | T,
): Promise<T> {
	const attempt = (): Fd | undefined => tryLock(root, name);
	const lock = attempt() ?? (await waitForLock(attempt, name, root, patience));
	try {
		return await work();
	} finally {
		lock.close();
	}
}

/**
 * Waits for the lock under which services are changed. `wait`: milliseconds.
 *
 * *Throws:* `ERR_DATAPATH` where another process has it longer.
 */
export async function waitForServicesLock(
	{root, servicesLock}: DatapathMaps,
	wait: number,
): Promise<void> {
	await waitForLock(() => servicesLock.take() || undefined, 'services', root, wait);
}

async function waitForLock<T>(
	attempt: () => T | undefined,
	name: string,
	root: string,
	wait: number,
): Promise<T> {
	const end = Date.now() + wait;
	while (Date.now() < end) {
		await setTimeout(1);
		const lock = attempt();
		if (lock !== undefined) return lock;
	}

	throw refused(name, root);
}

function refused(name: string, root: string): DatapathError {
	return new DatapathError(`change ${name} under`, root, 'another process is changing them');
}

function tryLock(root: string, name: string): Fd | undefined {
	const path = lockPath(root, name);
	try {
		return lockFolder(path);
	} catch (error) {
		if (!(error instanceof SyscallError) || error.errno !== constants.errno.ENOENT) throw error;
		// The first who takes it.
		mkdirSync(path, {recursive: true, mode: 0o700});
		return lockFolder(path);
	}
}
