/** Where labs stand in the file system: a cgroup for each, and names of namespaces. */

import {
	lstatSync,
	mkdirSync,
	readdirSync,
	readFileSync,
	rmdirSync,
	symlinkSync,
	unlinkSync,
	writeFileSync,
} from 'node:fs';
import {join} from 'node:path';

import {cgroupRoot} from '../../kernel/host/cgroup.js';
import {formatLabId, parseLabId, type LabId} from './lab-id.js';

/** Where `ip netns` looks for names. */
const namespaceFolder = '/run/netns';

/** The cgroup of a lab, which holds one for each host. *Throws:* `ERR_CGROUP`. */
export function labCgroup(id: LabId, host?: string): string {
	const folder = join(cgroupRoot(), formatLabId(id));
	return host === undefined ? folder : join(folder, host);
}

/** *Throws:* `ERR_CGROUP`, or what the file system says. */
export function makeCgroups(id: LabId, hosts: readonly string[]): void {
	mkdirSync(labCgroup(id));
	for (const host of hosts) mkdirSync(labCgroup(id, host));
}

/** The name under which `ip netns` finds a host. */
export function namespacePath(id: LabId, host: string): string {
	return join(namespaceFolder, formatLabId(id, host));
}

/**
 * Names a namespace for others. It is a link to the descriptor, not a mount: with the process the
 * namespace goes by itself.
 */
export function nameNamespace(id: LabId, host: string, fd: number): void {
	mkdirSync(namespaceFolder, {recursive: true});
	symlinkSync(`/proc/${id.pid}/fd/${fd}`, namespacePath(id, host));
}

/** Names of a folder; none when there is no such folder. */
function list(folder: string): string[] {
	try {
		return readdirSync(folder);
	} catch {
		return [];
	}
}

/** What there is of a lab, by whomever it was made. */
export interface LabTraces {
	readonly id: LabId;
	/** Empty when the cgroup is gone. */
	readonly cgroup: string;
	/** Names of hosts, and the paths of their namespaces. */
	readonly hosts: ReadonlyMap<string, string>;
}

/** All labs of this machine that left traces, living or not. *Throws:* `ERR_CGROUP`. */
export function findLabs(): LabTraces[] {
	const found = new Map<string, {id: LabId; cgroup: string; hosts: Map<string, string>}>();
	const traces = (id: LabId) => {
		const key = formatLabId(id);
		const known = found.get(key) ?? {id, cgroup: '', hosts: new Map<string, string>()};
		found.set(key, known);
		return known;
	};
	const root = cgroupRoot();
	for (const name of list(root)) {
		const id = parseLabId(name);
		if (id && id.host === undefined) traces(id).cgroup = join(root, name);
	}

	for (const name of list(namespaceFolder)) {
		const id = parseLabId(name);
		const path = join(namespaceFolder, name);
		if (id?.host !== undefined && isLink(path)) traces(id).hosts.set(id.host, path);
	}

	return [...found.values()];
}

function isLink(path: string): boolean {
	try {
		return lstatSync(path).isSymbolicLink();
	} catch {
		return false;
	}
}

/** Takes the names of a lab's namespaces away. */
export function removeNames({id, hosts}: Pick<LabTraces, 'id' | 'hosts'>): void {
	for (const [host, path] of hosts) {
		if (parseLabId(formatLabId(id, host)) === undefined) continue;
		ignoring('ENOENT', () => unlinkSync(path));
	}
}

/** Kills all that runs in a cgroup and below. */
export function killCgroup(path: string): void {
	try {
		// *Kernel:* 5.14.
		writeFileSync(join(path, 'cgroup.kill'), '1', {flag: 'r+'});
		return;
	} catch (error) {
		if (!isAbsent(error)) throw error;
	}

	for (const folder of [path, ...childrenOf(path)]) {
		for (const pid of processesOf(folder)) {
			// It may have ended meanwhile.
			ignoring('ESRCH', () => process.kill(pid, 'SIGKILL'));
		}
	}
}

/** Numbers of the processes in a cgroup itself. */
export function processesOf(path: string): number[] {
	try {
		const text = readFileSync(join(path, 'cgroup.procs'), 'utf8');
		return text.split('\n').filter(Boolean).map(Number);
	} catch {
		return [];
	}
}

function childrenOf(path: string): string[] {
	try {
		const entries = readdirSync(path, {withFileTypes: true});
		const folders = entries.filter(entry => entry.isDirectory());
		return folders.flatMap(({name}) => [...childrenOf(join(path, name)), join(path, name)]);
	} catch {
		return [];
	}
}

/** Removes a cgroup and those below; false while something still runs in one. */
export function removeCgroup(path: string): boolean {
	try {
		for (const folder of [...childrenOf(path), path])
			ignoring('ENOENT', () => rmdirSync(folder));
		return true;
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === 'EBUSY') return false;
		throw error;
	}
}

function isAbsent(error: unknown): boolean {
	return (error as NodeJS.ErrnoException).code === 'ENOENT';
}

function ignoring(code: string, work: () => void): void {
	try {
		work();
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code !== code) throw error;
	}
}
