import {addon} from '../sys/addon.js';
import {programInfo, programMapIds} from '../sys/info.js';
import {objectIds, tryObjectFdById} from '../sys/object.js';

/** A loaded program, attached or not. */
export interface MapUser {
	readonly id: number;
	readonly name: string;
}

/**
 * Programs that use one of the maps; what they reach through maps of maps is not among these.
 * *Throws:* `ERR_SYSCALL`. *Kernel:* 4.15.
 */
export function findMapUsers(mapIds: ReadonlySet<number>): MapUser[] {
	const users: MapUser[] = [];
	for (const id of objectIds('prog')) {
		const user = userOf(id, mapIds);
		if (user !== undefined) users.push(user);
	}

	return users;
}

function userOf(id: number, mapIds: ReadonlySet<number>): MapUser | undefined {
	const fd = tryObjectFdById('prog', id);
	if (fd === undefined) return undefined;
	try {
		if (!programMapIds(fd).some(each => mapIds.has(each))) return undefined;
		return {id, name: programInfo(fd).name};
	} finally {
		addon.closeFd(fd);
	}
}
