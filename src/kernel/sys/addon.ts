/** Loads the native addon: the only module that does. */

import {existsSync} from 'node:fs';
import {createRequire} from 'node:module';
import {join} from 'node:path';

import {EbpfError} from '../../base/errors.js';
import {packageRoot} from '../../base/package-root.js';

/** A flat list `[offset, buffer, ...]` of the buffers that belong into `union bpf_attr`. */
export type Pointers = readonly (number | Uint8Array | null)[];

/** What the addon offers; functions return `-errno` where the kernel refused. */
export interface Addon {
	readonly bpf: (command: number, attr: Uint8Array, pointers: Pointers, netns: number) => number;
	readonly bpfAsync: (command: number, attr: Uint8Array, pointers: Pointers) => Promise<number>;
	readonly mapLookup: (
		fd: number,
		key: Uint8Array | null,
		value: Uint8Array,
		flags: number,
	) => number;
	readonly mapUpdate: (
		fd: number,
		key: Uint8Array | null,
		value: Uint8Array,
		flags: number,
	) => number;
	readonly mapDelete: (fd: number, key: Uint8Array) => number;
	readonly mapNextKey: (fd: number, key: Uint8Array | null, next: Uint8Array) => number;
	/** In place of an array's address stands 1n, or 0n where the kernel keeps it to itself. */
	readonly objectInfo: (fd: number, info: Uint8Array, pointers: Pointers) => number;
	/** A BTF file of sysfs; a write to the buffer ends the process. *Kernel:* 6.16. */
	readonly mapTypes: (path: string) => ArrayBuffer | number;
	/** Maps an array map's values; a number for the functions below. */
	readonly memoryMap: (fd: number, offset: number, size: number, writable: 0 | 1) => number;
	readonly memoryRead: (memory: number, offset: number, bytes: Uint8Array) => number;
	readonly memoryWrite: (memory: number, offset: number, bytes: Uint8Array) => number;
	/** Unmaps memory, or a ring. */
	readonly releaseMemory: (memory: number) => number;
	/** Maps a ring buffer's pages; a number, for `releaseMemory`, too. */
	readonly ringOpen: (fd: number) => number;
	/** Moves whole records; `table` is a `Uint32Array`'s bytes. */
	readonly ringRead: (ring: number, bytes: Uint8Array, table: Uint8Array) => number;
	/** Bytes that wait to be read. */
	readonly ringPending: (ring: number) => number;
	readonly userRingOpen: (fd: number) => number;
	readonly userRingWrite: (ring: number, bytes: Uint8Array) => number;
	/** Calls back once after each `pollWait`; a number, for `releaseMemory`, too. */
	readonly pollOpen: (callback: () => void) => number;
	readonly pollAdd: (poller: number, fd: number) => number;
	readonly pollWait: (poller: number) => number;
	readonly pollStop: (poller: number) => number;
	readonly perfRingOpen: (fd: number, pages: number) => number;
	readonly perfRingPending: (ring: number) => number;
	readonly perfRingRead: (ring: number, bytes: Uint8Array, table: Uint8Array) => number;
	readonly interfaceIndex: (name: string, netns: number) => number;
	readonly interfaceName: (ifindex: number, netns: number) => string | null;
	/** Writes six bytes. */
	readonly interfaceMac: (name: string, mac: Uint8Array, netns: number) => number;
	readonly interfaces: (netns: number) => [ifindex: number, name: string][] | number;
	/** A new network namespace; its descriptor is the addon's. */
	readonly netnsCreate: () => number;
	/** What programs of sockets know the namespace by. */
	readonly netnsCookie: (netns: number) => number;
	/** The descriptor is the caller's, as is that of `socketOpen`. */
	readonly netnsOpen: (path: string, flags: number, netns: number) => number;
	/** Non-blocking, and bound where `address`, a sockaddr, is not empty. */
	readonly socketOpen: (
		family: number,
		type: number,
		protocol: number,
		address: Uint8Array,
		netns: number,
		cgroup: number,
	) => number;
	/** A command that gets or sets one number. */
	readonly ethtool: (name: string, command: number, value: number, netns: number) => number;
	readonly packetOpen: (ifindex: number, buffer: number, netns: number) => number;
	/** Moves whole frames; `table` is a `Uint32Array`'s bytes, eight words for each. */
	readonly packetRead: (fd: number, bytes: Uint8Array, table: Uint8Array) => number;
	/** Frames lost since it was asked last. */
	readonly packetDrops: (fd: number) => number;
	/** One rtnetlink request, or several that are each acknowledged; all messages of the answer. */
	readonly netlink: (request: Uint8Array, netns: number) => Uint8Array | number;
	/** `attr`: struct perf_event_attr; `name`: the probed function or file, or empty; -1: any. */
	readonly perfEventOpen: (attr: Uint8Array, name: string, pid: number, cpu: number) => number;
	readonly perfEventEnable: (fd: number, on: number) => number;
	readonly perfEventSetProgram: (fd: number, programFd: number) => number;
	/** setsockopt(2) with one of the options that are about programs. */
	readonly socketProgram: (fd: number, option: number, programFd: number) => number;
	/** The folder's descriptor, whose lock ends with it. */
	readonly lockFolder: (path: string) => number;
	/** Takes the lock of such a descriptor again, or gives it back. */
	readonly setFolderLock: (fd: number, on: 0 | 1) => number;
	/** A Maglev table made on the thread pool; `records`: length of name, id and weight of each. */
	readonly maglevTable: (
		size: number,
		seed: number,
		names: Uint8Array,
		records: Uint8Array,
	) => Promise<ArrayBuffer | number> | number;
	readonly closeFd: (fd: number) => number;
	/** Null for a descriptor that the addon did not open. */
	readonly fdKind: (fd: number) => 'map' | 'program' | 'link' | 'btf' | 'other' | null;
	readonly possibleCpus: () => number;
	readonly pageSize: () => number;
}

/** The native addon is not there or was built for another platform. */
export class AddonError extends EbpfError {
	static {
		this.prototype.name = 'AddonError';
	}

	readonly code = 'ERR_ADDON';
}

/** Built here, or built for the package by those who made it. */
const places = ['build/Release/skep.node', `prebuilds/linux-${process.arch}/skep.glibc.node`];

function load(): Addon {
	// The sanitizer build of the tests lives elsewhere.
	const other = process.env['SKEP_ADDON'];
	const all = places.map(place => join(packageRoot, place));
	const found = other ? [other] : all.filter(path => existsSync(path));
	const [path] = found;
	if (path === undefined) {
		throw new AddonError(
			`load native addon: none was built for linux ${process.arch}: ${all.join(' and ')} do not exist; 'npm run build:native' in ${packageRoot} builds one`,
		);
	}

	try {
		return createRequire(import.meta.url)(path) as Addon;
	} catch (cause) {
		const detail = (cause as Error).message.split('\n', 1)[0] ?? '';
		throw new AddonError(`load native addon "${path}": ${detail}`, {cause});
	}
}

export const addon: Addon = load();
