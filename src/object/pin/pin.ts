/** Pins: names in a bpf filesystem that keep kernel objects alive. */

import {renameSync, statSync, unlinkSync} from 'node:fs';
import {constants} from 'node:os';

import {isBpffs, prepareBpffs, refusedName} from '../../kernel/host/bpffs.js';
import {explainPermission} from '../../kernel/host/permission.js';
import {objectGet, objectPin, tryObjectGet} from '../../kernel/sys/object.js';
import {SyscallError} from '../../kernel/sys/syscall-error.js';
import {errnoName, errnoText} from '../../uapi/errno.js';
import {PinError} from './pin-error.js';

const {EACCES, EEXIST, ENOENT, EPERM, EINVAL} = constants.errno;

function detailOf(errno: number, path: string): string {
	if (errno === EEXIST) return 'something is pinned there already';
	if (errno === ENOENT) return 'nothing is pinned there';
	if (errno === EPERM) return refusedName(path) ?? explainPermission('bpf');
	if ((errno === EINVAL || errno === EACCES) && !isBpffs(path)) {
		return 'it is not on a bpf filesystem';
	}

	if (errno === EACCES && isFolder(path)) return 'it is a folder';
	return `${errnoText(errno)} (${errnoName(errno)})`;
}

function isFolder(path: string): boolean {
	return statSync(path, {throwIfNoEntry: false})?.isDirectory() ?? false;
}

/** Pins an object; directories are made. *Throws:* `ERR_BPFFS`, `ERR_PIN` (`EEXIST`: taken). */
export function pinObject(fd: number, path: string, what: string): void {
	// Where the kernel takes it at once, nothing has to be looked at.
	for (let isReady = path.includes('\0'); ; isReady = true) {
		if (isReady) prepareBpffs(path);
		try {
			objectPin(fd, path);
			return;
		} catch (cause) {
			if (!(cause instanceof SyscallError)) throw cause;
			const {errno} = cause;
			if (!isReady && errno !== EEXIST) continue;
			throw new PinError(`pin ${what} to`, path, detailOf(errno, path), {cause, errno});
		}
	}
}

/**
 * A descriptor of what is pinned at `path`. `flags`: `BPF_F_RDONLY` (8) or `BPF_F_WRONLY` (16).
 * *Throws:* `ERR_PIN` (`ENOENT`: nothing).
 */
export function openPin(path: string, flags = 0): number {
	return opened(path, () => objectGet(path, flags));
}

/** The same, or undefined when nothing is pinned there. */
export function tryOpenPin(path: string, flags = 0): number | undefined {
	return opened(path, () => tryObjectGet(path, flags));
}

function opened<T>(path: string, open: () => T): T {
	try {
		return open();
	} catch (cause) {
		if (!(cause instanceof SyscallError)) throw cause;
		throw new PinError('open pin', path, detailOf(cause.errno, path), {
			cause,
			errno: cause.errno,
		});
	}
}

/** Removes a pin; the object lives on while something else holds it. *Throws:* `ERR_PIN`. */
export function unpinPath(path: string): void {
	// Anywhere else this would delete a file.
	if (!isBpffs(path)) throw new PinError('remove pin', path, 'it is not on a bpf filesystem');
	try {
		unlinkSync(path);
	} catch (cause) {
		throw new PinError('remove pin', path, (cause as Error).message, {cause});
	}
}

/**
 * Puts an object in the place of what is pinned at `path`, atomically: at every moment one of the
 * two is there. *Throws:* `ERR_PIN`.
 */
export function replacePin(fd: number, path: string, what: string): void {
	const temporary = `${path}__skep_${process.pid}`;
	pinObject(fd, temporary, what);
	try {
		renameSync(temporary, path);
	} catch (cause) {
		unpinPath(temporary);
		throw new PinError(`replace pin of ${what}`, path, (cause as Error).message, {cause});
	}
}
