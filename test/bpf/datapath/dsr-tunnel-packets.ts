/** Packets of services in tunnels. */

import {parseIpv4, parseIpv6} from '../../../src/base/address.js';
import {ethernet, geneve, ipv4, ipv6, packet, udp, type Packet} from '../../../src/lab/index.js';
import type {Family, Person} from './people.js';

/** An IP header of a tunnel, as long as it is to be. */
const outer = (f: Family, from: Person, to: Person) => {
	const [source, destination] = [f.address[from], f.address[to]];
	return f.is6 ? ipv6({source, destination}) : ipv4({source, destination, dontFragment: true});
};

/** What is between nodes, or between a node and a backend. */
export const inIpip = (f: Family, inner: Packet, from: Person, to: Person): Packet =>
	packet(ethernet(), outer(f, from, to), ...inner.layers.slice(1));

/** What stands in front of a packet; from the node to another one unless given. */
export interface Front {
	readonly over?: Family;
	readonly from?: Person;
	readonly to?: Person;
	readonly at?: Person;
	readonly port?: number;
	readonly sourcePort?: number;
	readonly class?: number;
	readonly toPort?: number;
}

/** What is between nodes; the packet's own Ethernet header is inside, too. */
export function inGeneve(f: Family, inner: Packet, front: Front = {}): Packet {
	const {over = f, from = 'host', to = 'node', at: who = 'service', port = 80} = front;
	const address = f.is6 ? parseIpv6(f.address[who]) : parseIpv4(f.address[who]);
	const data = Uint8Array.of(...address, port >> 8, port & 0xff, 0, 0);
	return packet(
		ethernet(),
		outer(over, from, to),
		udp({
			...{sourcePort: front.sourcePort ?? 50_000, destinationPort: front.toPort ?? 6081},
			checksum: 0,
		}),
		geneve({vni: 2, options: [{class: front.class ?? 0x14b, type: 1, data}]}),
		...inner.layers,
	);
}
