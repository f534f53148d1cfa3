import {addon} from '../../kernel/sys/addon.js';
import {objectFdById, objectIds, type ObjectKind} from '../../kernel/sys/object.js';
import {SyscallError} from '../../kernel/sys/syscall-error.js';

/** `read` of every object of a kind; those that vanish meanwhile are left out. */
export function* listObjects<T>(kind: ObjectKind, read: (fd: number) => T): Generator<T> {
	for (const id of objectIds(kind)) {
		const item = readObject(kind, id, read);
		if (item !== undefined) yield item;
	}
}

function readObject<T>(kind: ObjectKind, id: number, read: (fd: number) => T): T | undefined {
	let fd;
	try {
		fd = objectFdById(kind, id);
	} catch (error) {
		if (error instanceof SyscallError && error.errnoName === 'ENOENT') return undefined;
		throw error;
	}

	try {
		return read(fd);
	} finally {
		addon.closeFd(fd);
	}
}
