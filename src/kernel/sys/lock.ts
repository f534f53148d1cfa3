import {constants} from 'node:os';

import {addon} from './addon.js';
import {Fd} from './fd.js';
import {SyscallError} from './syscall-error.js';

/**
 * Takes the lock of a folder, without waiting: undefined where another descriptor has it, in this
 * process or another. It ends when it is closed, and with the process however that ends.
 *
 * Whoever sees the folder sees the lock, from whichever namespaces. *Throws:* `ERR_SYSCALL`.
 */
export function lockFolder(path: string): Fd | undefined {
	const fd = takeFolder(path);
	return fd === undefined ? undefined : new Fd(fd, `lock of "${path}"`);
}

/**
 * The same for a moment: the descriptor's number, to be given to `releaseFolder` in a `finally`. The
 * warning that an `Fd` prepares for one that is forgotten costs more than the lock.
 */
export function takeFolder(path: string): number | undefined {
	const fd = addon.lockFolder(path);
	if (fd >= 0) return fd;
	if (fd === -constants.errno.EWOULDBLOCK) return undefined;
	throw new SyscallError('flock', -fd);
}

/** Ends the lock that `takeFolder` gave. */
export function releaseFolder(fd: number): void {
	addon.closeFd(fd);
}
