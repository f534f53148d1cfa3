/** Addresses of both families as keys of direct connections hold them. */

import {formatIpv4, formatIpv6, parseIpv4, parseIpv6} from '../../base/address.js';
import {viewOf} from '../../base/bytes.js';

const ipv4 = 1;
const ipv6 = 2;

/** Address and family of a key: IPv4 in the first four bytes of sixteen. */
export function toDirect(address: string): {readonly address: string; readonly family: number} {
	if (address.includes(':'))
		return {address: formatIpv6(viewOf(parseIpv6(address))), family: ipv6};
	const bytes = new Uint8Array(16);
	bytes.set(parseIpv4(address));
	return {address: formatIpv6(viewOf(bytes)), family: ipv4};
}

/** The address of a key. */
export function fromDirect(address: string, family: number): string {
	return family === ipv4 ? formatIpv4(viewOf(parseIpv6(address))) : address;
}
