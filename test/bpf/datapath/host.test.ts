/** The host as an endpoint with a policy of its own. */

import {ethernet, icmpv6, ipv6, packet, tcp} from '../../../src/lab/index.js';
import {families, identities, type Family} from './people.js';
import {egress, ingress, table, tableOf, type TableLine, type TableSettings} from './table.js';

const firewall: TableSettings = {hostFirewall: true};
const ssh = {protocol: 6, port: 22} as const;
const closed = {host: {ingress: [], egress: []}} as const;

table(
	'from_netdev',
	(f: Family): TableLine[] => {
		const opener = f.tcp({from: 'world', to: 'host', destinationPort: 22, flags: 'S'});
		return [
			{
				name: 'the world gets in where it is let',
				policies: {host: {ingress: [{peer: f.worldIdentity, ...ssh}]}},
				...{packet: opener, goes: 'host', out: 'unchanged'},
				maps: {[f.tcpFlows]: [{key: {dport: 22, flags: 1}, before: undefined}]},
			},
			{
				name: 'the world does not get in elsewhere',
				policies: {host: {ingress: [{peer: f.worldIdentity, protocol: 6, port: 80}]}},
				...{packet: opener, drop: [133, ingress]},
			},
			{
				name: 'the world does not get in where it is denied',
				policies: {
					host: {ingress: [{}, {peer: f.worldIdentity, deny: true, precedence: 1}]},
				},
				...{packet: opener, drop: [181, ingress]},
			},
			{
				name: 'what answers the host comes in',
				policies: {host: {ingress: [], egress: [{}]}},
				given: [
					{packet: f.tcp({from: 'host', to: 'world', flags: 'S'}), program: 'to_netdev'},
				],
				packet: f.tcp({
					...{from: 'world', to: 'host', flags: 'SA'},
					...{sourcePort: 80, destinationPort: 40_000},
				}),
				goes: 'host',
			},
			{
				name: 'a proxy of the host gets it',
				policies: {host: {ingress: [{...ssh, proxy: 10_001}]}},
				...{packet: opener, goes: 'proxy', contextOut: {mark: 0x1127_0200}},
			},
			{
				name: 'what the host would not let in passes in audit mode',
				policies: {host: {ingress: [], audit: true}},
				...{packet: opener, goes: 'host'},
			},
			{
				name: 'what is for others passes',
				policies: closed,
				...{packet: f.tcp({from: 'world', to: 'lab'}), goes: 'by itself'},
			},
		];
	},
	firewall,
);

table(
	'to_netdev',
	(f: Family): TableLine[] => {
		const opener = f.tcp({from: 'host', to: 'world', flags: 'S'});
		return [
			{
				name: 'the host gets out where it is let',
				policies: {host: {egress: [{peer: f.worldIdentity}]}},
				...{packet: opener, goes: 'network', out: 'unchanged'},
				maps: {[f.tcpFlows]: [{key: {flags: 0}, after: {src_sec_id: identities.host}}]},
			},
			{
				name: 'the host does not get out elsewhere',
				policies: {host: {egress: [{peer: identities.desk}]}},
				...{packet: opener, drop: [133, egress]},
			},
			{
				name: 'what the host answers gets out',
				policies: {host: {ingress: [{}], egress: []}},
				given: [
					{
						packet: f.tcp({from: 'world', to: 'host', flags: 'S'}),
						program: 'from_netdev',
					},
				],
				packet: f.tcp({
					...{from: 'host', to: 'world', flags: 'SA'},
					...{sourcePort: 80, destinationPort: 40_000},
				}),
				goes: 'network',
			},
			{
				name: 'what is of endpoints passes',
				policies: closed,
				...{packet: f.tcp({from: 'red', to: 'world'}), goes: 'by itself'},
			},
		];
	},
	firewall,
);

table(
	'to_endpoint',
	(f: Family): TableLine[] => [
		{
			name: 'an endpoint is asked about what the host sends, whatever proxy the host has',
			policies: {host: {egress: [{proxy: 10_001}]}, red: {ingress: []}},
			...{packet: f.tcp({from: 'host', to: 'red', flags: 'S'}), drop: [133, ingress]},
		},
		{
			name: 'the host routes for an endpoint and tells it what became of its flow',
			policies: closed,
			given: [{packet: f.udp(), program: 'from_endpoint'}],
			packet: f.unreachable({from: 'host', to: 'red'}, f.udp()),
			goes: 'endpoint',
		},
		{
			name: 'about what the endpoint did not send it tells nothing that it may not say',
			policies: closed,
			...{packet: f.unreachable({from: 'host', to: 'red'}, f.udp()), drop: [133, egress]},
		},
	],
	firewall,
);

