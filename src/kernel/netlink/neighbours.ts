/** Neighbours and forwarding entries: `struct ndmsg` and its attributes. */

import {hostLittleEndian, viewOf} from '../../base/bytes.js';
import {
	families,
	messageFlags,
	messageTypes,
	neighbourAttributes,
	neighbourFlagSelf,
	neighbourStates,
} from '../../uapi/rtnetlink.js';
import {attribute, Attributes} from './attributes.js';
import {dump, type Change} from './exchange.js';

const headerSize = 12;

/** `permanent` where it was given, otherwise how far the kernel is with asking. */
export type NeighbourState = keyof typeof neighbourStates;

export interface Neighbour {
	readonly ifindex: number;
	/** 4 or 16 bytes. */
	readonly address: Uint8Array;
	/** 6 bytes; empty while the kernel does not know. */
	readonly mac: Uint8Array;
	readonly state: NeighbourState;
}

/** Gives a neighbour's link-layer address, so that it is never asked for. */
export function addNeighbour({ifindex, address, mac}: Omit<Neighbour, 'state'>): Change {
	const family = address.length === 4 ? families.ipv4 : families.ipv6;
	return {
		what: `add neighbour to interface ${ifindex}`,
		type: messageTypes.new_neighbour,
		flags: messageFlags.create | messageFlags.replace,
		parts: [
			header(family, ifindex, 0),
			attribute(neighbourAttributes.destination, address),
			attribute(neighbourAttributes.link_address, mac),
		],
	};
}

/**
 * Sends the frames for a MAC, or with 6 zero bytes all others, to a far end of a VXLAN. Several
 * ends of one MAC get a copy each.
 */
export function addForwarding(ifindex: number, mac: Uint8Array, remote: Uint8Array): Change {
	return {
		what: `add forwarding entry to interface ${ifindex}`,
		type: messageTypes.new_neighbour,
		flags: messageFlags.create | messageFlags.append,
		parts: [
			header(families.bridge, ifindex, neighbourFlagSelf),
			attribute(neighbourAttributes.destination, remote),
			attribute(neighbourAttributes.link_address, mac),
		],
	};
}

function header(family: number, ifindex: number, flags: number): Uint8Array {
	const bytes = new Uint8Array(headerSize);
	const view = viewOf(bytes);
	bytes[0] = family;
	view.setInt32(4, ifindex, hostLittleEndian);
	view.setUint16(8, neighbourStates.permanent, hostLittleEndian);
	bytes[10] = flags;
	return bytes;
}

/** Neighbours of all interfaces, of both families. *Throws:* `ERR_NETLINK`. */
export function listNeighbours(netns?: number): Neighbour[] {
	return [families.ipv4, families.ipv6].flatMap(family => {
		const bytes = new Uint8Array(headerSize);
		bytes[0] = family;
		const request = {type: messageTypes.get_neighbour, parts: [bytes], netns};
		return dump({what: 'list neighbours', ...request})
			.filter(({type}) => type === messageTypes.new_neighbour)
			.flatMap(({payload}) => readNeighbour(payload));
	});
}

function readNeighbour(payload: Uint8Array): Neighbour[] {
	const attributes = new Attributes(payload.subarray(headerSize));
	const address = attributes.bytes(neighbourAttributes.destination);
	if (payload.length < headerSize || address === undefined) return [];
	const view = viewOf(payload);
	const number = view.getUint16(8, hostLittleEndian);
	const names = Object.keys(neighbourStates) as NeighbourState[];
	const state = names.find(name => (number & neighbourStates[name]) !== 0);
	if (state === undefined) return [];
	const mac = attributes.bytes(neighbourAttributes.link_address) ?? new Uint8Array(0);
	return [
		{
			ifindex: view.getInt32(4, hostLittleEndian),
			address: Uint8Array.from(address),
			mac: Uint8Array.from(mac),
			state,
		},
	];
}
