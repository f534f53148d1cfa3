/** The datapath's programs and maps, filled for the people of the tables and attached nowhere. */

import type {ExecutionContext} from 'ava';

import {openDatapathMaps, type DatapathMaps} from '../../../src/datapath/index.js';
import {prepareObject, type NodeSettings} from '../../../src/datapath/objects.js';
import {
	createPolicyMap,
	openPolicyTypes,
	type PolicyMap,
} from '../../../src/datapath/policy/policy-map.js';
import {raiseIpcacheRevision, raisePolicyRevision} from '../../../src/datapath/revisions.js';
import {mapSizes} from '../../../src/datapath/sizes.js';
import type {BpfMap} from '../../../src/object/map/map.js';
import {loadCollection} from '../../../src/object/collection/load-collection.js';
import type {Program} from '../../../src/object/program/program.js';
import type {CollectionSpec} from '../../../src/spec/types.js';
import {makeBpffs} from '../../helpers/bpffs.js';
import {families, identities, macs} from './people.js';
import {serviceMaps} from './services.js';

/** One entry of an endpoint's policy; what is not given matches all. */
export interface Rule {
	/** Identity. */
	readonly peer?: number;
	readonly protocol?: number;
	/** For ICMP the type. */
	readonly port?: number;
	/** Bits of the port that count: 16 unless given. */
	readonly bits?: number;
	readonly deny?: boolean;
	readonly proxy?: number;
	readonly auth?: number;
	readonly precedence?: number;
}

/** What is not given is not enforced. */
export interface Policy {
	readonly ingress?: readonly Rule[];
	readonly egress?: readonly Rule[];
	readonly audit?: boolean;
}

export const programNames = ['from_endpoint', 'to_endpoint', 'from_netdev', 'to_netdev'] as const;
export type ProgramName = (typeof programNames)[number];

/** Ids of who has a policy. */
export const endpointIds = {red: 1, blue: 2, green: 3, far: 4, host: 60} as const;
export type Guarded = keyof typeof endpointIds;

/** Test runs are on the loopback device, so it is red's. */
const interfaces = {red: 1, blue: 2, green: 3, far: 65_537} as const;

/** What the programs write, and what cases change. */
const watched = [
	...(['metrics', 'metricsPending', 'policyStats', 'fragments4', 'fragments6'] as const),
	...(['ctTcp4', 'ctTcp6', 'ctAny4', 'ctAny6', 'endpointDevices', 'ipcache'] as const),
	...(['nat4', 'nat6', 'natRetries4', 'natRetries6'] as const),
] as const;

export interface GuardedNode {
	readonly programs: Readonly<Record<ProgramName, Program>>;
	readonly maps: DatapathMaps;
	readonly watched: Readonly<Record<string, BpfMap>>;
	/** Everybody's, from now on; those who are not named have none. */
	readonly setPolicies: (policies: Partial<Record<Guarded, Policy>>) => void;
	/** The identity of an address, from now on. */
	readonly setIdentity: (prefix: string, identity: number) => void;
	readonly close: () => void;
}

const loaded = new Map<string, Promise<GuardedNode>>();

/** Loaded once in a process for each choice of settings. */
export async function guardedNode(
	t: ExecutionContext,
	settings: NodeSettings,
): Promise<GuardedNode> {
	const key = JSON.stringify(settings);
	const known = loaded.get(key) ?? load(t, settings);
	loaded.set(key, known);
	return known;
}

/** For when all tests of the process have run. */
export async function closeGuardedNodes(): Promise<void> {
	for (const node of await Promise.allSettled(loaded.values())) {
		if (node.status === 'fulfilled') node.value.close();
	}

	// Where files run in one process the next one has its own.
	loaded.clear();
}

/** Small enough to be looked at before and after each packet. */
function shrink(spec: CollectionSpec): CollectionSpec {
	const sizes: Record<string, number> = {
		...{lxc_devices: 8, lxc_settings: 64, policies: 64, policystats: 256, metrics: 256},
		...{ipv4_frag_datagrams: 64, ipv6_frag_datagrams: 64},
	};
	const maps = Object.entries(spec.maps).map(([name, map]) => {
		return [name, {...map, maxEntries: sizes[name] ?? map.maxEntries}] as const;
	});
	return {...spec, maps: Object.fromEntries(maps)};
}