table(
	'from_endpoint',
	(f: Family): TableLine[] => {
		const packetToHost = f.tcp({to: 'host', destinationPort: 22, flags: 'S'});
		return [
			{
				name: 'an endpoint gets to the host where it is let',
				policies: {host: {ingress: [{peer: identities.red, ...ssh}]}},
				...{packet: packetToHost, goes: 'stack'},
			},
			{
				name: 'an endpoint does not get to the host elsewhere',
				policies: {host: {ingress: [{peer: identities.blue, ...ssh}]}},
				...{packet: packetToHost, drop: [133, ingress]},
			},
			{
				name: 'its own policy is asked first',
				policies: {red: {egress: []}, host: {ingress: []}},
				...{packet: packetToHost, drop: [133, egress]},
			},
			{
				name: 'what answers the host gets to it',
				policies: {host: {ingress: [], egress: [{}]}},
				given: [
					{
						...{packet: f.tcp({from: 'host', to: 'red', flags: 'S'})},
						program: 'to_endpoint',
					},
				],
				packet: f.tcp({
					...{to: 'host', flags: 'SA', sourcePort: 80, destinationPort: 40_000},
				}),
				goes: 'stack',
			},
		];
	},
	firewall,
);

table(
	'to_endpoint',
	(f: Family): TableLine[] => [
		{
			name: 'the host gets to an endpoint where it is let',
			policies: {host: {egress: [{peer: identities.red}]}},
			...{packet: f.tcp({from: 'host', to: 'red', flags: 'S'}), goes: 'endpoint'},
		},
		{
			name: 'the host does not get to an endpoint elsewhere',
			policies: {host: {egress: [{peer: identities.blue}]}},
			...{packet: f.tcp({from: 'host', to: 'red', flags: 'S'}), drop: [133, egress]},
		},
		{
			name: 'the endpoint is asked, too',
			policies: {host: {egress: [{peer: identities.red}]}, red: {ingress: []}},
			...{packet: f.tcp({from: 'host', to: 'red', flags: 'S'}), drop: [133, ingress]},
		},
		{
			name: 'the host is not asked for what others send',
			policies: closed,
			...{packet: f.tcp({from: 'world', to: 'red', flags: 'S'}), goes: 'endpoint'},
		},
	],
	firewall,
);

const [, v6] = families;
const message = (from: 'host' | 'world', type: number) =>
	packet(
		ethernet(),
		ipv6({
			...{source: v6.address[from], hopLimit: 255},
			destination: v6.address[from === 'host' ? 'world' : 'host'],
		}),
		icmpv6({type, target: v6.address.host}),
	);
const neighbours = (from: 'host' | 'world'): TableLine[] =>
	[133, 134, 135, 136].map(type => ({
		...{name: `message ${type}`, policies: closed, packet: message(from, type)},
		...{goes: 'by itself', out: 'unchanged'},
	}));

tableOf('from_netdev', 'a host that lets nothing in has neighbours', neighbours('world'), firewall);
tableOf('to_netdev', 'a host that lets nothing out has neighbours', neighbours('host'), firewall);

const toLink = packet(
	ethernet(),
	ipv6({source: v6.address.red, destination: 'fe80::1'}),
	tcp({destinationPort: 22, flags: 'S'}),
);
tableOf(
	'from_endpoint',
	"an address of an endpoint's link is the host's",
	[
		{
			name: 'who may go to the host may go there',
			policies: {red: {egress: [{peer: identities.host}]}},
			...{packet: toLink, goes: 'stack'},
		},
		{
			name: 'who may go to the world may not',
			policies: {red: {egress: [{peer: v6.worldIdentity}]}},
			...{packet: toLink, drop: [133, egress]},
		},
		{
			name: 'the host is asked',
			...{policies: closed, packet: toLink, drop: [133, ingress]},
		},
	],
	firewall,
);
