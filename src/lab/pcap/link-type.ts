/** What packets of a capture begin with, by its number in files. */

import {UsageError} from '../../base/errors.js';

const numbers = {
	null: 0,
	ethernet: 1,
	raw: 101,
	loop: 108,
	'linux-sll': 113,
	ipv4: 228,
	ipv6: 229,
	'linux-sll2': 276,
} as const;

const names = new Map<number, keyof typeof numbers>(
	Object.entries(numbers).map(([name, number]) => [number, name as keyof typeof numbers]),
);
// Files of some systems hold what the system itself calls raw IP.
for (const own of [12, 14]) names.set(own, 'raw');

/**
 * What a packet begins with: `ethernet`; `raw`, `ipv4`, `ipv6` for an IP header; `linux-sll` and
 * `linux-sll2` for what "any" interface gives; `null` and `loop` for BSD's loopback, which is an
 * address family in the byte order of the writer, or in network order; or any other number of the
 * registry of link types.
 */
export type LinkType = keyof typeof numbers | number;

/** The name of a link type, or its number where it has none here. */
export function linkTypeOf(number: number): LinkType {
	return names.get(number) ?? number;
}

/** The number of a link type. *Throws:* `ERR_USAGE`. */
export function linkTypeNumber(type: LinkType): number {
	const number = typeof type === 'number' ? type : numbers[type];
	if (Number.isInteger(number) && number >= 0 && number <= 0xffff) return number;
	throw new UsageError(`describe interface: there is no link type ${String(type)}`);
}
