/** ARP and neighbour solicitations for the gateway are answered, and nobody else's. */

import {
	arp,
	ethernet,
	icmpv6,
	ipv6,
	packet,
	type EthernetOptions,
	type Icmpv6Options,
} from '../../../src/lab/index.js';
import {families, macs} from './people.js';
import {egress, tableOf, type TableLine} from './table.js';

const [v4, v6] = families;
const link: EthernetOptions = {source: macs.red, destination: 'ff:ff:ff:ff:ff:ff'};
const ask = {senderMac: macs.red, senderIp: v4.address.red} as const;
const question = packet(ethernet(link), arp({...ask, targetIp: v4.address.host}));
const answer = packet(
	ethernet({source: macs.redNode, destination: macs.red}),
	arp({
		...{operation: 'reply', senderMac: macs.redNode, senderIp: v4.address.host},
		...{targetMac: macs.red, targetIp: v4.address.red},
	}),
);

const resolution: readonly TableLine[] = [
	{name: 'a request for the gateway is answered', packet: question, goes: 'back', out: answer},
	{
		name: 'so is a probe, which has no sender yet',
		packet: packet(
			ethernet(link),
			arp({...ask, senderIp: '0.0.0.0', targetIp: v4.address.host}),
		),
		goes: 'back',
		out: packet(
			ethernet({source: macs.redNode, destination: macs.red}),
			arp({
				...{operation: 'reply', senderMac: macs.redNode, senderIp: v4.address.host},
				...{targetMac: macs.red, targetIp: '0.0.0.0'},
			}),
		),
	},
	...(['blue', 'red', 'world'] as const).map(name => ({
		name: `a request for ${name} is for the stack`,
		packet: packet(ethernet(link), arp({...ask, targetIp: v4.address[name]})),
		goes: 'by itself' as const,
		out: 'unchanged' as const,
	})),
	{
		name: 'a reply is for the stack',
		packet: packet(
			ethernet(link),
			arp({...ask, operation: 'reply', targetIp: v4.address.host}),
		),
		goes: 'by itself',
		out: 'unchanged',
	},
	{name: 'a cut request is dropped', packet: question.bytes.slice(0, 41), drop: [134, egress]},
	{
		name: 'one with another size of addresses is for the stack',
		packet: question.bytes.map((byte, i) => (i === 18 ? 8 : byte)),
		goes: 'by itself',
		out: 'unchanged',
	},
];

const solicited = 'ff02::1:ff00:fe';

function solicitation(options: Icmpv6Options = {}, source = v6.address.red, hopLimit = 255) {
	return packet(
		ethernet({source: macs.red, destination: '33:33:ff:00:00:fe'}),
		ipv6({source, destination: solicited, hopLimit}),
		icmpv6({
			...{type: 'neighbourSolicitation', target: v6.address.host},
			options: [{kind: 'sourceLinkLayer', mac: macs.red}],
			...options,
		}),
	);
}

const advertisement = (destination: string) =>
	packet(
		ethernet({source: macs.redNode, destination: macs.red}),
		ipv6({source: v6.address.host, destination, hopLimit: 255}),
		icmpv6({
			...{type: 'neighbourAdvertisement', target: v6.address.host},
			...{router: true, solicited: true, override: true},
			options: [{kind: 'targetLinkLayer', mac: macs.redNode}],
		}),
	);

const discovery: readonly TableLine[] = [
	{
		name: 'a solicitation for the gateway is answered',
		packet: solicitation(),
		goes: 'back',
		out: advertisement(v6.address.red),
	},
	{
		name: 'so is one without options, which is shorter than the answer',
		packet: solicitation({options: []}),
		goes: 'back',
		out: advertisement(v6.address.red),
	},
	{
		name: 'so is one with more options, which is longer',
		packet: solicitation({
			options: [
				{kind: 'sourceLinkLayer', mac: macs.red},
				{kind: 'raw', type: 14, data: new Uint8Array(6)},
			],
		}),
		goes: 'back',
		out: advertisement(v6.address.red),
	},
	{
		name: 'so is one from a link-local address',
		packet: solicitation({}, 'fe80::1'),
		goes: 'back',
		out: advertisement('fe80::1'),
	},
	...(['blue', 'red', 'world'] as const).map(name => ({
		name: `a solicitation for ${name} is for the stack`,
		packet: solicitation({target: v6.address[name]}),
		goes: 'by itself' as const,
		out: 'unchanged' as const,
	})),
	{
		name: 'the search for a duplicate is for the stack',
		packet: solicitation({options: []}, '::'),
		goes: 'by itself',
		out: 'unchanged',
	},
	{
		name: "a solicitation from behind a router is no neighbour's",
		packet: solicitation({}, v6.address.red, 64),
		goes: 'stack',
		out: 'unchanged',
	},
	{
		name: 'what a neighbour says of a link goes to nobody beyond it',
		policies: {red: {egress: []}},
		packet: v6.icmp({to: 'world', hops: 255}, {}, {type: 136, target: v6.address.red}),
		drop: [133, egress],
	},
	{
		name: 'nor to another endpoint',
		policies: {blue: {ingress: []}},
		packet: v6.icmp({to: 'blue', hops: 255}, {}, {type: 136, target: v6.address.red}),
		drop: [133, 1],
	},
	{
		name: 'the host is answered',
		policies: {red: {egress: []}},
		packet: v6.icmp({to: 'host', hops: 255}, {}, {type: 136, target: v6.address.red}),
		goes: 'by itself',
	},
	{
		name: 'a cut solicitation is for the stack',
		packet: solicitation({options: []}).bytes.slice(0, 77),
		goes: 'by itself',
	},
	...([134, 137] as const).map(type => ({
		name: `no endpoint is a router: a message of type ${type}`,
		packet: solicitation({type, target: v6.address.host, options: []}, 'fe80::1'),
		drop: [132, egress] as const,
	})),
	...([133, 136] as const).map(type => ({
		name: `a message of type ${type} is for the stack`,
		packet: solicitation({type, target: v6.address.host, options: []}),
		goes: 'by itself' as const,
		out: 'unchanged' as const,
	})),
	...([132, 134, 137, 138, 143] as const).map(type => ({
		name: `a message of type ${type} is no neighbour's`,
		packet: v6.icmp({}, {}, {type}),
		goes: 'stack' as const,
	})),
];

const quiet: readonly TableLine[] = [
	{name: 'ARP', packet: question, goes: 'by itself', out: 'unchanged'},
	{name: 'neighbour discovery', packet: solicitation(), goes: 'by itself', out: 'unchanged'},
];

tableOf('from_endpoint', 'ARP', resolution);
tableOf('from_endpoint', 'ND', discovery);
tableOf('from_endpoint', 'not answered where the node answers itself', quiet, {
	constants: {answer_neighbours: 0},
});
tableOf('from_endpoint', 'not answered without a gateway', quiet, {gateway: {}});
tableOf('to_endpoint', 'what the stack asks passes', quiet);
tableOf('to_endpoint', 'of a link', [
	{
		name: 'what comes from behind a router is judged',
		policies: {red: {ingress: []}},
		packet: v6.icmp(
			{from: 'world', to: 'red', hops: 254},
			{},
			{type: 136, target: v6.address.red},
		),
		drop: [133, 1],
	},
]);
tableOf('from_netdev', 'what the network asks passes', quiet, {hostFirewall: true});
tableOf('to_netdev', 'what the host asks passes', quiet, {hostFirewall: true});
