/** Routes: `struct rtmsg` and its attributes. */

import {formatPrefix, type Prefix} from '../../base/address.js';
import {
	families,
	messageFlags,
	messageTypes,
	routeAttributes,
	routeNumbers,
} from '../../uapi/rtnetlink.js';
import {attribute, Attributes, numberAttribute} from './attributes.js';
import {dump, type Change} from './exchange.js';

const headerSize = 12;

/** A way to a prefix: through a gateway, or on the link itself. */
export interface Route {
	/** Of length 0 for the default route. */
	readonly destination: Prefix;
	/** Of the destination's family. */
	readonly gateway?: Uint8Array | undefined;
	readonly ifindex: number;
	/** Lower ones are preferred; the kernel's own unless given. */
	readonly priority?: number | undefined;
}

/** Adds a route to the main table. */
export function addRoute({destination, gateway, ifindex, priority}: Route): Change {
	const {address, length} = destination;
	const isIpv4 = address.length === 4;
	const header = Uint8Array.from([
		...[isIpv4 ? families.ipv4 : families.ipv6, length, 0, 0],
		...[routeNumbers.table_main, routeNumbers.protocol_static],
		gateway === undefined && isIpv4 ? routeNumbers.scope_link : routeNumbers.scope_universe,
		...[routeNumbers.type_unicast, 0, 0, 0, 0],
	]);
	return {
		what: `add route to ${formatPrefix(destination)}`,
		type: messageTypes.new_route,
		flags: messageFlags.create | messageFlags.excl,
		parts: [
			header,
			...(length === 0 ? [] : [attribute(routeAttributes.destination, address)]),
			numberAttribute(routeAttributes.oif, ifindex),
			...(gateway === undefined ? [] : [attribute(routeAttributes.gateway, gateway)]),
			...(priority === undefined
				? []
				: [numberAttribute(routeAttributes.priority, priority)]),
		],
	};
}

/** Unicast routes of the main table, of both families. *Throws:* `ERR_NETLINK`. */
export function listRoutes(netns?: number): Route[] {
	return [families.ipv4, families.ipv6].flatMap(family => {
		const header = new Uint8Array(headerSize);
		header[0] = family;
		const request = {type: messageTypes.get_route, parts: [header], netns};
		return dump({what: 'list routes', ...request})
			.filter(({type}) => type === messageTypes.new_route)
			.flatMap(({payload}) => readRoute(payload));
	});
}

/** IPv6 addresses for which packets are delivered here. *Throws:* `ERR_NETLINK`. */
export function listLocalAddresses(netns?: number): Uint8Array[] {
	const header = new Uint8Array(headerSize);
	header[0] = families.ipv6;
	const request = {type: messageTypes.get_route, parts: [header], netns};
	return dump({what: 'list local addresses', ...request})
		.filter(({type, payload}) => {
			return type === messageTypes.new_route && payload[7] === routeNumbers.type_local;
		})
		.flatMap(({payload}) => {
			const attributes = new Attributes(payload.subarray(headerSize));
			const address = attributes.bytes(routeAttributes.destination);
			return address === undefined ? [] : [Uint8Array.from(address)];
		});
}

function readRoute(payload: Uint8Array): Route[] {
	const attributes = new Attributes(payload.subarray(headerSize));
	const [family, length = 0, , , shortTable] = payload;
	const table = attributes.u32(routeAttributes.table) ?? shortTable;
	const isUnicast = payload[7] === routeNumbers.type_unicast;
	const ifindex = attributes.u32(routeAttributes.oif);
	if (payload.length < headerSize || !isUnicast) return [];
	if (table !== routeNumbers.table_main || ifindex === undefined) return [];
	const size = family === families.ipv4 ? 4 : 16;
	const address = attributes.bytes(routeAttributes.destination) ?? new Uint8Array(size);
	const gateway = attributes.bytes(routeAttributes.gateway);
	return [
		{
			destination: {address: Uint8Array.from(address), length},
			gateway: gateway && Uint8Array.from(gateway),
			ifindex,
			priority: attributes.u32(routeAttributes.priority),
		},
	];
}
