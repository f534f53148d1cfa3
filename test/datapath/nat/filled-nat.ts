/** Maps of a datapath with flows that were translated, both families. */

import type {ExecutionContext} from 'ava';

import {openDatapathMaps, type CtTuple, type DatapathMaps} from '../../../src/datapath/index.js';
import {prepareObject} from '../../../src/datapath/objects.js';
import {mapSizes} from '../../../src/datapath/sizes.js';
import {loadCollection} from '../../../src/object/collection/load-collection.js';
import {makeBpffs} from '../../helpers/bpffs.js';

/** Everybody's address. */
export const families = [
	{family: 4, red: '10.0.0.1', blue: '10.0.0.2', node: '198.51.100.1', world: '192.0.2.9'},
	{family: 6, red: 'fd00::1', blue: 'fd00::2', node: '2001:db8:1::1', world: '2001:db8::9'},
] as const;
export type Addresses = (typeof families)[number];

/** Whom flows get to, and what they become. */
export interface Ends {
	readonly family: 4 | 6;
	readonly node: string;
	readonly world: string;
}

/** What is put into the maps. */
export interface Given {
	readonly source: string;
	readonly port: number;
	/** Of the node; as the source's unless given. */
	readonly to?: number;
	readonly dport?: number;
	readonly protocol?: number;
	readonly flow?: boolean;
	readonly out?: boolean;
	readonly in?: boolean;
	readonly created?: number;
	readonly needsCt?: boolean;
}

export interface FilledNat {
	readonly root: string;
	readonly maps: DatapathMaps;
	/** One flow: its two entries, and that of conntrack. */
	readonly add: (who: Ends, given: Given) => void;
}

const noCt = {
	...{lifetime: 4_000_000_000, rx_closing: false, tx_closing: false, lb_loopback: false},
	...{seen_non_syn: true, node_port: false, proxy_redirect: false, dsr_internal: false},
	...{from_l7lb: false, from_tunnel: false, rev_nat_index: 0, tx_flags_seen: 0},
	...{rx_flags_seen: 0, src_sec_id: 0, last_tx_report: 0, last_rx_report: 0},
	...{policy_revision: 0, peer_ifindex: 0, backend_id: 0n, packets: 0n, bytes: 0n, nat_port: 0},
};

/** The datapath's maps alone; all goes with the test. */
export async function fillNat(t: ExecutionContext): Promise<FilledNat> {
	const root = await makeBpffs(t);
	const sizes = {...mapSizes(), conntrackTcp: 4096, conntrackAny: 4096, nat: 4096};
	const collection = loadCollection(await prepareObject('host', {}, sizes), {pinRoot: root});
	t.teardown(() => {
		collection.close();
	});
	const maps = openDatapathMaps({root, write: true});
	t.teardown(() => {
		maps.close();
	});
	return {root, maps, add: adder(maps)};
}

function adder(maps: DatapathMaps) {
	return ({family, node, world}: Ends, given: Given): void => {
		const {source, port, to = port, dport = 443, protocol = 6} = given;
		const nat = maps.require(`nat${family}`);
		const head = {created: BigInt(given.created ?? 1), needs_ct: given.needsCt ? 1n : 0n};
		const key = {daddr: world, saddr: source, dport, sport: port, nexthdr: protocol, flags: 0};
		if (given.out !== false) nat.set(key, {...head, to_address: node, to_port: to});
		const back: CtTuple = {
			...key,
			daddr: node,
			saddr: world,
			dport: to,
			sport: dport,
			flags: 1,
		};
		if (given.in !== false) nat.set(back, {...head, to_address: source, to_port: port});
		if (given.flow === false) return;
		const flows = maps.require(protocol === 6 ? `ctTcp${family}` : `ctAny${family}`);
		flows.set({...key, daddr: source, saddr: world}, noCt);
	};
}
