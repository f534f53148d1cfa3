/** An endpoint guarded by the built programs, which packets are run through. */

import {fileURLToPath} from 'node:url';
import type {ExecutionContext} from 'ava';

import {openDatapathMaps, type DatapathMaps} from '../../../src/datapath/index.js';
import {Policies} from '../../../src/datapath/policy/policies.js';
import {
	ethernet,
	icmp,
	icmpv6,
	ipv4,
	ipv6,
	packet,
	runPacket,
	tcp,
	udp,
	type PacketPart,
} from '../../../src/lab/index.js';
import type {Collection} from '../../../src/object/collection/collection.js';
import {loadCollection} from '../../../src/object/collection/load-collection.js';
import {readObject} from '../../../src/spec/read.js';
import {makeBpffs} from '../../helpers/bpffs.js';

/** The endpoint's id and identity. */
export const endpoint = {id: 11, identity: 300} as const;
/** Identities of peers. */
export const peers = {web: 400, db: 401, net: 0x01_00_00_01, world4: 9, world6: 10} as const;
export type Peer = keyof typeof addresses;

/** One host of each; `net` is inside a prefix. */
const addresses = {
	web: ['10.0.1.1', 'fd00:1::1'],
	db: ['10.0.1.2', 'fd00:1::2'],
	net: ['10.2.3.4', 'fd00:2::3:4'],
	world: ['198.51.100.7', '2001:db8::7'],
} as const;
const own = ['10.0.0.1', 'fd00::1'] as const;
const prefixes = [
	['10.0.1.1/32', peers.web],
	['fd00:1::1/128', peers.web],
	['10.0.1.2/32', peers.db],
	['fd00:1::2/128', peers.db],
	['10.2.0.0/16', peers.net],
	['fd00:2::/32', peers.net],
] as const;

export type Family = 4 | 6;
export type Direction = 'ingress' | 'egress';
/** What a packet carries: a port of the destination, or a type of ICMP of the family. */
export type Carried = `${'tcp' | 'udp' | 'icmp'} ${number}`;

export interface Guarded {
	readonly root: string;
	readonly maps: DatapathMaps;
	readonly policies: Policies;
	readonly collection: Collection;
	/**
	 * What becomes of the first packet of a flow, or of a packet of the flow `source` where that is
	 * given: `pass`, `drop REASON`, `proxy PORT`.
	 */
	readonly send: (
		direction: Direction,
		family: Family,
		carried: Carried,
		peer?: Peer,
		source?: number,
	) => string;
}

/** Loads the programs with maps of the test's own. */
export async function guardEndpoint(t: ExecutionContext): Promise<Guarded> {
	const root = await makeBpffs(t);
	const object = fileURLToPath(new URL('../../../bpf/endpoint.bpf.o', import.meta.url));
	const collection = loadCollection(await readObject(object), {pinRoot: root});
	t.teardown(() => {
		collection.close();
	});
	const maps = openDatapathMaps({root, write: true});
	t.teardown(() => {
		maps.close();
	});
	writeEndpoint(maps);
	let source = 1024;
	const send: Guarded['send'] = (direction, family, carried, peer = 'web', given) => {
		source = 1024 + ((source + 1) % 60_000);
		const data = frame(direction, family, carried, peer, given ?? source);
		const name = direction === 'egress' ? 'from_endpoint' : 'to_endpoint';
		const before = droppedBy(maps);
		const {verdict, context} = runPacket(collection.program(name), data, {
			maps: [],
			context: {mark: 0},
		});
		if (verdict === 'shot') {
			const reason = [...droppedBy(maps)].find(
				([each, count]) => count !== (before.get(each) ?? 0n),
			);
			return `drop ${reason?.[0]}`;
		}

		const mark = context.mark ?? 0;
		const port = mark >>> 16;
		return (mark & 0xf00) === 0x200 ? `proxy ${((port & 255) << 8) | (port >> 8)}` : 'pass';
	};
	return {root, maps, policies: new Policies(maps), collection, send};
}

/** The loopback device is the endpoint's, as far as the programs know: test runs come by it. */
function writeEndpoint(maps: DatapathMaps): void {
	const place = {
		ifindex: 1,
		lxc_id: endpoint.id,
		flags: 0,
		mac: '02:00:00:00:00:01',
		node_mac: '02:00:00:00:00:02',
		sec_id: endpoint.identity,
	};
	for (const address of own) {
		maps.require('endpoints').set({address}, {...place, parent_ifindex: 0});
	}

	maps.require('endpointDevices').set(1, {...place, ip4: own[0], ip6: own[1]});
	maps.require('endpointSettings').set(endpoint.id, {policy_revision: 1, flags: 0});
	for (const [prefix, sec_identity] of prefixes) {
		maps.require('ipcache').set({prefix}, {sec_identity});
	}
}

/** A frame of a flow between the endpoint and a peer. */
export function frame(
	direction: Direction,
	family: Family,
	carried: Carried,
	peer: Peer,
	from: number,
): Uint8Array {
	const index = family === 4 ? 0 : 1;
	const ends = [own[index], addresses[peer][index]];
	const [source, destination] = direction === 'egress' ? ends : ends.reverse();
	const [kind, number = 0] = carried.split(' ');
	const ports = {sourcePort: from, destinationPort: Number(number)};
	const layers: Record<string, PacketPart> = {
		tcp: tcp(ports),
		udp: udp(ports),
		icmp:
			family === 4
				? icmp({type: Number(number), identifier: from})
				: icmpv6({type: Number(number), identifier: from}),
	};
	const carriedLayer = layers[kind ?? ''];
	if (carriedLayer === undefined) throw new TypeError(`there is no ${kind}`);
	const network = (family === 4 ? ipv4 : ipv6)({source, destination});
	return packet(ethernet(), network, carriedLayer, 'data').bytes;
}

function droppedBy(maps: DatapathMaps): Map<number, bigint> {
	const counts = new Map<number, bigint>();
	for (const [{reason}, values] of maps.require('metrics')) {
		const sum = values.reduce((total, {count}) => total + count, 0n);
		counts.set(reason, (counts.get(reason) ?? 0n) + sum);
	}

	return counts;
}
