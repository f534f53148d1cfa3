/** What the kernel says of a namespace. */

import {formatAddress, formatMacBytes, formatPrefix} from '../../base/address.js';
import {listAddresses} from '../../kernel/netlink/addresses.js';
import {listDevices, type DeviceCounters} from '../../kernel/netlink/device.js';
import {listNeighbours, type NeighbourState} from '../../kernel/netlink/neighbours.js';
import {listRoutes} from '../../kernel/netlink/routes.js';
import {interfaceFlags} from '../../uapi/rtnetlink.js';

/** An interface as it is now. */
export interface InterfaceState {
	readonly name: string;
	readonly ifindex: number;
	/** `veth`, `bridge`, `vxlan`; empty for `lo`. */
	readonly kind: string;
	readonly mac: string;
	/** Bytes. */
	readonly mtu: number;
	readonly up: boolean;
	/** Something is at the other end. */
	readonly carrier: boolean;
	/** With the lengths of their prefixes. */
	readonly addresses: readonly string[];
	readonly counters: DeviceCounters;
}

/** A route of a host, as the kernel has it. */
export interface RouteState {
	/** `0.0.0.0/0` and `::/0` are default routes. */
	readonly to: string;
	/** Undefined for what is on the link itself. */
	readonly via: string | undefined;
	readonly interface: string;
}

/** A neighbour of a host, as the kernel has it. */
export interface NeighbourEntry {
	readonly address: string;
	/** Empty while it is not known. */
	readonly mac: string;
	readonly interface: string;
	readonly state: NeighbourState;
}

/** *Throws:* `ERR_NETLINK`. */
export function readInterfaces(netns: number): InterfaceState[] {
	const addresses = listAddresses(netns);
	return listDevices(netns).map(device => ({
		name: device.name,
		ifindex: device.ifindex,
		kind: device.kind,
		mac: device.address.length === 6 ? formatMacBytes(device.address) : '',
		mtu: device.mtu,
		up: (device.flags & interfaceFlags.up) !== 0,
		carrier: (device.flags & interfaceFlags.lower_up) !== 0,
		addresses: addresses.filter(({ifindex}) => ifindex === device.ifindex).map(formatPrefix),
		counters: device.counters,
	}));
}

/** Routes of the main table. *Throws:* `ERR_NETLINK`. */
export function readRoutes(netns: number): RouteState[] {
	const nameOf = names(netns);
	return listRoutes(netns).map(({destination, gateway, ifindex}) => ({
		to: formatPrefix(destination),
		via: gateway && formatAddress(gateway),
		interface: nameOf(ifindex),
	}));
}

/** *Throws:* `ERR_NETLINK`. */
export function readNeighbours(netns: number): NeighbourEntry[] {
	const nameOf = names(netns);
	return listNeighbours(netns)
		.filter(({state}) => state !== 'no_arp')
		.map(({address, mac, ifindex, state}) => ({
			address: formatAddress(address),
			mac: mac.length === 6 ? formatMacBytes(mac) : '',
			interface: nameOf(ifindex),
			state,
		}));
}

function names(netns: number): (ifindex: number) => string {
	const devices = new Map(listDevices(netns).map(({ifindex, name}) => [ifindex, name]));
	return ifindex => devices.get(ifindex) ?? `${ifindex}`;
}
