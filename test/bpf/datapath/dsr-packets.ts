/** Packets of services whose backends answer clients by themselves. */

import {parseIpv4, parseIpv6} from '../../../src/base/address.js';
import {
	destinationOptions,
	tcp,
	udp,
	type Packet,
	type PacketPart,
} from '../../../src/lab/index.js';
import type {Family, Person} from './people.js';

/** Ends of a packet; a client of the world is `world`, port 40000. */
export interface DsrEnds {
	readonly from?: Person;
	readonly to?: Person;
	readonly port?: number;
	readonly hops?: number;
	/** TCP flags; UDP unless given. */
	readonly flags?: string;
	/** Of UDP over IPv4: there is none. */
	readonly noChecksum?: boolean;
}

const transport = (
	sourcePort: number,
	destinationPort: number,
	{flags, noChecksum = false}: DsrEnds,
): PacketPart[] =>
	flags === undefined
		? [
				udp({sourcePort, destinationPort, ...(noChecksum && {checksum: 0})}),
				new Uint8Array(33).fill(7),
			]
		: [tcp({sourcePort, destinationPort, flags})];

/** From a client. */
export const asked = (f: Family, ends: DsrEnds): Packet => {
	const {from = 'world', to = 'service', hops = 64, port = 80} = ends;
	return f.ip({from, to, hops}, ...transport(40_000, port, ends));
};

/** To a client. */
export const answered = (f: Family, ends: DsrEnds): Packet => {
	const {from = 'service', to = 'world', hops = 64, port = 80} = ends;
	return f.ip({from, to, hops}, ...transport(port, 40_000, ends));
};

/** What a packet says that its client sent it to. */
export interface Said {
	readonly at?: Person;
	readonly port?: number;
}

/** From a client to a backend, with what it was sent to in an option. */
export function carrying(f: Family, ends: DsrEnds, {at = 'service', port = 80}: Said = {}): Packet {
	const address = f.address[at];
	if (!f.is6) {
		const data = Uint8Array.of(port >> 8, port & 0xff, ...parseIpv4(address));
		return asked(f, ends).with('ipv4', {options: [{kind: 'raw', type: 0x9a, data}]});
	}

	const data = Uint8Array.of(...parseIpv6(address), port >> 8, port & 0xff, 0, 0);
	const {from = 'world', to = 'service', hops = 64, port: toPort = 80} = ends;
	return f.ip(
		{from, to, hops},
		destinationOptions({options: [{type: 0x1b, data}]}),
		...transport(40_000, toPort, ends),
	);
}
