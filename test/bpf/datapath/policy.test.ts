/** What policies let pass, in both directions, and for how long. */

import {identities, type Family} from './people.js';
import type {Policy, ProgramName, Rule} from './guarded-node.js';
import {egress, ingress, table, type TableLine, type TablePacket, type Way} from './table.js';

/** A direction of red's policy: packets between red and the desk, whose identity is 502. */
interface Side {
	readonly program: ProgramName;
	readonly direction: number;
	readonly goes: Way;
	/** To red's peer or from it, on red's side of the flow. */
	readonly ip: {readonly from: 'red' | 'desk'; readonly to: 'red' | 'desk'};
	readonly policy: (...rules: Rule[]) => {readonly red: Policy};
}

const sides: readonly Side[] = [
	{
		...{program: 'from_endpoint', direction: egress, goes: 'stack'},
		ip: {from: 'red', to: 'desk'},
		policy: (...rules) => ({red: {egress: rules}}),
	},
	{
		...{program: 'to_endpoint', direction: ingress, goes: 'endpoint'},
		ip: {from: 'desk', to: 'red'},
		policy: (...rules) => ({red: {ingress: rules}}),
	},
];

const peer = identities.desk;
const http = {protocol: 6, port: 80} as const;

/** Rules, and what becomes of TCP to port 80. */
const verdicts: readonly (readonly [string, readonly Rule[], 'pass' | 'denied' | 'deny'])[] = [
	['nothing is allowed without rules', [], 'denied'],
	['a peer, protocol and port are allowed', [{peer, ...http}], 'pass'],
	['another peer is allowed', [{peer: identities.room, ...http}], 'denied'],
	['another protocol is allowed', [{peer, protocol: 17, port: 80}], 'denied'],
	['another port is allowed', [{peer, protocol: 6, port: 81}], 'denied'],
	['a peer is allowed', [{peer}], 'pass'],
	['a protocol of a peer is allowed', [{peer, protocol: 6}], 'pass'],
	['a port of anybody is allowed', [http], 'pass'],
	['a protocol of anybody is allowed', [{protocol: 6}], 'pass'],
	['everybody is allowed', [{}], 'pass'],
	['ports 64 to 95 are allowed', [{peer, protocol: 6, port: 64, bits: 11}], 'pass'],
	['ports 96 to 127 are allowed', [{peer, protocol: 6, port: 96, bits: 11}], 'denied'],
	['everybody is allowed, the peer denied', [{}, {peer, deny: true, precedence: 1}], 'deny'],
	[
		'the peer is allowed, everybody denied with precedence',
		[
			{peer, ...http},
			{deny: true, precedence: 1},
		],
		'deny',
	],
	[
		'everybody is denied, the peer allowed with precedence',
		[{deny: true}, {peer, ...http, precedence: 1}],
		'pass',
	],
	[
		'of one precedence the longer prefix of port wins',
		[
			{peer, protocol: 6},
			{...http, deny: true},
		],
		'deny',
	],
	[
		'of one length the peer wins',
		[
			{peer, ...http},
			{...http, deny: true},
		],
		'pass',
	],
	[
		'a peer of the highest precedence is not compared',
		[
			{peer, precedence: 0xffff_ffff},
			{...http, deny: true, precedence: 0xffff_ffff},
		],
		'pass',
	],
	['a port of the peer is denied', [{peer}, {peer, ...http, deny: true}], 'deny'],
	[
		'a shorter prefix of the same peer does not count',
		[
			{peer, protocol: 6, deny: true, precedence: 9},
			{peer, ...http},
		],
		'pass',
	],
];

