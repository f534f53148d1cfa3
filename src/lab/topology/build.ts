/** Makes what a plan says, over rtnetlink. */

import {constants} from 'node:os';

import type {Prefix} from '../../base/address.js';
import {UnsupportedError} from '../../kernel/features/unsupported-error.js';
import {addAddress} from '../../kernel/netlink/addresses.js';
import {exchangeAll, type Change} from '../../kernel/netlink/exchange.js';
import {
	createBridge,
	createVeth,
	createVxlan,
	setMaster,
	setUp,
	type NewInterface,
	type VethEnd,
} from '../../kernel/netlink/interfaces.js';
import {addForwarding, addNeighbour} from '../../kernel/netlink/neighbours.js';
import {addNetem} from '../../kernel/netlink/netem.js';
import {NetlinkError} from '../../kernel/netlink/netlink-error.js';
import {listLocalAddresses} from '../../kernel/netlink/routes.js';
import {hasCarrier, setDeviceFeature, writeSetting} from '../../kernel/sys/namespace.js';
import {addRoutes, patience, waitABit} from './add-routes.js';
import {linkLocal} from './addressing.js';
import {expandOffloads} from './offloads.js';
import {
	bridgeIfindex,
	type Plan,
	type PlannedInterface,
	type PlannedNode,
	type PlannedVxlan,
} from './plan.js';

const {ENOENT, EOPNOTSUPP} = constants.errno;
/** How the kernel refuses kinds of interfaces and queueing disciplines that it does not have. */
const absent = [EOPNOTSUPP, ENOENT];
const loopbackIfindex = 1;

/** Builds a plan in namespaces that are there and empty. *Throws:* `ERR_NETLINK`, `ERR_NAMESPACE`. */
export function buildPlan(plan: Plan, netnsOf: (node: PlannedNode) => number): void {
	for (const node of plan.nodes) {
		for (const [path, value] of settingsOf(node)) writeSetting(path, value, netnsOf(node));
	}

	const end = ({node, ...one}: PlannedInterface): VethEnd => ({...one, netns: netnsOf(node)});
	// Made in the lab's own namespaces, they never show up in that of this process. Before kernel 6.14
	// a name that is taken is looked for where it is asked from, not where it will be.
	for (const node of plan.nodes) {
		const own = plan.veths.filter(([left]) => left.node === node);
		const veths = own.map(([left, right]) => createVeth(end(left), end(right)));
		applyChanges(veths, netnsOf(node));
	}

	for (const node of plan.nodes) applyChanges(changesOf(node, plan), netnsOf(node));
	for (const node of plan.nodes) finish(node, netnsOf(node));
	for (const node of plan.nodes) {
		waitForAddresses(node, netnsOf(node));
		addRoutes(node.routes, netnsOf(node));
	}
}

/** Sends changes. *Throws:* `ERR_UNSUPPORTED` with the name of what the kernel was built without. */
export function applyChanges(changes: readonly Change[], netns: number): void {
	try {
		exchangeAll(changes, netns);
	} catch (error) {
		if (!(error instanceof NetlinkError) || !absent.includes(error.errno)) throw error;
		const needs = changes.find(({what}) => what === error.request)?.needs;
		if (needs === undefined) throw error;
		const {request, errno} = error;
		throw new UnsupportedError(request, needs, undefined, {cause: error, errno});
	}
}

/** Written before there are interfaces, which take them over. */
function settingsOf({role, options}: PlannedNode): [path: string, value: string][] {
	// A bridge says nothing of its own.
	if (role === 'bridge') return [['net/ipv6/conf/default/disable_ipv6', '1']];
	const forwarding = [
		['net/ipv4/ip_forward', '1'],
		['net/ipv6/conf/all/forwarding', '1'],
	] as const;
	return [
		['net/ipv4/conf/all/rp_filter', '0'],
		['net/ipv4/conf/default/rp_filter', '0'],
		// Link-local addresses are given, and nobody looks for routers.
		['net/ipv6/conf/default/addr_gen_mode', '1'],
		['net/ipv6/conf/default/accept_ra', '0'],
		['net/ipv6/conf/default/accept_dad', '0'],
		['net/ipv4/ping_group_range', '0 2147483647'],
		...(role === 'router' ? forwarding.map(([path, value]) => [path, value] as const) : []),
		...Object.entries(options.settings ?? {}).map(
			([path, value]) => [path, `${value}`] as const,
		),
	].map(([path, value]) => [path, value]);
}

