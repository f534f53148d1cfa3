/**
 * Plays a TCP handshake through a conntrack map, and tells what each packet changes in it.
 *
 *     node dist/examples/lab-handshake.js
 *
 * Kernel 5.15. Its programs are in bpf/tc_track.bpf.c.
 */

import {loadCollection, readObject} from 'skep';
import {ethernet, ipv4, ipv6, packet, runPackets, tcp} from 'skep/lab';

import {objectPath} from './objects.js';

using collection = loadCollection(await readObject(objectPath('tc_track')), {
	codecs: {
		connections: {
			key: {
				inside: {bytes: 'ipv6'},
				outside: {bytes: 'ipv6'},
				inside_port: 'be16',
				outside_port: 'be16',
			},
		},
	},
});
const [egress, ingress] = ['track_egress', 'track_ingress'].map(name => collection.program(name));
if (egress === undefined || ingress === undefined) throw new Error('no such programs');

const inside = {sourcePort: 40_000, destinationPort: 443};
const outside = {sourcePort: 443, destinationPort: 40_000};
const families = {
	IPv4: [
		ipv4({source: '192.0.2.1', destination: '198.51.100.1'}),
		ipv4({source: '198.51.100.1', destination: '192.0.2.1'}),
	],
	IPv6: [
		ipv6({source: '2001:db8::1', destination: '2001:db8:1::1'}),
		ipv6({source: '2001:db8:1::1', destination: '2001:db8::1'}),
	],
} as const;

for (const [family, [out, back]] of Object.entries(families)) {
	const sent = (flags: string) => ({
		program: egress,
		packet: packet(ethernet(), out, tcp({...inside, flags})),
	});
	const received = (flags: string) => ({
		program: ingress,
		packet: packet(ethernet(), back, tcp({...outside, flags})),
	});
	const steps = [
		...[received('SA'), sent('S'), received('SA'), sent('A'), received('PA')],
		...[received('R'), received('PA')],
	];
	const runs = runPackets(egress, steps, {maps: collection, restore: true});
	console.log(`${family}:`);
	for (const [i, {verdict, effects}] of runs.entries()) {
		const way = steps[i]?.program === egress ? 'out' : 'in';
		const states = effects.map(({before, after}) => `${state(before)} -> ${state(after)}`);
		console.log(`  ${way}: ${String(steps[i]?.packet)}`);
		console.log(`    ${verdict ?? ''}${states.length > 0 ? `, ${states.join()}` : ''}`);
	}
}

function state(connection: unknown): string {
	if (connection === undefined) return 'nothing';
	return (connection as {readonly state: string}).state;
}
