/**
 * Tests a load balancer by a table of packets, then measures what the same table says.
 *
 *     node dist/examples/lab-load-balancer.js
 *
 * Kernel 5.15. Its program is bpf/xdp_balance.bpf.c.
 */

import {loadCollection, readObject} from 'skep';
import {
	cases,
	ethernet,
	formatMeasurements,
	ipv4,
	ipv6,
	measureCases,
	packet,
	runCases,
	tcp,
	udp,
} from 'skep/lab';

import {objectPath} from './objects.js';

const client = '02:00:00:00:00:01';
const balancer = '02:00:00:00:00:02';
const macs = ['02:00:00:00:01:01', '02:00:00:00:01:02'];

const object = await readObject(objectPath('xdp_balance'));
using collection = loadCollection(object, {
	codecs: {
		services: {key: {address: {bytes: 'ipv6'}, port: 'be16'}},
		backends: {value: {mac: 'mac'}},
	},
});

/** Both families have one service, whose backends are the same. */
for (const bytes of ['::ffff:192.0.2.80', '2001:db8::80']) {
	const key = {address: {bytes}, port: 80, l4_proto: 6, pad: [0, 0, 0, 0, 0]};
	collection.map('services').set(key, {first: 0, count: macs.length});
	collection.map('services').set({...key, port: 81}, {first: 0, count: 0});
}

for (const [slot, mac] of macs.entries()) {
	collection.map('backends').set(slot, {mac, pad: [0, 0], packets: 0n});
}

const from = ethernet({source: client, destination: balancer});
const to = (slot: number) => ethernet({source: balancer, destination: macs[slot] ?? ''});
const four = ipv4({source: '198.51.100.1', destination: '192.0.2.80'});
const six = ipv6({source: '2001:db8:1::1', destination: '2001:db8::80'});
const syn = (sourcePort: number, destinationPort = 80) =>
	tcp({sourcePort, destinationPort, flags: 'S'});

const table = cases(
	collection.program('xdp_balance'),
	[
		{
			name: 'a flow of IPv4 goes to a backend',
			packet: packet(from, four, syn(4000)),
			verdict: 'tx',
			out: packet(to(0), four, syn(4000)),
			maps: {backends: [{key: 0, after: {packets: 1}}]},
		},
		{
			name: 'another flow goes to another backend',
			packet: packet(from, four, syn(4003)),
			verdict: 'tx',
			out: packet(to(1), four, syn(4003)),
			maps: {backends: [{key: 1, after: {packets: 1}}]},
		},
		{
			name: 'a flow of IPv6 goes to a backend',
			packet: packet(from, six, syn(4000)),
			verdict: 'tx',
			out: packet(to(1), six, syn(4000)),
			maps: {backends: [{key: 1, after: {packets: 1}}]},
		},
		{
			name: 'a service without backends is not there',
			packet: packet(from, four, syn(4000, 81)),
			verdict: 'drop',
			maps: {backends: []},
		},
		{
			name: 'what is not for a service passes',
			packet: packet(from, four, udp({destinationPort: 80})),
			verdict: 'pass',
			out: 'unchanged',
			maps: {backends: []},
		},
	],
	{maps: collection},
);

for (const {name, failure} of runCases(table)) console.log(failure ?? `ok: ${name}`);
console.log(formatMeasurements(await measureCases(table, {repeat: 1000, rounds: 5})));
