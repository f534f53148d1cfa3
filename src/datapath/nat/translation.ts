/** Translations, as people speak of them, and where their bytes stand. */

import type {ClockReading} from '../conntrack/flow-clock.js';
import {keyFlags} from '../conntrack/raw-entry.js';
import type {CtTuple, NatEntry} from '../layout/conntrack.js';
import {protocolName} from '../protocols.js';

/** What a packet becomes: on its way `out` its source, on its way `in` its destination. */
export interface Translation {
	readonly family: 4 | 6;
	/** `tcp`, `udp`, `icmp`, `icmpv6`, `sctp`, or a number as text. */
	readonly protocol: string;
	readonly direction: 'in' | 'out';
	/** The packet as it comes to be translated. */
	readonly source: string;
	/** Of ICMP echo requests their identifier. */
	readonly sourcePort: number;
	readonly destination: string;
	/** Of ICMP echo replies their identifier. */
	readonly destinationPort: number;
	readonly toAddress: string;
	readonly toPort: number;
	/** Seconds since it was made. */
	readonly age: number;
	/** Whether it is of a connection of the node itself. */
	readonly needsCt: boolean;
}

/** The translation of an entry. */
export function translationOf(
	tuple: CtTuple,
	entry: NatEntry,
	family: 4 | 6,
	clock: ClockReading,
): Translation {
	return {
		family,
		protocol: protocolName(tuple.nexthdr),
		direction: (tuple.flags & keyFlags.in) === 0 ? 'out' : 'in',
		source: tuple.saddr,
		sourcePort: tuple.sport,
		destination: tuple.daddr,
		destinationPort: tuple.dport,
		toAddress: entry.to_address,
		toPort: entry.to_port,
		age: Math.max(0, Math.round((clock.now - Number(entry.created)) * clock.seconds)),
		needsCt: entry.needs_ct !== 0n,
	};
}

/** Offsets within entries, in every version. */
export const natPlaces = {
	4: {created: 0, needsCt: 8, address: 32, port: 36},
	6: {created: 0, needsCt: 8, address: 32, port: 48},
} as const;
