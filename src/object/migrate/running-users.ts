import {hostLittleEndian, viewOf} from '../../base/bytes.js';
import {findHolders} from '../../kernel/host/holders.js';
import {findMapUsers, type MapUser} from '../../kernel/host/map-users.js';
import {linkInfo} from '../../kernel/sys/link-info.js';
import {listObjects} from '../list/list-objects.js';
import type {BpfMap} from '../map/map.js';

/**
 * Programs that use one of the maps and may run.
 *
 * Programs in the slots of a program array that use that array, or whose like do, keep each other
 * for as long as it is pinned: a cycle. They can run only when a program outside calls them, so those
 * that neither a link nor a process holds do not count. One that is attached without a link, by
 * netlink or `PROG_ATTACH`, and stands in a slot as well, is not seen. *Throws:* `ERR_SYSCALL`.
 */
export function findRunningUsers(maps: readonly BpfMap[]): MapUser[] {
	const users = findMapUsers(new Set(maps.map(map => map.info.id)));
	const slotted = new Set(maps.flatMap(slotsOf));
	if (!users.some(({id}) => slotted.has(id))) return users;
	const linked = new Set([...listObjects('link', linkInfo)].map(({programId}) => programId));
	const held = findHolders('prog');
	return users.filter(({id}) => !slotted.has(id) || linked.has(id) || held.has(id));
}

/** Ids of the programs in a program array. */
function slotsOf(map: BpfMap): number[] {
	if (map.info.type !== 'prog_array') return [];
	const ids: number[] = [];
	for (let slot = 0; slot < map.info.maxEntries; slot++) {
		const key = new Uint8Array(4);
		viewOf(key).setUint32(0, slot, hostLittleEndian);
		const value = map.raw.get(key);
		if (value !== undefined) ids.push(viewOf(value).getUint32(0, hostLittleEndian));
	}

	return ids;
}
