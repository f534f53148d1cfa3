/** Addresses of interfaces: `struct ifaddrmsg` and its attributes. */

import {formatPrefix, type Prefix} from '../../base/address.js';
import {hostLittleEndian, viewOf} from '../../base/bytes.js';
import {
	addressAttributes,
	addressFlags,
	families,
	messageFlags,
	messageTypes,
} from '../../uapi/rtnetlink.js';
import {attribute, Attributes, numberAttribute} from './attributes.js';
import {dump, type Change} from './exchange.js';

const headerSize = 8;

export interface InterfaceAddress extends Prefix {
	readonly ifindex: number;
	/** Duplicate address detection has not ended, or found a duplicate. */
	readonly usable: boolean;
}

/** Gives an interface an address, to be used at once, without duplicate address detection. */
export function addAddress(ifindex: number, prefix: Prefix): Change {
	const {address, length} = prefix;
	const header = new Uint8Array(headerSize);
	const isIpv4 = address.length === 4;
	header.set([isIpv4 ? families.ipv4 : families.ipv6, length]);
	viewOf(header).setUint32(4, ifindex, hostLittleEndian);
	return {
		what: `add address ${formatPrefix(prefix)} to interface ${ifindex}`,
		type: messageTypes.new_address,
		flags: messageFlags.create | messageFlags.excl,
		parts: [
			header,
			attribute(addressAttributes.local, address),
			attribute(addressAttributes.address, address),
			...(isIpv4 ? [] : [numberAttribute(addressAttributes.flags, addressFlags.no_dad)]),
		],
	};
}

/** The addresses of all interfaces, of both families. *Throws:* `ERR_NETLINK`. */
export function listAddresses(netns?: number): InterfaceAddress[] {
	const parts = [new Uint8Array(headerSize)];
	return dump({what: 'list addresses', type: messageTypes.get_address, parts, netns})
		.filter(({type}) => type === messageTypes.new_address)
		.flatMap(({payload}) => {
			const attributes = new Attributes(payload.subarray(headerSize));
			const {local, address: peer, flags: flagsType} = addressAttributes;
			// Of a tunnel, the other is that of its far end.
			const address = attributes.bytes(local) ?? attributes.bytes(peer);
			if (payload.length < headerSize || address === undefined) return [];
			const flags = attributes.u32(flagsType) ?? payload[2] ?? 0;
			const unusable = addressFlags.tentative | addressFlags.dad_failed;
			return {
				ifindex: viewOf(payload).getUint32(4, hostLittleEndian),
				address: Uint8Array.from(address),
				length: payload[1] ?? 0,
				usable: (flags & unusable) === 0,
			};
		});
}
