/** IP protocols by name. */

import {UsageError} from '../base/errors.js';

const numbers: Readonly<Record<string, number>> = {icmp: 1, tcp: 6, udp: 17, icmpv6: 58, sctp: 132};
const byNumber = new Map(Object.entries(numbers).map(([name, number]) => [number, name]));

/** `tcp`, `udp`, `icmp`, `icmpv6`, `sctp`, and the number as text of any other. */
export function protocolName(number: number): string {
	return byNumber.get(number) ?? String(number);
}

/** The number of a name in any case, or of a number as text. *Throws:* `ERR_USAGE`. */
export function protocolNumber(text: string): number {
	const name = text.toLowerCase();
	const known = Object.hasOwn(numbers, name) ? numbers[name] : undefined;
	if (known !== undefined) return known;
	if (/^\d{1,3}$/.test(text) && Number(text) < 256) return Number(text);
	const names = Object.keys(numbers).join(', ');
	throw new UsageError(
		`read protocol "${text}": expected one of ${names}, or a number below 256`,
	);
}
