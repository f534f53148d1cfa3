/** Who a packet is from or for: by its mark, its address, or nobody knows. */

import {identities, type Family, type Person} from './people.js';
import type {ProgramName} from './guarded-node.js';
import {egress, ingress, table, type TableLine, type TablePacket} from './table.js';

/** Of a prefix, on this node alone. */
const local = 0x100_0001;

const mark = (identity: number): number =>
	(identity & 0xffff) * 0x1_0000 +
	((identity >> 16) & 0xff) +
	((identity >> 24) & 3) * 0x1000 +
	0xf00;

/** Peers and their identities. */
const peers = (f: Family): readonly (readonly [string, Person, number])[] => [
	['the longest prefix, an address', 'desk', identities.desk],
	['a longer prefix', 'room', identities.room],
	['a shorter prefix', 'lab', identities.lab],
	['a remote node', 'node', identities.node],
	['an address that no prefix covers', 'world', f.worldIdentity],
	['an address whose identity is 0', 'multicast', f.worldIdentity],
];

/** The packet passes by a rule for this identity alone, and by no other. */
function is(
	name: string,
	identity: number,
	side: 'ingress' | 'egress',
	step: TablePacket,
): TableLine[] {
	const rule = (peer: number) => ({red: {[side]: [{peer}]}});
	const direction = side === 'egress' ? egress : ingress;
	return [
		{name: `${name} is ${identity}`, policies: rule(identity), ...step},
		{
			name: `${name} is nobody else`,
			policies: rule(identity + 1),
			packet: step.packet,
			...(step.context && {context: step.context}),
			drop: [133, direction],
		},
	];
}

table('from_endpoint', f => [
	...peers(f).flatMap(([name, to, identity]) =>
		is(`${name}, as destination,`, identity, 'egress', {packet: f.udp({to}), goes: 'stack'}),
	),
	...is('an endpoint as destination', identities.blue, 'egress', {
		...{packet: f.udp({to: 'blue'}), goes: 'peer'},
	}),
	...is('the host as destination', identities.host, 'egress', {
		...{packet: f.udp({to: 'host'}), goes: 'stack'},
	}),
]);

table('to_endpoint', f => {
	const from = (person: Person, more: Partial<TablePacket> = {}): TablePacket => ({
		...{packet: f.udp({from: person, to: 'red'}), goes: 'endpoint', ...more},
	});
	return [
		...peers(f).flatMap(([name, person, identity]) =>
			is(`${name}, as source,`, identity, 'ingress', from(person)),
		),
		...is('an endpoint as source', identities.blue, 'ingress', from('blue')),
		...is('the host as source', identities.host, 'ingress', from('host')),
		...is(
			...(['who is named by a mark', 777, 'ingress'] as const),
			from('world', {context: {mark: mark(777)}}),
		),
		...is(
			...(['who is named by a mark of 24 bits', 0x12_3456, 'ingress'] as const),
			from('blue', {context: {mark: mark(0x12_3456)}}),
		),
		...is(
			...(['who is named by a mark of 26 bits', local, 'ingress'] as const),
			from('blue', {context: {mark: mark(local)}}),
		),
		...is(
			...(['the host by its mark', identities.host, 'ingress'] as const),
			from('world', {context: {mark: 0xc00}}),
		),
		...is(
			...(["who has a mark of somebody else's", identities.desk, 'ingress'] as const),
			from('desk', {context: {mark: 0x1234_0100}}),
		),
	];
});

/** From the network addresses count, whatever the mark says. */
const network: ProgramName = 'from_netdev';
table(network, f =>
	peers(f).flatMap(([name, from, identity]) => [
		{
			name: `${name}, as source, is ${identity}`,
			policies: {blue: {ingress: [{peer: identity}]}},
			packet: f.udp({from, to: 'blue'}),
			goes: 'peer',
		},
		{
			name: `${name}, as source, is nobody else`,
			policies: {blue: {ingress: [{peer: identity + 1}]}},
			packet: f.udp({from, to: 'blue'}),
			drop: [133, ingress],
		},
	]),
);

const unmarked = 0x400_0001;
table(
	network,
	f =>
		(
			[
				['one that counts on the node alone', local, mark(local)],
				['one that no mark has room for', unmarked, 0],
			] as const
		).map(([name, identity, expected]) => ({
			name: `${name} is not taken for another one at the interface`,
			meanwhile: ({setIdentity}) => {
				setIdentity(f.address.desk, identity);
			},
			packet: f.udp({from: 'desk', to: 'blue'}),
			goes: 'interface',
			contextOut: {mark: expected},
		})),
	{constants: {peer_redirect: 0}},
);
table(network, f => [
	{
		name: 'nobody in the network is the host',
		prepare: ({setIdentity}) => {
			setIdentity(f.address.host, identities.host);
		},
		policies: {blue: {ingress: [{peer: identities.host}]}},
		packet: f.udp({from: 'host', to: 'blue'}),
		drop: [133, ingress],
	},
]);
