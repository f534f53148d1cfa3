/** Labs of other processes: those that run, and what those that died left behind. */

import {readFileSync} from 'node:fs';

import {isAlive} from './lab-id.js';
import {findLabs, processesOf, type LabTraces} from './places.js';
import {removeTraces} from './teardown.js';

/** A lab somewhere on this machine. */
export interface ListedLab {
	readonly name: string;
	/** Of the process that made it. */
	readonly pid: number;
	/** The command line of that process; empty when it is gone. */
	readonly command: string;
	/** When it is not, `cleanLabs` removes the lab. */
	readonly alive: boolean;
	readonly hosts: readonly ListedHost[];
}

/** A host of a lab that stands. */
export interface ListedHost {
	readonly name: string;
	/** What setns(2) opens; dead when the lab is. */
	readonly netns: string;
	readonly cgroup: string;
	/** How many run in its cgroup. */
	readonly processes: number;
}

/** All labs on this machine, by whichever process. *Throws:* `ERR_CGROUP`. */
export function listLabs(): ListedLab[] {
	return findLabs().map(describe);
}

/**
 * Removes what labs left whose process is gone: processes, cgroups and names of namespaces, and
 * with them the namespaces and all that is attached in them. Never those of a living process, nor
 * anything that has not the name of a lab. Gives what was removed. *Throws:* `ERR_CGROUP`, `ERR_LAB`.
 */
export async function cleanLabs(): Promise<ListedLab[]> {
	const dead = findLabs().filter(({id}) => !isAlive(id));
	const described = dead.map(describe);
	await Promise.all(dead.map(removeTraces));
	return described;
}

function describe({id, cgroup, hosts}: LabTraces): ListedLab {
	const alive = isAlive(id);
	return {
		name: id.name,
		pid: id.pid,
		command: alive ? commandOf(id.pid) : '',
		alive,
		hosts: [...hosts].map(([name, netns]) => {
			const own = cgroup === '' ? '' : `${cgroup}/${name}`;
			return {name, netns, cgroup: own, processes: processesOf(own).length};
		}),
	};
}

function commandOf(pid: number): string {
	try {
		return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
	} catch {
		return '';
	}
}