function changesOf(node: PlannedNode, plan: Plan): Change[] {
	const {interfaces, addresses} = node;
	const isBridge = node.role === 'bridge';
	const numbers = interfaces.map(({ifindex}) => ifindex);
	return [
		setUp(loopbackIfindex),
		...(isBridge ? [createBridge(bridgeOf(node))] : []),
		...(isBridge ? numbers.map(ifindex => setMaster(ifindex, bridgeIfindex)) : []),
		...plan.vxlans.flatMap(vxlan => vxlanChanges(vxlan, node)),
		...interfaces.flatMap(one => netemChange(one)),
		...addresses.map(prefix => addAddress(loopbackIfindex, prefix)),
		...interfaces.flatMap(one => addressesOf(one).map(each => addAddress(one.ifindex, each))),
		...[...(isBridge ? [bridgeIfindex] : []), ...numbers].map(setUp),
		...(plan.neighbours === 'given' ? neighbourChanges(node, plan) : []),
	];
}

function bridgeOf({number}: PlannedNode): NewInterface {
	return {name: 'br0', ifindex: bridgeIfindex, mac: Uint8Array.of(2, 0, 0, 0, number, 0xff)};
}

function vxlanChanges({vni, port, ends}: PlannedVxlan, node: PlannedNode): Change[] {
	const own = ends.find(end => end.interface.node === node);
	if (own === undefined) return [];
	const {name, ifindex, mac, mtu} = own.interface;
	const others = ends.filter(end => end !== own);
	return [
		createVxlan({name, ifindex, mac, mtu, vni, port, local: own.local}),
		...others.flatMap(({local, interface: {mac: theirs}}) => [
			addForwarding(ifindex, new Uint8Array(6), local),
			addForwarding(ifindex, theirs, local),
		]),
	];
}

function netemChange({ifindex, netem}: PlannedInterface): Change[] {
	if (netem === undefined) return [];
	const {delay = 0, jitter = 0, loss = 0, limit = 1000} = netem;
	const nanoseconds = (ms: number): bigint => BigInt(Math.round(ms * 1e6));
	const settings = {delay: nanoseconds(delay), jitter: nanoseconds(jitter), loss: loss / 100};
	return [addNetem(ifindex, {...settings, limit})];
}

function addressesOf({node, ipv4, ipv6}: PlannedInterface): Prefix[] {
	const local = ipv6 ? [linkLocal(node.number)] : [];
	return [...(ipv4 ? [ipv4] : []), ...(ipv6 ? [ipv6] : []), ...local];
}

function neighbourChanges(node: PlannedNode, {nodes}: Plan): Change[] {
	const others = nodes.filter(other => other !== node).flatMap(other => other.interfaces);
	return node.interfaces.flatMap(({ifindex, segment, ipv4, ipv6}) =>
		others
			.filter(other => other.segment === segment)
			.flatMap(other =>
				addressesOf(other)
					.filter(({address}) => (address.length === 4 ? ipv4 : ipv6) !== undefined)
					.map(({address}) => addNeighbour({ifindex, address, mac: other.mac})),
			),
	);
}

/** What goes by name, and once both ends of every link are up. */
function finish(node: PlannedNode, netns: number): void {
	const names = node.interfaces.map(({name}) => name);
	for (const {name, offloads} of node.interfaces) {
		for (const [feature, on] of expandOffloads(offloads)) {
			setDeviceFeature(name, feature, on, netns);
		}
	}

	for (const name of node.role === 'bridge' ? [...names, 'br0'] : names) hasCarrier(name, netns);
}

/**
 * The kernel delivers to IPv6 addresses of a link a while after that has its carrier: until then a host
 * would pass its own packets on. Who waits in vain has a link without one.
 */
function waitForAddresses({role, addresses, interfaces}: PlannedNode, netns: number): void {
	if (role === 'bridge') return;
	const wanted = [...addresses, ...interfaces.flatMap(addressesOf)]
		.filter(({address}) => address.length === 16)
		.map(({address}) => String(address));
	if (wanted.length === 0) return;
	const start = performance.now();
	for (;;) {
		const there = new Set(listLocalAddresses(netns).map(String));
		if (wanted.every(address => there.has(address))) return;
		if (performance.now() - start > patience) return;
		waitABit();
	}
}
