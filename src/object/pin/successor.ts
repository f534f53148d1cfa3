/** Pins that wait beside another one to take its place, and what is left of those that never did. */

import {existsSync, readdirSync, renameSync} from 'node:fs';
import {basename, dirname, join} from 'node:path';

import {findHolders, type Holder} from '../../kernel/host/holders.js';
import {findMapUsers, type MapUser} from '../../kernel/host/map-users.js';
import {addon} from '../../kernel/sys/addon.js';
import {mapInfo} from '../../kernel/sys/info.js';
import {PinError} from './pin-error.js';
import {tryOpenPin, unpinPath} from './pin.js';

const mark = '__skep_';

/** Where the successor of what is pinned at `path` waits for its place. */
export function successorPath(path: string): string {
	return `${path}${mark}next`;
}

/** Where one is kept that programs still need though it will never take the place. */
export function asidePath(path: string, id: number): string {
	return `${path}${mark}${id}`;
}

/** The pin beside which a temporary pin was made; undefined for any other pin. */
export function ownerOfTemporary(path: string): string | undefined {
	return /^(.+)__skep_(?:next|\d+)$/.exec(path)?.[1];
}

/** Puts what is pinned at `from` in the place of `path`, atomically. *Throws:* `ERR_PIN`. */
export function movePin(from: string, path: string): void {
	try {
		renameSync(from, path);
	} catch (cause) {
		throw new PinError('replace pin', path, (cause as Error).message, {cause});
	}
}

/** A map pinned for the time being: who has it open, and which programs use it. */
export interface Waiting {
	readonly id: number;
	readonly holders: readonly Holder[];
	readonly users: readonly MapUser[];
}

/** What waits at a temporary pin; undefined when nothing is there. */
export function inspectTemporary(path: string): Waiting | undefined {
	const fd = tryOpenPin(path);
	if (fd === undefined) return undefined;
	let id;
	try {
		if (addon.fdKind(fd) !== 'map') return undefined;
		({id} = mapInfo(fd));
	} finally {
		addon.closeFd(fd);
	}

	// Not while it is open here: this process may be one of those that hold it.
	return {id, holders: findHolders('map').get(id) ?? [], users: findMapUsers(new Set([id]))};
}

/** Removes temporary pins beside `path` that no process and no program needs any more. */
export function sweepTemporaries(path: string): void {
	for (const name of namesBeside(path)) {
		if (!name.startsWith(basename(path) + mark) || ownerOfTemporary(name) === undefined)
			continue;
		const temporary = join(dirname(path), name);
		const waiting = inspectTemporary(temporary);
		if (waiting?.holders.length === 0 && waiting.users.length === 0) removePin(temporary);
	}
}

/** Removes a pin that another process may remove, too. */
export function removePin(path: string): void {
	try {
		unpinPath(path);
	} catch (error) {
		if (existsSync(path)) throw error;
	}
}

function namesBeside(path: string): string[] {
	try {
		return readdirSync(dirname(path));
	} catch {
		return [];
	}
}
