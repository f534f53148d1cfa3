/** Network namespaces: making one, and what is opened inside of one. */

import {closeSync, constants as fileConstants, readFileSync, writeSync} from 'node:fs';
import {constants} from 'node:os';

import {EbpfError} from '../../base/errors.js';
import {errnoName, errnoText} from '../../uapi/errno.js';
import {addon} from './addon.js';
import {Fd} from './fd.js';

const {EPERM} = constants.errno;

/** Something in a network namespace was refused. */
export class NamespaceError extends EbpfError {
	static {
		this.prototype.name = 'NamespaceError';
	}

	readonly code = 'ERR_NAMESPACE';
	declare readonly errno: number;

	constructor(what: string, errno: number) {
		const remedy = errno === EPERM ? ': network namespaces need CAP_SYS_ADMIN' : '';
		super(`${what}: ${errnoText(errno)} (${errnoName(errno)})${remedy}`, {errno});
	}
}

function check(what: string, result: number): number {
	if (result < 0) throw new NamespaceError(what, -result);
	return result;
}

/**
 * A new network namespace, which lives until its descriptor is closed and nothing is left in it.
 * *Throws:* `ERR_NAMESPACE`: `EPERM` without CAP_SYS_ADMIN.
 */
export function createNamespace(name: string): Fd {
	const what = `make network namespace "${name}"`;
	return new Fd(check(what, addon.netnsCreate()), `network namespace "${name}"`);
}

/**
 * What keeps this process out of the namespace. It takes CAP_SYS_ADMIN to enter one, even that which
 * one is in.
 */
export function refusedEntry(netns: number): NamespaceError | undefined {
	if (addon.netnsCookie(netns) !== -EPERM) return undefined;
	return new NamespaceError('enter network namespace', EPERM);
}

/**
 * The number by which programs of sockets know a namespace: this thread's unless given.
 * *Kernel:* 5.14. *Throws:* `ERR_NAMESPACE`.
 */
export function namespaceCookie(netns = -1): bigint {
	return BigInt(check('get cookie of network namespace', addon.netnsCookie(netns)));
}

/** Writes a setting of the namespace: `net/ipv4/ip_forward`. *Throws:* `ERR_NAMESPACE`. */
export function writeSetting(path: string, value: string, netns: number): void {
	const what = `set ${path} to ${value}`;
	const opened = addon.netnsOpen(`/proc/sys/${path}`, fileConstants.O_WRONLY, netns);
	const fd = check(what, opened);
	try {
		writeSync(fd, value);
	} catch (error) {
		throw new NamespaceError(what, -((error as NodeJS.ErrnoException).errno ?? 0));
	} finally {
		closeSync(fd);
	}
}

/** Reads a file as it is in the namespace: `/proc/thread-self/net/snmp`. *Throws:* `ERR_NAMESPACE`. */
export function readFileIn(path: string, netns: number): string {
	const opened = addon.netnsOpen(path, fileConstants.O_RDONLY, netns);
	const fd = check(`read ${path}`, opened);
	try {
		return readFileSync(fd, 'utf8');
	} finally {
		closeSync(fd);
	}
}

export interface NewSocket {
	/** `AF_*`. */
	readonly family: number;
	/** `SOCK_*`. */
	readonly type: number;
	readonly protocol: number;
	/** What it is bound to: a sockaddr; to nothing unless given. */
	readonly address?: Uint8Array;
	/** Descriptor of the cgroup whose programs see it; this process's unless given. */
	readonly cgroup?: number;
}

/**
 * A non-blocking socket of the namespace; the descriptor is the caller's to close.
 * *Kernel:* with `cgroup` 5.7. *Throws:* `ERR_NAMESPACE`.
 */
export function openSocket(what: string, socket: NewSocket, netns: number): number {
	const {family, type, protocol, address = new Uint8Array(0), cgroup = -1} = socket;
	return check(what, addon.socketOpen(family, type, protocol, address, netns, cgroup));
}

/** What ethtool sets of a device by a single number. */
const features = {
	receiveChecksum: {get: 0x14, set: 0x15},
	sendChecksum: {get: 0x16, set: 0x17},
	scatterGather: {get: 0x18, set: 0x19},
	tcpSegmentation: {get: 0x1e, set: 0x1f},
	genericSegmentation: {get: 0x23, set: 0x24},
	genericReceive: {get: 0x2b, set: 0x2c},
} as const;
const getLink = 0x0a;

export type DeviceFeature = keyof typeof features;

/** *Throws:* `ERR_NAMESPACE`. */
export function getDeviceFeature(device: string, feature: DeviceFeature, netns: number): boolean {
	const what = `get ${feature} of interface "${device}"`;
	return check(what, addon.ethtool(device, features[feature].get, 0, netns)) !== 0;
}

/** *Throws:* `ERR_NAMESPACE`. */
export function setDeviceFeature(
	device: string,
	feature: DeviceFeature,
	on: boolean,
	netns: number,
): void {
	const what = `set ${feature} of interface "${device}"`;
	check(what, addon.ethtool(device, features[feature].set, on ? 1 : 0, netns));
}

/**
 * Whether the device has a carrier. Asking also makes the kernel finish what a change of it began
 * and would otherwise do some time later: until then the device drops what it is to send.
 */
export function hasCarrier(device: string, netns: number): boolean {
	return addon.ethtool(device, getLink, 0, netns) > 0;
}
