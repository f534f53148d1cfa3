/** Routes by which every segment is reached from everywhere. */

import type {Prefix} from '../../base/address.js';
import {networkKey, networkOf} from './addressing.js';
import type {PlannedInterface, PlannedNode} from './plan.js';

const families = ['ipv4', 'ipv6'] as const;
type Family = (typeof families)[number];

/** How a node gets on: the interface, and the neighbour's on the same segment. */
interface Hop {
	readonly out: PlannedInterface;
	readonly gateway: PlannedInterface;
}

interface Target {
	readonly prefixes: Readonly<Record<Family, readonly Prefix[]>>;
	/** Where packets for it are delivered, and whether these must be routers for that. */
	readonly at: readonly PlannedNode[];
	readonly isSegment: boolean;
	/** May be reached through tunnels: what tunnels run over may not. */
	readonly throughTunnels: boolean;
}

/**
 * Gives each node the routes of the shortest ways. A host with one router gets a default route
 * instead.
 */
export function planRoutes(nodes: readonly PlannedNode[]): void {
	const speaking = nodes.filter(({role}) => role !== 'bridge');
	const found = new Map<PlannedNode, {hop: Hop; target: Target}[]>();
	for (const target of findTargets(speaking)) {
		for (const [node, hop] of findHops(target, speaking)) {
			found.set(node, [...(found.get(node) ?? []), {hop, target}]);
		}
	}

	for (const node of speaking) {
		const ways = found.get(node) ?? [];
		const routers = neighboursOf(node, speaking).filter(
			({gateway}) => gateway.node.role === 'router',
		);
		const [only] = routers;
		const isOnly = (hop: Hop): boolean => hop.gateway.node === only?.gateway.node;
		const hasDefault =
			node.role === 'host' && routers.every(isOnly) && ways.every(({hop}) => isOnly(hop));
		if (hasDefault && only) {
			addRoutes(node, only, {ipv4: [anyIpv4], ipv6: [anyIpv6]});
			continue;
		}

		for (const {hop, target} of ways) addRoutes(node, hop, target.prefixes);
	}
}

const anyIpv4: Prefix = {address: new Uint8Array(4), length: 0};
const anyIpv6: Prefix = {address: new Uint8Array(16), length: 0};

function addRoutes(node: PlannedNode, hop: Hop, to: Target['prefixes']): void {
	for (const family of families) {
		const gateway = hop.gateway[family]?.address;
		if (gateway === undefined || hop.out[family] === undefined) continue;
		for (const destination of to[family]) {
			node.routes.push({destination, gateway, ifindex: hop.out.ifindex});
		}
	}
}

function findTargets(nodes: readonly PlannedNode[]): Target[] {
	const segments = new Map<number, PlannedInterface[]>();
	for (const one of nodes.flatMap(({interfaces}) => interfaces)) {
		segments.set(one.segment, [...(segments.get(one.segment) ?? []), one]);
	}

	const networks = (members: readonly PlannedInterface[], family: Family): Prefix[] => {
		const all = members.flatMap(one => one[family] ?? []);
		return [...new Map(all.map(each => [networkKey(each), networkOf(each)])).values()];
	};
	const ofSegments = [...segments.values()].map(members => ({
		prefixes: {ipv4: networks(members, 'ipv4'), ipv6: networks(members, 'ipv6')},
		at: members.map(({node}) => node),
		isSegment: true,
		throughTunnels: members[0]?.isTunnel ?? false,
	}));
	const ofHosts = nodes
		.filter(({addresses}) => addresses.length > 0)
		.map(node => ({
			prefixes: {
				ipv4: node.addresses.filter(({address}) => address.length === 4).map(networkOf),
				ipv6: node.addresses.filter(({address}) => address.length === 16).map(networkOf),
			},
			at: [node],
			isSegment: false,
			throughTunnels: false,
		}));
	return [...ofSegments, ...ofHosts];
}

/** The first hop of the shortest way from each node that is not there already. */
function findHops(target: Target, nodes: readonly PlannedNode[]): Map<PlannedNode, Hop> {
	const hops = new Map<PlannedNode, Hop>();
	const seen = new Set(target.at);
	let edge = target.at.filter(({role}) => !target.isSegment || role === 'router');
	while (edge.length > 0) {
		const next: PlannedNode[] = [];
		for (const node of edge) {
			for (const {out: gateway, gateway: out} of neighboursOf(node, nodes)) {
				if (seen.has(out.node) || (out.isTunnel && !target.throughTunnels)) continue;
				seen.add(out.node);
				hops.set(out.node, {out, gateway});
				if (out.node.role === 'router') next.push(out.node);
			}
		}

		edge = next;
	}

	return hops;
}

/** The interfaces that a node reaches on its segments, each with its own that leads there. */
function neighboursOf(node: PlannedNode, nodes: readonly PlannedNode[]): Hop[] {
	return node.interfaces.flatMap(out =>
		nodes
			.filter(other => other !== node)
			.flatMap(({interfaces}) => interfaces)
			.filter(({segment}) => segment === out.segment)
			.map(gateway => ({out, gateway})),
	);
}
