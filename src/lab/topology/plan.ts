/** A topology with everything decided: names, numbers, addresses. Needs no kernel. */

import {parseMac, parsePrefix, type Prefix} from '../../base/address.js';
import type {Route} from '../../kernel/netlink/routes.js';
import {hostPrefix, segmentPrefixes, type SegmentPrefixes} from './addressing.js';
import {LabError} from './lab-error.js';
import {planRoutes} from './routing.js';
import {joinSegments} from './segments.js';
import type {
	EndOptions,
	HostOptions,
	Hosts,
	LinkOptions,
	NetemOptions,
	Offloads,
	Topology,
	VxlanOptions,
} from './topology.js';

/** What a host does with frames that are not its own. */
export type Role = 'host' | 'router' | 'bridge';

export interface PlannedInterface {
	readonly node: PlannedNode;
	readonly name: string;
	readonly ifindex: number;
	readonly mac: Uint8Array;
	readonly mtu: number | undefined;
	/** Absent on ports of bridges, and where the family is switched off. */
	readonly ipv4: Prefix | undefined;
	readonly ipv6: Prefix | undefined;
	/** Which others it reaches without a router. */
	readonly segment: number;
	readonly isTunnel: boolean;
	/** Names of what is at the other end, or ends. */
	readonly peers: readonly string[];
	readonly offloads: Offloads | undefined;
	readonly netem: NetemOptions | undefined;
}

export interface PlannedNode {
	readonly name: string;
	readonly role: Role;
	/** Place in the description, from 1. */
	readonly number: number;
	readonly interfaces: PlannedInterface[];
	readonly options: HostOptions;
	/** Addresses on `lo`. */
	readonly addresses: readonly Prefix[];
	/** In order: a route's gateway is reached by those before. */
	readonly routes: Route[];
}

export interface PlannedVxlan {
	readonly vni: number;
	readonly port: number;
	readonly ends: readonly {readonly interface: PlannedInterface; readonly local: Uint8Array}[];
}

export interface Plan {
	readonly name: string;
	readonly nodes: readonly PlannedNode[];
	readonly veths: readonly (readonly [PlannedInterface, PlannedInterface])[];
	readonly vxlans: readonly PlannedVxlan[];
	readonly neighbours: 'given' | 'learned';
}

/** Interfaces are numbered from here: below, kernels put their own into new namespaces. */
const firstIfindex = 101;
/** The number of a bridge itself. */
export const bridgeIfindex = 100;
const maxNodes = 254;
const vxlanHeaders = {ipv4: 50, ipv6: 70} as const;
const defaultMtu = 1500;
const namePattern = /^[\w-]{1,32}$/;

/** Decides what a description leaves open. *Throws:* `ERR_LAB`, `ERR_ADDRESS`. */
export function planTopology(topology: Topology): Plan {
	return new Planner(topology).plan();
}

class Planner {
	private readonly topology: Topology;
	private readonly name: string;
	private readonly nodes = new Map<string, PlannedNode>();
	private readonly prefixes: SegmentPrefixes[] = [];

	constructor(topology: Topology) {
		this.topology = topology;
		this.name = topology.name ?? 'lab';
		if (!namePattern.test(this.name))
			this.fail('its name has other characters than a-z, 0-9, -, _, or more than 32');
	}

	plan(): Plan {
		const {hosts, routers = [], bridges = [], links = [], vxlans = []} = this.topology;
		this.addNodes('host', hosts);
		this.addNodes('router', routers);
		this.addNodes('bridge', bridges);
		if (this.nodes.size > maxNodes) this.fail(`more than ${maxNodes} hosts`);
		const given = links.map(link => ('between' in link ? link : {between: link}));
		const veths = this.addLinks(given);
		const planned = vxlans.map((vxlan, i) => this.addVxlan(vxlan, i));
		const nodes = [...this.nodes.values()];
		if (this.topology.routes !== 'none') planRoutes(nodes);
		for (const node of nodes) this.addGivenRoutes(node);
		const {neighbours = 'given'} = this.topology;
		return {name: this.name, nodes, veths, vxlans: planned, neighbours};
	}

	private fail(detail: string): never {
		throw new LabError('lay out', this.name, detail);
	}

	private addNodes(role: Role, hosts: Hosts<string>): void {
		for (const [name, options] of entriesOf(hosts)) {
			if (!namePattern.test(name)) {
				this.fail(
					`the name of ${role} "${name}" has other characters than a-z, 0-9, -, _, or more than 32`,
				);
			}

			if (this.nodes.has(name)) this.fail(`there are two of the name "${name}"`);
			const addresses = (options.addresses ?? []).map(parsePrefix);
			const number = this.nodes.size + 1;
			const node = {name, role, number, options, addresses, interfaces: [], routes: []};
			this.nodes.set(name, node);
		}
	}

	private node(name: string): PlannedNode {
		return this.nodes.get(name) ?? this.fail(`there is no host "${name}"`);
	}

