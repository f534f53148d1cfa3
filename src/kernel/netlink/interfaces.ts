/** Interfaces that are made, set up and taken away: `struct ifinfomsg` and its attributes. */

import {hostLittleEndian, viewOf} from '../../base/bytes.js';
import {
	bridgeAttributes,
	interfaceFlags,
	linkAttributes,
	linkInfoAttributes,
	messageFlags,
	messageTypes,
	vethAttributes,
	vxlanAttributes,
} from '../../uapi/rtnetlink.js';
import {
	attribute,
	byteAttribute,
	nestedAttribute,
	numberAttribute,
	textAttribute,
} from './attributes.js';
import type {Change} from './exchange.js';

/** What any new interface is given. */
export interface NewInterface {
	readonly name: string;
	/** The number that it is to have. */
	readonly ifindex: number;
	/** 6 bytes. */
	readonly mac: Uint8Array;
	/** Bytes; the driver's own unless given. */
	readonly mtu?: number | undefined;
}

/** One end of a veth pair, and the namespace that it is to be in. */
export interface VethEnd extends NewInterface {
	readonly netns: number;
}

/** Makes a veth pair between two namespaces. *Kernel:* 4.12. */
export function createVeth(left: VethEnd, right: VethEnd): Change {
	const peer = Buffer.concat([header(right.ifindex), ...common(right), placed(right)]);
	return create(left, 'veth', [nestedAttribute(vethAttributes.peer, [peer])], [placed(left)]);
}

function placed({netns}: VethEnd): Uint8Array {
	return numberAttribute(linkAttributes.netns_fd, netns);
}

/** Makes a bridge whose ports forward at once: without spanning tree and multicast snooping. */
export function createBridge(bridge: NewInterface): Change {
	return create(bridge, 'bridge', [
		numberAttribute(bridgeAttributes.forward_delay, 0),
		numberAttribute(bridgeAttributes.stp_state, 0),
		byteAttribute(bridgeAttributes.multicast_snooping, 0),
	]);
}

export interface NewVxlan extends NewInterface {
	readonly vni: number;
	/** Address that it sends from: 4 or 16 bytes. */
	readonly local: Uint8Array;
	/** UDP port. */
	readonly port: number;
}

/** Makes a VXLAN tunnel end that learns nothing: its forwarding entries are given. */
export function createVxlan(vxlan: NewVxlan): Change {
	const {local, port} = vxlan;
	const localType = local.length === 4 ? vxlanAttributes.local : vxlanAttributes.local6;
	return create(vxlan, 'vxlan', [
		numberAttribute(vxlanAttributes.id, vxlan.vni),
		attribute(localType, local),
		byteAttribute(vxlanAttributes.learning, 0),
		attribute(vxlanAttributes.port, Uint8Array.of(port >> 8, port & 0xff)),
	]);
}

/** Makes an interface a bridge's port. */
export function setMaster(ifindex: number, master: number): Change {
	return {
		what: `make interface ${ifindex} a port of ${master}`,
		type: messageTypes.set_link,
		parts: [header(ifindex), numberAttribute(linkAttributes.master, master)],
	};
}

/** Switches an interface on. */
export function setUp(ifindex: number): Change {
	return {
		what: `switch interface ${ifindex} on`,
		type: messageTypes.set_link,
		parts: [header(ifindex, interfaceFlags.up)],
	};
}

function create(
	made: NewInterface,
	kind: string,
	data: readonly Uint8Array[],
	more: readonly Uint8Array[] = [],
): Change {
	const info = [
		textAttribute(linkInfoAttributes.kind, kind),
		nestedAttribute(linkInfoAttributes.data, data),
	];
	return {
		what: `make ${kind} "${made.name}"`,
		needs: `${kind} (CONFIG_${kind.toUpperCase()})`,
		type: messageTypes.new_link,
		flags: messageFlags.create | messageFlags.excl,
		parts: [
			header(made.ifindex),
			...common(made),
			...more,
			nestedAttribute(linkAttributes.link_info, info),
		],
	};
}

function common({name, mac, mtu}: NewInterface): Uint8Array[] {
	return [
		textAttribute(linkAttributes.name, name),
		attribute(linkAttributes.address, mac),
		...(mtu === undefined ? [] : [numberAttribute(linkAttributes.mtu, mtu)]),
	];
}

/** `struct ifinfomsg`; `flags` are those to be set. */
function header(ifindex: number, flags = 0): Uint8Array {
	const bytes = new Uint8Array(16);
	const view = viewOf(bytes);
	view.setInt32(4, ifindex, hostLittleEndian);
	view.setUint32(8, flags, hostLittleEndian);
	view.setUint32(12, flags, hostLittleEndian);
	return bytes;
}
