/** The lock under which services are changed, by one process at a time. */

import {setTimeout} from 'node:timers/promises';

import type {Fd} from '../../kernel/sys/fd.js';
import {lockFolder} from '../../kernel/sys/lock.js';
import {DatapathError} from '../datapath-error.js';

/**
 * The lock of a root's folder, which ends when it is closed and with the process. `wait`: milliseconds
 * for which another process's change is waited for.
 *
 * *Throws:* `ERR_DATAPATH` where another process holds it longer.
 */
export async function waitForLock(root: string, wait: number): Promise<Fd> {
	const end = Date.now() + wait;
	while (Date.now() < end) {
		await setTimeout(1);
		const lock = lockFolder(root);
		if (lock !== undefined) return lock;
	}

	const detail = 'another process is changing them';
	throw new DatapathError('change services under', root, detail);
}
