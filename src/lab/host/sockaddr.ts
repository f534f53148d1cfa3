/** `struct sockaddr_in`, `sockaddr_in6` and `sockaddr_ll` as bytes. */

import {parsePrefix} from '../../base/address.js';
import {hostLittleEndian, viewOf} from '../../base/bytes.js';
import {families} from '../../uapi/rtnetlink.js';

/** An address and a port of either family. *Throws:* `ERR_ADDRESS`. */
export function socketAddress(address: string, port: number): {family: number; bytes: Uint8Array} {
	const parsed = parsePrefix(address).address;
	const isIpv4 = parsed.length === 4;
	const family = isIpv4 ? families.ipv4 : families.ipv6;
	const bytes = new Uint8Array(isIpv4 ? 16 : 28);
	viewOf(bytes).setUint16(0, family, hostLittleEndian);
	viewOf(bytes).setUint16(2, port);
	bytes.set(parsed, isIpv4 ? 4 : 8);
	return {family, bytes};
}

/** An interface. */
export function linkAddress(ifindex: number): Uint8Array {
	const bytes = new Uint8Array(20);
	viewOf(bytes).setUint16(0, families.packet, hostLittleEndian);
	viewOf(bytes).setInt32(4, ifindex, hostLittleEndian);
	return bytes;
}