function decided(f: Family, {goes, direction, ip, policy}: Side): TableLine[] {
	const opener = f.tcp({...ip, flags: 'S'});
	const becomes = {
		pass: {goes},
		denied: {drop: [133, direction]},
		deny: {drop: [181, direction]},
	} as const;
	const back = f.tcp({
		from: ip.to,
		to: ip.from,
		sourcePort: 80,
		destinationPort: 40_000,
		flags: 'SA',
	});
	return [
		...verdicts.map(([name, rules, verdict]) => ({
			...{name, policies: policy(...rules), packet: opener},
			...becomes[verdict],
			...(verdict !== 'pass' && {maps: {[f.tcpFlows]: []}}),
		})),
		{
			name: 'what the policy denies is told and passes in audit mode',
			policies: {red: {...policy().red, audit: true}},
			packet: opener,
			goes,
		},
		{
			name: 'nothing is asked where the direction is not enforced',
			policies: direction === egress ? {red: {ingress: []}} : {red: {egress: []}},
			packet: opener,
			goes,
		},
		{
			name: 'a rule that wants authentication is not met',
			policies: policy({peer, ...http, auth: 1}),
			packet: opener,
			drop: [189, direction],
		},
		{
			name: 'a rule counts what it decides',
			policies: policy({peer, ...http}),
			packet: opener,
			goes,
			maps: {
				policyStats: [
					{
						key: {
							...{endpoint_id: 1, sec_label: peer, protocol: 6, dport: 80},
							egress: direction === egress,
						},
						after: {packets: 1n, bytes: BigInt(opener.bytes.length)},
					},
				],
			},
		},
		...(f.is6 ? [128, 129] : [8, 0]).map(port => ({
			name: `an echo request by a rule for type ${port}`,
			policies: policy({peer, protocol: f.icmpProtocol, port}),
			packet: f.ping(ip),
			...(port === 8 || port === 128 ? {goes} : {drop: [133, direction] as const}),
		})),
		{
			name: 'UDP by a rule for it',
			policies: policy({peer, protocol: 17, port: 53}),
			packet: f.udp(ip),
			goes,
		},
		{
			name: 'SCTP by a rule for it',
			policies: policy({peer, protocol: 132, port: 80}),
			packet: f.sctp(ip),
			goes,
		},
		{
			name: 'replies pass without a rule',
			policies: {red: {ingress: [], egress: [], ...policy({peer, ...http}).red}},
			given: [opener],
			program: direction === egress ? 'to_endpoint' : 'from_endpoint',
			packet: back,
			goes: direction === egress ? 'endpoint' : 'stack',
			maps: {[f.tcpFlows]: [{key: {}, after: {packets: 2n, rx_flags_seen: 18}}]},
		},
		{
			name: 'what looks like a reply to nothing is asked',
			policies: policy({peer, ...http}),
			packet: f.tcp({...ip, sourcePort: 80, destinationPort: 40_000, flags: 'SA'}),
			drop: [133, direction],
		},
	];
}

/** An established flow when something changes. */
function revised(f: Family, {goes, direction, ip, policy}: Side): TableLine[] {
	const opener = f.tcp({...ip, flags: 'S'});
	const more = f.tcp({...ip, flags: 'A'});
	const given = [opener];
	const policies = policy({peer, ...http});
	return [
		{
			name: 'an established flow is not asked again',
			...{policies, given, packet: more, goes},
			maps: {policyStats: []},
		},
		{
			name: 'it is when the policy was replaced, by one that still allows it',
			...{policies, given, packet: more, goes},
			meanwhile: node => node.setPolicies(policy({peer})),
			maps: {policyStats: [{key: {sec_label: peer, protocol: 0}}]},
		},
		{
			name: 'it is when the policy was replaced, by one that does not',
			...{policies, given, packet: more, drop: [133, direction]},
			meanwhile: node => node.setPolicies(policy()),
		},
		{
			name: 'it is when the policy was replaced, by one that denies',
			...{policies, given, packet: more, drop: [181, direction]},
			meanwhile: node => node.setPolicies(policy({peer, deny: true})),
		},
		{
			name: 'it is when the peer became somebody else',
			...{policies, given, packet: more, drop: [133, direction]},
			meanwhile: node => node.setIdentity(f.address.desk, 900),
		},
		{
			name: 'it is when a prefix became known, which does not change the peer',
			...{policies, given, packet: more, goes},
			meanwhile: node => node.setIdentity(f.address.node, identities.node),
			maps: {policyStats: [{key: {sec_label: peer}}]},
		},
		{
			name: 'it is allowed again by the policy after',
			...{policies, given, packet: more, goes},
			meanwhile(node) {
				node.setPolicies(policy());
				node.setPolicies(policies);
			},
		},
	];
}

function proxied(f: Family, {direction, ip, policy}: Side): TableLine[] {
	const opener = f.tcp({...ip, flags: 'S'});
	const mark = (((10_001 & 0xff) << 8) | (10_001 >> 8)) * 0x1_0000 + 0x200;
	const goes: Way = direction === egress ? 'proxy' : 'back to proxy';
	const step: TablePacket = {packet: opener, goes, contextOut: {mark}};
	const policies = policy({peer, ...http, proxy: 10_001});
	return [
		{
			name: 'a proxy gets the flow by the mark',
			...{policies, ...step},
			maps: {[f.tcpFlows]: [{key: {}, after: {proxy_redirect: true, policy_revision: 0}}]},
		},
		{
			name: 'a proxy gets its later packets, too',
			...{policies, given: [opener], ...step, packet: f.tcp({...ip, flags: 'A'})},
		},
	];
}

for (const side of sides) {
	table(side.program, f => decided(f, side));
	table(side.program, f => revised(f, side));
	table(side.program, f => proxied(f, side));
}

table('from_endpoint', f => [
	{
		name: 'who may ask for an echo may say nothing else, whatever the identifier',
		policies: {red: {egress: [{protocol: f.icmpProtocol, port: f.is6 ? 128 : 8}]}},
		packets: [
			{packet: f.ping({identifier: 0}), goes: 'stack'},
			{packet: f.icmp({}, {type: 13}, {type: 139}), drop: [133, egress]},
			{packet: f.ping({identifier: 0}), goes: 'stack'},
		],
	},
]);
