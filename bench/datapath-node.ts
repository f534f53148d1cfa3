/** A node for test runs: what comes by the loopback device is an endpoint's, as far as it knows. */

import {
	datapathDown,
	datapathStatus,
	datapathUp,
	openDatapathMaps,
	Policies,
	type DatapathMaps,
	type PolicyRule,
} from '../src/datapath/index.js';
import {loadCollection, openPinnedProgram, parseObject, type Program} from '../src/index.js';
import {mountBpffs, type BenchBpffs} from './bpffs.js';
import {compileBench} from './flows.js';

/** Of the maps beside the flows. */
export interface NodeSize {
	readonly prefixes: number;
	/** Of each endpoint. */
	readonly policyEntries: number;
	/** What is known of a flow counts for a second: as ever unless given. */
	readonly shortcuts?: boolean;
}

/** As bench/bpf/datapath_floor.bpf.c knows them. */
const red = {id: 1, ifindex: 1, identity: 300, addresses: ['10.0.0.1', 'fd00::1']} as const;
const blue = {id: 2, ifindex: 70_000, identity: 400, addresses: ['10.0.0.2', 'fd00::2']} as const;
type Party = typeof red | typeof blue;
const world = {identity: 500, addresses: ['198.51.100.7', '2001:db8:1::7']} as const;
const closed = {identity: 600, addresses: ['203.0.113.7', '2001:db8:2::7']} as const;

/** Addresses by family: IPv4, IPv6. */
export const addresses = {
	red: red.addresses,
	blue: blue.addresses,
	world: world.addresses,
	closed: closed.addresses,
} as const;

/** A datapath and the floor on its maps, pinned in a bpf filesystem of their own. */
export class BenchNode {
	readonly program: Program;
	private readonly floors: ReturnType<typeof loadCollection>;
	private readonly maps: DatapathMaps;
	private readonly bpffs: BenchBpffs;
	private readonly root: string;

	private constructor(bpffs: BenchBpffs, floors: ReturnType<typeof loadCollection>) {
		this.bpffs = bpffs;
		this.floors = floors;
		const root = rootOf(bpffs);
		this.root = root;
		this.program = openPinnedProgram(`${root}/programs/from_endpoint`);
		this.maps = openDatapathMaps({root, write: true});
	}

	static async make(size: NodeSize): Promise<BenchNode> {
		const object = await compileBench('datapath_floor');
		const bpffs = mountBpffs();
		const root = rootOf(bpffs);
		try {
			// The sizes that stand in the objects, as the floor has them, too.
			await datapathUp({
				root,
				sizes: {conntrackTcp: 131_072, conntrackAny: 65_536},
				constants: {local_shortcuts: size.shortcuts === false ? 0 : 1},
			});
			const floors = parseObject(object, {name: 'datapath_floor'});
			const node = new BenchNode(bpffs, loadCollection(floors, {pinRoot: root}));
			await node.fill(size);
			return node;
		} catch (error) {
			await datapathDown({root});
			bpffs.close();
			throw error;
		}
	}

	floor(name: string): Program {
		return this.floors.program(name);
	}

	/** Names and verified instructions of the datapath's programs. */
	programs(): [string, number][] {
		return datapathStatus({root: this.root}).programs.map(({name}) => {
			using program = openPinnedProgram(`${this.root}/programs/${name}`);
			return [name, program.info().verifiedInstructions];
		});
	}

	/** Whose packets come by the loopback device. */
	actAs(who: 'red' | 'blue'): void {
		const party: Party = who === 'red' ? red : blue;
		this.maps.require('endpointDevices').set(1, {...device(party), ifindex: 1});
	}

	/** Entries of both conntrack maps for TCP. */
	connections(): number {
		return (['ctTcp4', 'ctTcp6'] as const)
			.map(name => [...this.maps.require(name).keys()].length)
			.reduce((a, b) => a + b);
	}

	async close(): Promise<void> {
		this.maps.close();
		this.program.close();
		this.floors.close();
		await datapathDown({root: this.root});
		this.bpffs.close();
	}

	private async fill({prefixes, policyEntries}: NodeSize): Promise<void> {
		const {maps} = this;
		for (const party of [red, blue]) {
			const {id, identity, ifindex} = party;
			maps.require('endpointDevices').set(ifindex & 0xffff, device(party));
			for (const address of party.addresses) {
				maps.require('endpoints').set(
					{address},
					{
						ifindex,
						lxc_id: id,
						flags: 0,
						mac: '02:00:00:00:00:01',
						node_mac: '02:00:00:00:00:02',
						sec_id: identity,
						parent_ifindex: 0,
					},
				);
			}
		}

		const named = [world, closed].flatMap(({identity, addresses: [ipv4, ipv6]}) => [
			[ipv4.replace(/7$/, '0/24'), identity] as const,
			[ipv6.replace(/7$/, '/48'), identity] as const,
		]);
		const others = Array.from({length: Math.max(0, prefixes - named.length)}, (_, i) => {
			const [high, low] = [(i >> 9) & 0xff, (i >> 1) & 0xff];
			const prefix = i % 2 === 0 ? `172.${high}.${low}.0/24` : `2001:${i.toString(16)}::/32`;
			return [prefix, 1000 + i] as const;
		});
		maps.require('ipcache').setMany(
			[...named, ...others].map(([prefix, sec_identity]) => [{prefix}, {sec_identity}]),
		);

		const policies = new Policies(maps);
		const rules = [...rulesOf(policyEntries)];
		await policies.replaceMany(
			[red, blue].map(({id}) => ({
				endpointId: id,
				rules,
				enforce: {ingress: true, egress: true},
			})),
		);
	}
}

/** All of TCP between the endpoints and to the world, and rules about others. */
function* rulesOf(entries: number): Generator<PolicyRule> {
	const peers = [red.identity, blue.identity, world.identity];
	const rule = {protocol: 'tcp', action: 'allow'} as const;
	yield {...rule, direction: 'egress', peers};
	yield {...rule, direction: 'ingress', peers};
	for (let i = 2 * peers.length; i < entries; i++) {
		yield {...rule, direction: i % 2 ? 'egress' : 'ingress', peers: 2000 + i, ports: 1 + i};
	}
}

function device({ifindex, id, identity, addresses: [ip4, ip6]}: Party) {
	return {
		ip4,
		ip6,
		mac: '02:00:00:00:00:01',
		node_mac: '02:00:00:00:00:02',
		sec_id: identity,
		ifindex,
		lxc_id: id,
		flags: 0,
	};
}

const rootOf = ({path}: BenchBpffs): string => `${path}/skep`;
