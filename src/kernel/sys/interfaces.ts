/** Names, numbers and addresses of network interfaces, in this network namespace or that of an fd. */

import {addon} from './addon.js';
import {SyscallError} from './syscall-error.js';

export interface Interface {
	readonly ifindex: number;
	readonly name: string;
}

/** The interface's number; undefined when there is none of that name. */
export function interfaceIndex(name: string, netns = -1): number | undefined {
	// Longer ones, and ones with a NUL, the kernel does not even look for.
	if (Buffer.byteLength(name) > 15 || name.includes('\0')) return undefined;
	const index = addon.interfaceIndex(name, netns);
	return index > 0 ? index : undefined;
}

/** The interface's name; undefined when there is none of that number. */
export function interfaceName(ifindex: number, netns = -1): string | undefined {
	if (!Number.isInteger(ifindex) || ifindex <= 0 || ifindex >= 2 ** 31) return undefined;
	return addon.interfaceName(ifindex, netns) ?? undefined;
}

/** The MAC address of an interface, six bytes. *Throws:* `ERR_SYSCALL`. */
export function interfaceMac(name: string, netns = -1): Uint8Array {
	const mac = new Uint8Array(6);
	const result = addon.interfaceMac(name, mac, netns);
	if (result < 0) throw new SyscallError('ioctl', -result);
	return mac;
}

/** All interfaces, in the kernel's order; none when the namespace is gone. */
export function interfaces(netns = -1): Interface[] {
	const list = addon.interfaces(netns);
	return typeof list === 'number' ? [] : list.map(([ifindex, name]) => ({ifindex, name}));
}
