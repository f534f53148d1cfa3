/** Hairpins, ICMP errors and fragments of services' flows. */

import {ethernet, fragment, ipv4, ipv6, packet, udp, type Packet} from '../../../src/lab/index.js';
import {exactly} from './nat-packets.js';
import {arrived, at, flow, served, told, type Ends} from './service-packets.js';
import type {TestService} from './services.js';
import type {Family} from './people.js';
import {egress, ingress, table, type TableLine, type TableSettings} from './table.js';

const services: TableSettings = {services: {}};

function itself(f: Family): TableLine[] {
	const {toService} = flow(f);
	const hairpin: TestService = {backends: [{at: 'red'}]};
	const port = {sourcePort: 40_000, destinationPort: 8080} as const;
	const back = {sourcePort: 8080, destinationPort: 40_000} as const;
	const opened = f.tcp({from: 'loopback', to: 'red', ...port, flags: 'S'});
	const answer = f.tcp({from: 'red', to: 'loopback', ...back, flags: 'SA'});
	const got = f.tcp({...back, from: 'service', to: 'red', sourcePort: 80, flags: 'SA'});
	const closed = {red: {ingress: [], egress: []}} as const;
	const asked = f.udp({from: 'loopback', to: 'red', ...port});
	const heard = f.udp({from: 'red', to: 'service', destinationPort: 80});
	return [
		{
			name: 'red meets itself under the loopback address, whatever its policy',
			...{...at(f, hairpin), policies: closed, packet: toService('S'), goes: 'peer'},
			out: exactly(arrived(f, opened, 'red')),
		},
		{
			name: 'and its answer comes from the service',
			...{...at(f, hairpin), policies: closed, given: [toService('S')]},
			...{packet: answer, goes: 'peer', out: exactly(arrived(f, got, 'red'))},
		},
		{
			name: 'an error of its own comes from the service, too',
			...at(f, {...hairpin, protocol: 17}),
			given: [f.udp({from: 'red', to: 'service', destinationPort: 80})],
			packet: f.unreachable({from: 'red', to: 'loopback'}, asked),
			goes: 'peer',
			out: exactly(arrived(f, f.unreachable({from: 'service', to: 'red'}, heard), 'red')),
		},
		{
			name: 'nobody else is the loopback address',
			...{...at(f, hairpin), policies: {red: {ingress: []}}},
			...{packet: opened, program: 'to_endpoint', drop: [133, ingress]},
		},
	];
}

function errors(f: Family): TableLine[] {
	const {toService, toBackend, fromBackend, fromService} = flow(f, 'udp');
	const service = {...at(f, {...served, protocol: 17}), given: [toService()]};
	const tcp = flow(f);
	const tired = f.is6
		? tcp.toService('S').with('ipv6', {hopLimit: 1})
		: tcp.toService('S').with('ipv4', {ttl: 1});
	return [
		...(['blue', 'node'] as const).map(from => ({
			name: `an error from ${from} about a request is one about the packet that red sent`,
			...service,
			packet: f.unreachable({from, to: 'red'}, toBackend()),
			...{program: 'to_endpoint' as const, goes: 'endpoint' as const},
			out: exactly(
				f.unreachable({from: from === 'blue' ? 'service' : from, to: 'red'}, toService()),
			),
		})),
		{
			name: "red's error about a reply is one about the packet that blue sent",
			...service,
			packet: f.unreachable({from: 'red', to: 'service'}, fromService()),
			goes: 'peer',
			out: exactly(arrived(f, f.unreachable({from: 'red', to: 'blue'}, fromBackend()))),
		},
		{
			name: 'its error about what the service did not send stays as it is',
			...at(f, {...served, protocol: 17}),
			packet: f.unreachable({from: 'red', to: 'service'}, fromService()),
			...{goes: 'stack', out: 'unchanged'},
		},
		{
			name: 'a packet that has no hop left is told of as it was sent',
			...{...at(f, served), packet: tired, goes: 'back', counts: [[196, egress]]},
			out: exactly(told(f, tired, 'hops')),
		},
	];
}

/** A piece of a datagram: the first with its ports, or a later one. */
function piece(
	f: Family,
	{from, to}: Pick<Ends, 'from' | 'to'>,
	ports?: Omit<Ends, 'from' | 'to'>,
): Packet {
	const [source, destination] = [f.address[from], f.address[to]];
	const own = {
		fragmentOffset: ports === undefined ? 24 : 0,
		moreFragments: ports !== undefined,
		identification: 7,
	};
	const parts = [...(ports === undefined ? [] : [udp(ports)]), new Uint8Array(16).fill(9)];
	const number = ports === undefined ? 17 : undefined;
	return f.is6
		? packet(
				...[ethernet(), ipv6({source, destination})],
				...[fragment({...own, ...(number && {nextHeader: number})}), ...parts],
			)
		: packet(
				ethernet(),
				ipv4({source, destination, ...own, ...(number && {protocol: number})}),
				...parts,
			);
}

function fragments(f: Family): TableLine[] {
	const service = at(f, {...served, protocol: 17});
	const asked = {sourcePort: 40_000, destinationPort: 80};
	const taken = {sourcePort: 40_000, destinationPort: 8080};
	const back = {sourcePort: 8080, destinationPort: 40_000};
	const told = {sourcePort: 80, destinationPort: 40_000};
	const [there, through] = [
		{from: 'red', to: 'service'},
		{from: 'red', to: 'blue'},
	] as const;
	const [home, seen] = [
		{from: 'blue', to: 'red'},
		{from: 'service', to: 'red'},
	] as const;
	const counts = (direction: number) => [[9, direction]] as const;
	const toBlue = {goes: 'peer', counts: counts(egress)} as const;
	const toRed = {program: 'to_endpoint', goes: 'endpoint', counts: counts(ingress)} as const;
	return [
		{
			...{name: 'fragments of a datagram get to one backend', ...service},
			packets: [
				{
					...{packet: piece(f, there, asked), ...toBlue},
					out: exactly(arrived(f, piece(f, through, taken))),
				},
				{
					...{packet: piece(f, there), ...toBlue},
					out: exactly(arrived(f, piece(f, through))),
				},
			],
		},
		{
			...{name: 'those of the reply come from the service', ...service},
			given: [piece(f, there, asked), piece(f, there)],
			packets: [
				{
					...{packet: piece(f, home, back), ...toRed},
					out: exactly(piece(f, seen, told)),
				},
				{...{packet: piece(f, home), ...toRed}, out: exactly(piece(f, seen))},
			],
		},
	];
}

function rejected(f: Family): TableLine[] {
	const syn = flow(f).toService('S');
	return [
		{
			name: 'who asks a service without backends is told so',
			...{...at(f, {}), packet: syn, goes: 'back', counts: [[158, egress]]},
			out: exactly(told(f, syn, 'port')),
		},
	];
}

table('from_endpoint', itself, services);
table('from_endpoint', errors, services);
table('from_endpoint', fragments, services);
table('from_endpoint', rejected, {services: {noBackend: 'reject'}});
