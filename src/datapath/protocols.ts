/** IP protocols by name. */

import {UsageError} from '../base/errors.js';

/** Numbers of IP protocols. */
export const protocols = {icmp: 1, tcp: 6, udp: 17, icmpv6: 58, sctp: 132} as const;

/** A protocol that is known by its name. */
export type ProtocolName = keyof typeof protocols;

/** Their names, as people are told them. */
export const protocolNames = Object.keys(protocols).join(', ');

const byNumber = new Map<number, string>(
	Object.entries(protocols).map(([name, number]) => [number, name]),
);

/** `tcp`, `udp`, `icmp`, `icmpv6`, `sctp`, and the number as text of any other. */
export function protocolName(number: number): string {
	return byNumber.get(number) ?? String(number);
}

/** The number of a name in any case, or of a number as text. *Throws:* `ERR_USAGE`. */
export function protocolNumber(text: string): number {
	const known = namedProtocol(text);
	if (known !== undefined) return known;
	if (/^\d{1,3}$/.test(text) && Number(text) < 256) return Number(text);
	throw new UsageError(
		`read protocol "${text}": expected one of ${protocolNames}, or a number below 256`,
	);
}

/** The number of a name in any case; undefined for other names. */
export function namedProtocol(text: string): number | undefined {
	const name = text.toLowerCase();
	return Object.hasOwn(protocols, name) ? protocols[name as ProtocolName] : undefined;
}
