import {constants} from 'node:os';

import {addon} from './addon.js';
import {Fd} from './fd.js';
import {SyscallError} from './syscall-error.js';

const {EWOULDBLOCK} = constants.errno;

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

function takeFolder(path: string): number | undefined {
	const fd = addon.lockFolder(path);
	if (fd >= 0) return fd;
	if (fd === -EWOULDBLOCK) return undefined;
	throw new SyscallError('flock', -fd);
}

/**
 * The lock of a folder that is taken over and over: opening the folder each time would cost four
 * times as much. From the first time on the folder stays open, and what it is on mounted, until
 * `close()`.
 */
export class FolderLock {
	private readonly path: string;
	private fd: number | undefined;
	private isTaken = false;
	private isClosed = false;

	constructor(path: string) {
		this.path = path;
	}

	/** Without waiting: false where somebody has it. *Throws:* `ERR_SYSCALL`. */
	take(): boolean {
		if (this.isTaken) return false;
		if (this.fd === undefined) {
			this.fd = takeFolder(this.path);
			this.isTaken = this.fd !== undefined;
			return this.isTaken;
		}

		const result = addon.setFolderLock(this.fd, 1);
		if (result < 0 && result !== -EWOULDBLOCK) throw new SyscallError('flock', -result);
		this.isTaken = result === 0;
		return this.isTaken;
	}

	/** Gives back what was taken. */
	release(): void {
		this.isTaken = false;
		if (this.isClosed) this.end();
		else if (this.fd !== undefined) addon.setFolderLock(this.fd, 0);
	}

	/** Once it is given back, where it is taken. */
	close(): void {
		this.isClosed = true;
		if (!this.isTaken) this.end();
	}

	private end(): void {
		if (this.fd !== undefined) addon.closeFd(this.fd);
		this.fd = undefined;
	}
}
