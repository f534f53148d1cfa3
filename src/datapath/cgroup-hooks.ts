/** Programs of sockets put on a cgroup: they act on whatever runs in it and below. */

import {readdirSync, statSync} from 'node:fs';
import {join} from 'node:path';

import {cgroupRoot} from '../kernel/host/cgroup.js';
import {attach} from '../object/hook/attach.js';
import {openPinnedLink} from '../object/link/link.js';
import {unpinPath} from '../object/pin/pin.js';
import type {HookChange, Placement} from './hooks.js';
import type {ObjectName} from './objects.js';
import {datapathPrograms} from './programs.js';
import {cgroupFolder, listFolder, programPath} from './root.js';

const all = datapathPrograms.filter(({hook}) => hook === 'cgroup');

/** Programs of an object that run on a cgroup. */
const namesOf = (wanted: ObjectName): string[] =>
	all.filter(({object}) => object === wanted).map(({name}) => name);

/** Are there programs of this object? */
export function hasCgroup(root: string, object: ObjectName): boolean {
	const pinned = listFolder(root, 'programs');
	return namesOf(object).some(name => pinned.includes(name));
}

/** Replaces what runs; with a path it is put there where it does not run yet. */
export function attachToCgroup(
	{root, programs}: Placement,
	path: string | undefined,
): HookChange[] {
	const changes: HookChange[] = [];
	for (const {name} of all) {
		const program = programs.get(name);
		const pin = join(cgroupFolder(root), name);
		if (program === undefined) continue;
		if (path !== undefined) {
			const {link, how} = attach(program, {cgroup: path}, {pin});
			changes.push({where: path, program: name, how, mechanism: link.mechanism});
			link.close();
		} else if (listFolder(cgroupFolder(root)).includes(name)) {
			using link = openPinnedLink(pin);
			// What is left of a cgroup that is gone takes no program.
			if (link.info().cgroupId !== 0n) link.update(program);
		}
	}

	return changes;
}

/** Takes an object's programs off; sockets keep the peers that they have. */
export function detachFromCgroup(root: string, object: ObjectName): void {
	const names = namesOf(object);
	const pinned = listFolder(root, 'programs');
	for (const name of listFolder(cgroupFolder(root)).filter(each => names.includes(each))) {
		const path = join(cgroupFolder(root), name);
		using link = openPinnedLink(path);
		if (link.info().cgroupId !== 0n) link.detach();
		unpinPath(path);
	}

	for (const name of names) if (pinned.includes(name)) unpinPath(programPath(root, name));
}

/** A cgroup's path by its id, the inode of its directory; the id where it has none here. */
export function cgroupPath(id: bigint): string {
	const folders = [cgroupRoot()];
	for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
		// Others may remove theirs meanwhile.
		const found = statSync(folder, {bigint: true, throwIfNoEntry: false});
		if (found?.ino === id) return folder;
		folders.push(...foldersIn(folder));
	}

	return String(id);
}

function foldersIn(folder: string): string[] {
	try {
		return readdirSync(folder, {withFileTypes: true})
			.filter(entry => entry.isDirectory())
			.map(({name}) => join(folder, name));
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
		throw error;
	}
}
