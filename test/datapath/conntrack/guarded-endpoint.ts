import type {ExecutionContext} from 'ava';

import {openConntrack, openDatapathMaps} from '../../../src/datapath/index.js';
import type {DatapathMaps, OpenConntrack} from '../../../src/datapath/index.js';
import {prepareObject, type NodeSettings} from '../../../src/datapath/objects.js';
import {
	ethernet,
	icmp,
	icmpv6,
	ipv4,
	ipv6,
	packet,
	runPackets,
	sctp,
	tcp,
	udp,
	type Packet,
	type PacketPart,
} from '../../../src/lab/index.js';
import type {Collection} from '../../../src/object/collection/collection.js';
import {loadCollection} from '../../../src/object/collection/load-collection.js';
import {makeBpffs} from '../../helpers/bpffs.js';

/** An endpoint on the loopback device, where packets run that are run by hand. */
export interface GuardedEndpoint {
	readonly root: string;
	readonly programs: Collection;
	readonly maps: DatapathMaps;
	readonly conntrack: OpenConntrack;
	/** Runs packets one after the other; what became of each. */
	readonly send: (...packets: readonly Sent[]) => (string | undefined)[];
}

/** Out of the endpoint, or to it. */
export type Sent = readonly ['out' | 'in', Packet];

/** Addresses of the endpoint, of its peer, and of a router between them. */
export const addresses = {
	4: {own: '10.0.0.1', peer: '192.0.2.9', router: '198.51.100.1'},
	6: {own: 'fd00::1', peer: '2001:db8::9', router: '2001:db8:ffff::1'},
} as const;

export type Family = keyof typeof addresses;
export const families: readonly Family[] = [4, 6];

const mac = '02:00:00:00:00:01';

export async function guardEndpoint(
	t: ExecutionContext,
	{entries = 4096, ...settings}: NodeSettings & {entries?: number} = {},
): Promise<GuardedEndpoint> {
	const root = await makeBpffs(t);
	const sizes = {conntrackTcp: entries, conntrackAny: entries};
	const none = {nat: 1024, neighbours: 1024, socketReverseNat: 1024, services: 1024};
	const spec = await prepareObject('endpoint', settings, {...sizes, ...none});
	const programs = loadCollection(spec, {pinRoot: root});
	t.teardown(() => {
		programs.close();
	});
	const maps = openDatapathMaps({root, write: true});
	t.teardown(() => {
		maps.close();
	});
	const common = {mac, node_mac: mac, sec_id: 300, ifindex: 1, lxc_id: 7, flags: 0};
	const [ip4, ip6] = [addresses[4].own, addresses[6].own];
	maps.require('endpointDevices').set(1, {...common, ip4, ip6});
	for (const address of [ip4, ip6]) {
		maps.require('endpoints').set({address}, {...common, parent_ifindex: 0});
	}

	maps.require('endpointSettings').set(7, {policy_revision: 1, flags: 0});
	const conntrack = await openConntrack(maps);
	t.teardown(() => {
		conntrack.close();
	});
	const [out, into] = [programs.program('from_endpoint'), programs.program('to_endpoint')];
	const send = (...packets: readonly Sent[]): (string | undefined)[] =>
		runPackets(
			out,
			packets.map(([direction, each]) => ({
				packet: each,
				program: direction === 'out' ? out : into,
			})),
			{maps: []},
		).map(({verdict}) => verdict);
	return {root, programs, maps, conntrack, send};
}

/** From the endpoint to its peer. */
export function outward(family: Family, ...parts: readonly PacketPart[]): Packet {
	const {own, peer} = addresses[family];
	return between(family, own, peer, ...parts);
}

/** From the peer to the endpoint. */
export function inward(family: Family, ...parts: readonly PacketPart[]): Packet {
	const {own, peer} = addresses[family];
	return between(family, peer, own, ...parts);
}

export function between(
	family: Family,
	source: string,
	destination: string,
	...parts: readonly PacketPart[]
): Packet {
	const ip =
		family === 4
			? ipv4({source, destination})
			: ipv6({source, destination, nextHeader: undefined});
	return packet(ethernet({source: mac, destination: mac}), ip, ...parts);
}

/** Packets of a flow that the endpoint opens from its port 40000 to port 443. */
export function opened(
	family: Family,
	transport: 'tcp' | 'udp' | 'sctp' | 'echo',
): {readonly forth: (flags?: string) => Sent; readonly back: (flags?: string) => Sent} {
	const part = (isBack: boolean, flags: string): PacketPart => {
		const [sourcePort, destinationPort] = isBack ? [443, 40_000] : [40_000, 443];
		const ports = {sourcePort, destinationPort};
		if (transport === 'tcp') return tcp({...ports, flags});
		if (transport === 'udp') return udp(ports);
		if (transport === 'sctp') return sctp(ports);
		const echo = {type: isBack ? 'echoReply' : 'echoRequest', identifier: 40_000} as const;
		return family === 4 ? icmp(echo) : icmpv6(echo);
	};
	return {
		forth: (flags = 'A') => ['out', outward(family, part(false, flags))],
		back: (flags = 'A') => ['in', inward(family, part(true, flags))],
	};
}
