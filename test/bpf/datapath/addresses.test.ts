/** Who may send what: source addresses, tags, and protocols that are not IP. */

import {ethernet, packet, vlan} from '../../../src/lab/index.js';
import {families, type Family} from './people.js';
import {egress, ingress, table, tableOf, type TableLine} from './table.js';

const sources = (f: Family): TableLine[] => [
	{name: 'an endpoint sends from its address', packet: f.tcp({flags: 'S'}), goes: 'stack'},
	{
		name: 'an endpoint sends from its second address',
		packet: f.tcp({from: 'other', flags: 'S'}),
		goes: 'stack',
	},
	...(['blue', 'far', 'host', 'world', 'multicast', 'nobody'] as const).map(from => ({
		name: `an endpoint does not send from an address of ${from}`,
		packet: f.tcp({from, flags: 'S'}),
		drop: [132, egress] as const,
	})),
	{
		name: 'nor answers',
		given: [{packet: f.tcp({from: 'world', to: 'red', flags: 'S'}), program: 'to_endpoint'}],
		packet: f.tcp({from: 'blue', to: 'world', flags: 'SA'}),
		drop: [132, egress],
	},
	{
		name: 'an endpoint without an address of this family does not send from none',
		packet: f.tcp({from: 'nobody', flags: 'S'}),
		meanwhile(node) {
			const devices = node.maps.require('endpointDevices');
			const red = devices.get(1);
			if (red === undefined) throw new TypeError('there is no red');
			devices.set(1, {...red, ip4: '0.0.0.0', ip6: '::'});
		},
		drop: [132, egress],
	},
	{
		name: 'an interface of nobody is not ready',
		packet: f.tcp({flags: 'S'}),
		meanwhile: node => {
			const devices = node.maps.require('endpointDevices');
			const red = devices.get(1);
			if (red === undefined) throw new TypeError('there is no red');
			devices.set(1, {...red, ifindex: 0});
		},
		drop: [203, egress],
	},
	{
		name: 'an id that settings have no room for is not ready',
		packet: f.tcp({flags: 'S'}),
		meanwhile: node => {
			const devices = node.maps.require('endpointDevices');
			const red = devices.get(1);
			if (red === undefined) throw new TypeError('there is no red');
			devices.set(1, {...red, lxc_id: 64});
		},
		drop: [203, egress],
	},
];

table('from_endpoint', sources);
table(
	'from_endpoint',
	f => [
		{
			name: 'an endpoint does not send to the port of tunnels',
			packet: f.udp({destinationPort: 8472}),
			drop: [170, egress],
		},
		{name: 'it sends to others', packet: f.udp({destinationPort: 8473}), goes: 'stack'},
		{
			name: 'it sends there by TCP',
			packet: f.tcp({destinationPort: 8472, flags: 'S'}),
			goes: 'stack',
		},
	],
	{constants: {tunnel_port: 8472}},
);

/** Not of IP, from the first byte on. */
const others: readonly (readonly [string, Uint8Array])[] = [
	['a local experiment', packet(ethernet(), 'hello').bytes],
	['LLDP', packet(ethernet({etherType: 0x88cc}), new Uint8Array(20)).bytes],
	[
		'a tag that the device did not take off',
		packet(ethernet(), vlan(), families[0].tcp().from('ipv4')).bytes,
	],
	['nothing behind the Ethernet header', packet(ethernet({etherType: 0x88b5})).bytes],
	['802.3', packet(ethernet({etherType: 46}), new Uint8Array(46)).bytes],
];

const unknown = (direction: number): TableLine[] =>
	others.map(([name, bytes]) => ({name, packet: bytes, drop: [139, direction]}));
const passing: TableLine[] = others.map(([name, bytes]) => ({
	...{name, packet: bytes, goes: 'by itself', out: 'unchanged'},
}));

tableOf('from_endpoint', 'dropped', unknown(egress));
tableOf('to_endpoint', 'dropped', unknown(ingress));
tableOf('from_netdev', 'passes', passing, {hostFirewall: true});
tableOf('to_netdev', 'passes', passing, {hostFirewall: true});
