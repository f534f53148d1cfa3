/** Where a datapath is pinned, and who changes it. */

import {mkdirSync, readdirSync, rmdirSync} from 'node:fs';
import {createServer, type Server} from 'node:net';
import {once} from 'node:events';
import {join, resolve} from 'node:path';

import type {XdpMode} from '../kernel/netlink/device.js';
import {isBpffs, prepareBpffs} from '../kernel/host/bpffs.js';
import {unpinPath} from '../object/pin/pin.js';
import {DatapathError} from './datapath-error.js';
import {removeFilter} from './tc-hooks.js';

/** Below the root: maps lie in it by their names. */
export const defaultRoot = '/sys/fs/bpf/skep';

export const programPath = (root: string, program: string): string =>
	join(root, 'programs', program);

/** bpffs takes no dots in names. */
export const deviceLinkPath = (root: string, device: string, program: string): string =>
	join(root, 'links', 'devices', device.replaceAll('.', '-'), program);

export const endpointLinkPath = (root: string, id: number, program: string): string =>
	join(root, 'links', 'endpoints', String(id), program);

export const cgroupFolder = (root: string): string => join(root, 'links', 'cgroup');

export const sockmapFolder = (root: string): string => join(root, 'links', 'sockmap');

/** A folder whose lock says who changes a part of the datapath. */
export const lockPath = (root: string, name: string): string => join(root, 'locks', name);

/** Modes of XDP that the datapath uses. */
export const xdpModes = ['native', 'generic'] as const;

export const xdpFolder = (root: string, device: string): string =>
	join(root, 'links', 'xdp', device.replaceAll('.', '-'));

/** The mode is the pin's name: a link does not tell it. */
export const xdpLinkPath = (root: string, device: string, mode: XdpMode): string =>
	join(xdpFolder(root, device), mode);

/** Makes the root and what lies below it. *Throws:* `ERR_BPFFS`. */
export function makeRoot(root: string): void {
	const links = ['devices', 'endpoints', 'xdp', 'cgroup', 'sockmap'].map(kind => `links/${kind}`);
	for (const folder of ['programs', ...links]) {
		prepareBpffs(join(root, folder, 'any'));
		mkdirSync(join(root, folder), {recursive: true, mode: 0o700});
	}
}

/** Entries of a folder; none where there is no such folder. */
export function listFolder(...path: readonly string[]): string[] {
	try {
		return readdirSync(join(...path)).toSorted();
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
		throw error;
	}
}

/** Removes all pins below a folder, and the folder; nothing where it is not on a bpf filesystem. */
export function removePins(folder: string): void {
	if (!isBpffs(folder)) return;
	emptyFolder(folder);
	rmdirSync(folder);
}

/** Removes all pins below a folder of a bpf filesystem. */
export function emptyFolder(folder: string): void {
	for (const entry of readdirSync(folder, {withFileTypes: true})) {
		const path = join(folder, entry.name);
		if (entry.isDirectory()) removePins(path);
		else if (entry.isSymbolicLink()) removeFilter(path);
		else unpinPath(path);
	}
}

/**
 * Runs `work` while no other process of this machine changes the same root. The lock ends with the
 * process.
 *
 * *Throws:* `ERR_DATAPATH` where another process holds it.
 */
export async function withLock<T>(
	root: string,
	action: string,
	work: () => Promise<T> | T,
): Promise<T> {
	const lock = await takeLock(root, action);
	try {
		return await work();
	} finally {
		lock.close();
		await once(lock, 'close');
	}
}

/** A socket of the abstract namespace: the kernel gives the name to one process at a time. */
async function takeLock(root: string, action: string): Promise<Server> {
	const server = createServer();
	try {
		server.listen(`\0skep-datapath:${resolve(root)}`);
		await once(server, 'listening');
		return server;
	} catch (cause) {
		if ((cause as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw cause;
		throw new DatapathError(action, root, 'another process is changing it now', {cause});
	}
}