	private addLinks(links: readonly LinkOptions[]): [PlannedInterface, PlannedInterface][] {
		const isBridge = (name: string): boolean => this.node(name).role === 'bridge';
		const segments = joinSegments(links, isBridge);
		links.forEach((link, i) => this.addPrefixes(segments[i] ?? 0, link));
		return links.map((link, i) => {
			const [left, right] = link.between;
			if (left === right) this.fail(`a link joins "${left}" with itself`);
			const end = (name: string, peer: string): PlannedInterface =>
				this.addInterface(this.node(name), link.ends?.[name], {
					segment: segments[i] ?? 0,
					isTunnel: false,
					mtu: link.mtu,
					peers: [peer],
					offloads: link.offloads,
					netem: link.netem,
				});
			return [end(left, right), end(right, left)];
		});
	}

	private addPrefixes(segment: number, given: Pick<LinkOptions, 'ipv4' | 'ipv6'>): void {
		const before = this.prefixes[segment];
		this.prefixes[segment] = segmentPrefixes(segment, given, before);
	}

	private addVxlan(options: VxlanOptions, index: number): PlannedVxlan {
		const {between, vni = index + 1, over = 'ipv4', port = 4789} = options;
		if (between.length < 2) this.fail(`VXLAN ${vni} joins less than two hosts`);
		const underlays = between.map(name => {
			const found = this.node(name).interfaces.find(one => !one.isTunnel && one[over]);
			return found ?? this.fail(`host "${name}" has no ${over} for VXLAN ${vni} to run over`);
		});
		const room = Math.min(...underlays.map(({mtu = defaultMtu}) => mtu));
		const segment = this.prefixes.length;
		this.addPrefixes(segment, options);
		const ends = between.map((name, i) => ({
			interface: this.addInterface(this.node(name), options.ends?.[name], {
				segment,
				isTunnel: true,
				mtu: options.mtu ?? room - vxlanHeaders[over],
				peers: between.filter(other => other !== name),
				offloads: undefined,
				netem: undefined,
			}),
			local: underlays[i]?.[over]?.address ?? new Uint8Array(4),
		}));
		return {vni, port, ends};
	}

	private addInterface(
		node: PlannedNode,
		given: EndOptions = {},
		rest: Pick<
			PlannedInterface,
			'segment' | 'isTunnel' | 'mtu' | 'peers' | 'offloads' | 'netem'
		>,
	): PlannedInterface {
		const place = node.interfaces.length;
		const ethernets = node.interfaces.filter(({isTunnel}) => isTunnel === rest.isTunnel).length;
		const name = given.name ?? `${rest.isTunnel ? 'vxlan' : 'eth'}${ethernets}`;
		if (name === '' || Buffer.byteLength(name) > 15 || /[\s/:]/.test(name)) {
			this.fail(`an interface of "${node.name}" cannot be named "${name}"`);
		}

		if (node.interfaces.some(other => other.name === name)) {
			this.fail(`"${node.name}" has two interfaces "${name}"`);
		}

		const segment = this.prefixes[rest.segment];
		const added: PlannedInterface = {
			...rest,
			node,
			name,
			ifindex: firstIfindex + place,
			mac: given.mac ? parseMac(given.mac) : Uint8Array.of(2, 0, 0, 0, node.number, place),
			ipv4: this.address(node, rest.segment, 'ipv4', given.ipv4, segment?.ipv4),
			ipv6: this.address(node, rest.segment, 'ipv6', given.ipv6, segment?.ipv6),
			offloads: given.offloads ?? rest.offloads,
			netem: given.netem ?? rest.netem,
		};
		node.interfaces.push(added);
		return added;
	}

	private address(
		node: PlannedNode,
		segment: number,
		family: 'ipv4' | 'ipv6',
		given: string | undefined,
		prefix: Prefix | undefined,
	): Prefix | undefined {
		if (node.role === 'bridge') return undefined;
		if (given !== undefined) {
			const parsed = parsePrefix(given);
			if ((parsed.address.length === 4) === (family === 'ipv4')) return parsed;
			this.fail(`${family} of "${node.name}" is ${given}`);
		}

		if (prefix === undefined) return undefined;
		// A second interface of the same host in the same segment counts from the top.
		const before = node.interfaces.filter(other => other.segment === segment).length;
		const number = before === 0 ? node.number : maxNodes + 1 - before;
		return (
			hostPrefix(prefix, number) ??
			this.fail(`${family} of host ${number}, "${node.name}", has no room in its prefix`)
		);
	}

	private addGivenRoutes(node: PlannedNode): void {
		for (const {to, via} of node.options.routes ?? []) {
			const [destination, gateway] = [parsePrefix(to), parsePrefix(via).address];
			const family = gateway.length === 4 ? 'ipv4' : 'ipv6';
			const out = node.interfaces.find(one => {
				const prefix = one[family];
				return prefix && contains(prefix, gateway);
			});
			if (!out || destination.address.length !== gateway.length) {
				this.fail(`host "${node.name}" has no neighbour ${via} for its route to ${to}`);
			}

			node.routes.push({destination, gateway, ifindex: out.ifindex});
		}
	}
}

function entriesOf(hosts: Hosts<string>): [string, HostOptions][] {
	const isList = (each: Hosts<string>): each is readonly string[] => Array.isArray(each);
	return isList(hosts) ? hosts.map(name => [name, {}]) : Object.entries(hosts);
}

function contains({address, length}: Prefix, other: Uint8Array): boolean {
	return address.every((byte, i) => {
		const bits = Math.min(8, Math.max(0, length - i * 8));
		return ((byte ^ (other[i] ?? 0)) & (0xff00 >> bits) & 0xff) === 0;
	});
}
