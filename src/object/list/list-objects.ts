import {addon} from '../../kernel/sys/addon.js';
import {objectIds, tryObjectFdById, type ObjectKind} from '../../kernel/sys/object.js';

/** `read` of every object of a kind; those that come or go meanwhile may be left out. */
export function* listObjects<T>(kind: ObjectKind, read: (fd: number) => T): Generator<T> {
	for (const id of objectIds(kind)) {
		const fd = tryObjectFdById(kind, id);
		if (fd === undefined) continue;
		let item;
		try {
			item = read(fd);
		} finally {
			addon.closeFd(fd);
		}

		yield item;
	}
}
