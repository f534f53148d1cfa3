/** Packets of services' flows, as each side has them. */

import {icmp, icmpv6, type Packet} from '../../../src/lab/index.js';
import type {GuardedNode} from './guarded-node.js';
import {macs, type Family, type Person} from './people.js';
import {installService, type TestService} from './services.js';

export const numbers = {tcp: 6, udp: 17, sctp: 132} as const;
export type Protocol = keyof typeof numbers;

/** Where a packet comes from and goes to. */
export interface Ends {
	readonly from: Person;
	readonly to: Person;
	readonly sourcePort: number;
	readonly destinationPort: number;
}

/** As blue gets it, or red itself: with one hop less, from the node. */
export function arrived(f: Family, sent: Packet, who: 'red' | 'blue' = 'blue'): Packet {
	const node = who === 'red' ? macs.redNode : macs.blueNode;
	const framed = sent.with('ethernet', {source: node, destination: macs[who]});
	return f.is6 ? framed.with('ipv6', {hopLimit: 63}) : framed.with('ipv4', {ttl: 63});
}

/** Packets of a flow from red's port 40000 to port 80 of the service and to 8080 of blue. */
export function flow(f: Family, protocol: Protocol = 'tcp', backend: Person = 'blue') {
	const data = protocol === 'udp' ? {data: new Uint8Array(33).fill(7)} : {};
	const port = protocol === 'sctp' ? 80 : 8080;
	const make = (ends: Ends, flags = 'A') =>
		protocol === 'tcp' ? f.tcp({...ends, flags}) : f[protocol]({...ends, ...data});
	const asked = {from: 'red', sourcePort: 40_000} as const;
	const answered = {to: 'red', destinationPort: 40_000} as const;
	return {
		toService: (flags?: string, sourcePort = 40_000) =>
			make({...asked, sourcePort, to: 'service', destinationPort: 80}, flags),
		toBackend: (flags?: string, to = backend) =>
			make({...asked, to, destinationPort: port}, flags),
		fromBackend: (flags?: string) =>
			make({...answered, from: backend, sourcePort: port}, flags),
		fromService: (flags?: string) =>
			make({...answered, from: 'service', sourcePort: 80}, flags),
	};
}

/** A case in which there is this service. */
export const at = (f: Family, service: TestService) => ({
	prepare: (node: GuardedNode) => {
		installService(node, f, service);
	},
});

/** What blue serves. */
export const served: TestService = {backends: [{at: 'blue'}]};

/** The error about a packet, from whom it was for. */
export function told(f: Family, about: Packet, code: 'port' | 'hops'): Packet {
	const ip = about.get('ipv4') ?? about.get('ipv6');
	const frame = about.get('ethernet');
	const [source, destination] = [ip?.destination, ip?.source];
	const l4 = (about.offsetOf('tcp') ?? about.offsetOf('udp') ?? 0) + 20;
	const original = about.bytes.slice(14, l4);
	const link = {source: frame?.destination, destination: frame?.source};
	const from = code === 'port' ? source : f.address.host;
	const base = f.ip(
		{},
		...(f.is6
			? [icmpv6({...(code === 'port' ? {type: 1, code: 4} : {type: 3}), original})]
			: [icmp({...(code === 'port' ? {type: 3, code: 3} : {type: 11}), original})]),
	);
	const framed = base.with('ethernet', link);
	return f.is6
		? framed.with('ipv6', {source: from, destination})
		: framed.with('ipv4', {source: from, destination});
}