async function load(t: ExecutionContext, settings: NodeSettings): Promise<GuardedNode> {
	const root = await makeBpffs(t);
	const sizes = {...mapSizes(), conntrackTcp: 256, conntrackAny: 256, nat: 256};
	const full: NodeSettings = {
		gateway: {ipv4: families[0].address.host, ipv6: families[1].address.host},
		...settings,
		constants: {
			// What a packet does is not to depend on those before it, but where that is looked at.
			local_shortcuts: 0,
			...settings.constants,
			...(settings.hostFirewall === true && {host_endpoint_id: endpointIds.host}),
		},
	};
	const programs: Record<string, Program> = {};
	const opened: Disposable[] = [];
	for (const name of ['endpoint', 'host'] as const) {
		const spec = shrink(await prepareObject(name, full, sizes));
		const collection = loadCollection(spec, {pinRoot: root});
		opened.push(collection);
		Object.assign(programs, collection.programs);
	}

	// All opened now: the pins end with the test.
	const maps = openDatapathMaps({root, write: true});
	const names = [...watched, ...(settings.services === undefined ? [] : serviceMaps)];
	const watchedMaps = Object.fromEntries(names.map(name => [name, maps.require(name)]));
	fillEndpoints(maps);
	const setIdentity = identitySetter(maps);
	for (const {prefixes, address} of families) {
		setIdentity(prefixes.lab, identities.lab);
		setIdentity(prefixes.room, identities.room);
		setIdentity(address.desk, identities.desk);
		setIdentity(address.node, identities.node);
		// What is not known is the world's.
		setIdentity(address.multicast, 0);
	}

	const setPolicies = policySetter(maps, opened);
	setPolicies({});
	return {
		programs: programs as Record<ProgramName, Program>,
		maps,
		watched: watchedMaps,
		setPolicies,
		setIdentity,
		close() {
			maps.close();
			for (const one of opened) one[Symbol.dispose]();
		},
	};
}

function fillEndpoints(maps: DatapathMaps): void {
	const endpoints = maps.require('endpoints');
	const devices = maps.require('endpointDevices');
	const more = maps.require('moreEndpointDevices');
	for (const name of ['red', 'blue', 'green', 'far'] as const) {
		const ifindex = interfaces[name];
		const info = {
			...{ifindex, lxc_id: endpointIds[name], sec_id: identities[name]},
			flags: name === 'green' ? 2 : 0,
			mac: name === 'red' ? macs.red : macs.blue,
			node_mac: name === 'red' ? macs.redNode : macs.blueNode,
		};
		const [ip4, ip6] = [families[0].address[name], families[1].address[name]];
		const addresses = name === 'red' ? [...otherAddresses(), ip4, ip6] : [ip4, ip6];
		for (const address of addresses) endpoints.set({address}, {...info, parent_ifindex: 0});
		if (name === 'far') more.set(ifindex, {...info, ip4, ip6});
		else devices.set(ifindex, {...info, ip4, ip6});
	}

	for (const {address} of families) {
		const none = '00:00:00:00:00:00';
		const head = {ifindex: 0, lxc_id: 0, flags: 1, sec_id: identities.host, parent_ifindex: 0};
		endpoints.set({address: address.host}, {...head, mac: none, node_mac: none});
	}
}

const otherAddresses = (): string[] => families.map(({address}) => address.other);

function identitySetter(maps: DatapathMaps) {
	const ipcache = maps.require('ipcache');
	maps.require('runtimeConfig');
	return (prefix: string, identity: number): void => {
		ipcache.set({prefix}, {sec_identity: identity});
		raiseIpcacheRevision(maps);
	};
}

function policySetter(maps: DatapathMaps, opened: Disposable[]) {
	const policies = maps.require('policies');
	const settings = maps.require('endpointSettings');
	// Filled again for each case: replacing them would wait for the kernel each time.
	const tables: Record<number, PolicyMap> = {};
	const types = openPolicyTypes(settings.info.btfId);
	for (const id of Object.values(endpointIds)) {
		const map = createPolicyMap('policy_table', [], types);
		opened.push(map);
		tables[id] = map;
		policies.set(id, map);
	}
	types?.fd.close();

	return (given: Partial<Record<Guarded, Policy>>): void => {
		for (const [name, id] of Object.entries(endpointIds)) {
			const {ingress, egress, audit} = given[name as Guarded] ?? {};
			const flags = (ingress ? 1 : 0) | (egress ? 2 : 0) | (audit === true ? 4 : 0);
			const rules = [
				...(ingress ?? []).map(rule => entryOf(rule, false)),
				...(egress ?? []).map(rule => entryOf(rule, true)),
			];
			const map = tables[id];
			if (map !== undefined) {
				for (const key of [...map.keys()]) map.delete(key);
				map.setMany(rules);
			}

			settings.set(id, {policy_revision: settings.get(id)?.policy_revision ?? 1, flags});
			raisePolicyRevision(maps, id);
		}
	};
}

function entryOf(rule: Rule, egress: boolean) {
	const {peer = 0, protocol, port, bits = port === undefined ? 0 : 16} = rule;
	const length = protocol === undefined ? 0 : 8 + bits;
	return [
		{
			...{prefixlen: 40 + length, sec_label: peer, egress},
			...{protocol: protocol ?? 0, dport: port ?? 0},
		},
		{
			...{deny: rule.deny === true, proxy_port: rule.proxy ?? 0},
			...{lpm_prefix_length: length, auth_type: rule.auth ?? 0},
			...{has_explicit_auth_type: rule.auth !== undefined},
			...{precedence: rule.precedence ?? 0, cookie: 0},
		},
	] as const;
}
