/** Services that a proxy of the node takes, and those that are for backends of the node alone. */

import {exactly} from './nat-packets.js';
import type {Family} from './people.js';
import {at, flow} from './service-packets.js';
import type {TestService} from './services.js';
import {egress, ingress, table, type TableLine} from './table.js';

const proxied: TestService = {flags: ['l7LoadBalancer'], proxyPort: 10_001};
const open: TestService = {...proxied, flags: ['l7LoadBalancer', 'loadBalancer', 'routable']};
/** To port 10001, as a proxy reads it. */
const marked = {contextOut: {mark: 0x1127_0200}} as const;
const nothing = {red: {ingress: [], egress: []}} as const;

function fromEndpoint(f: Family): TableLine[] {
	const {toService, fromService} = flow(f);
	const packet = toService('S');
	return [
		{
			name: 'a proxy takes what is for the service, as it is',
			...{...at(f, proxied), packet, goes: 'proxy', ...marked, out: exactly(packet)},
			maps: {
				[f.tcpFlows]: [
					{
						key: {saddr: f.address.service, dport: 80, flags: 0},
						before: undefined,
						after: {proxy_redirect: true, policy_revision: 0, rev_nat_index: 0},
					},
				],
			},
		},
		{
			name: 'the policy is not asked, as the proxy knows what it lets pass',
			...{...at(f, proxied), policies: nothing, packet, goes: 'proxy'},
		},
		{
			name: 'the proxy gets what follows, too',
			...{...at(f, proxied), given: [packet], policies: nothing},
			...{packet: toService('A'), goes: 'proxy', ...marked},
		},
		{
			name: 'what the proxy answers gets to the endpoint',
			...{...at(f, proxied), given: [packet], policies: nothing},
			...{packet: fromService('SA'), program: 'to_endpoint', goes: 'endpoint'},
		},
		{
			name: 'what is for no service asks the policy',
			...{...at(f, proxied), policies: nothing},
			...{packet: flow(f).toBackend('S'), drop: [133, egress]},
		},
	];
}

function fromNetwork(f: Family): TableLine[] {
	const packet = f.tcp({from: 'world', to: 'service', flags: 'S'});
	return [
		{
			name: 'a proxy takes what the network sends to the service',
			...{...at(f, open), packet, goes: 'proxy', ...marked, out: exactly(packet)},
		},
		{
			name: 'the address of a cluster is for endpoints',
			...{...at(f, proxied), packet, drop: [174, ingress]},
		},
		{
			name: 'who is in no range that is let in',
			...at(f, {
				...open,
				flags: [...(open.flags ?? []), 'sourceRange'],
				ranges: [f.prefixes.lab],
			}),
			...{packet, drop: [177, ingress]},
		},
	];
}

function redirected(f: Family): TableLine[] {
	const local: TestService = {flags: ['localRedirect']};
	const elsewhere = {at: 'lab'} as const;
	const {toService} = flow(f);
	const ports = [40_000, 40_001, 40_002, 40_003, 40_004, 40_005];
	return [
		{
			name: 'a backend of the node is chosen, wherever it stands',
			...at(f, {...local, backends: [elsewhere, elsewhere, {at: 'blue'}, elsewhere]}),
			packets: ports.map(port => ({packet: toService('S', port), goes: 'peer'})),
		},
		{
			name: 'the host is of the node, too',
			...at(f, {...local, backends: [elsewhere, {at: 'host'}]}),
			packets: ports.map(port => ({packet: toService('S', port), goes: 'stack'})),
		},
		{
			name: 'a service without any has no backend',
			...at(f, {...local, backends: [elsewhere]}),
			...{packet: toService('S'), drop: [158, egress]},
		},
	];
}

table('from_endpoint', fromEndpoint, {services: {}});
table('from_netdev', fromNetwork, {services: {nodePort: true}});
table('from_endpoint', redirected, {services: {}});
