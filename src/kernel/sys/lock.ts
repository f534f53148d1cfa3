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
	const fd = addon.lockFolder(path);
	if (fd >= 0) return new Fd(fd, `lock of "${path}"`);
	if (fd === -constants.errno.EWOULDBLOCK) return undefined;
	throw new SyscallError('flock', -fd);
}
