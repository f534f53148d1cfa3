import {isDeepStrictEqual} from 'node:util';
import test from 'ava';
import fc from 'fast-check';

import {compileRules, type CompiledEntry} from '../../../src/datapath/policy/compile.js';
import {decide} from '../../../src/datapath/policy/decide.js';
import {parsePorts, splitRange} from '../../../src/datapath/policy/ports.js';
import type {PolicyRule} from '../../../src/datapath/policy/rule.js';

interface Packet {
	readonly egress: boolean;
	readonly peer: number;
	readonly protocol: number;
	readonly port: number;
}

interface Verdict {
	readonly action: 'allow' | 'deny' | 'none';
	readonly proxyPort?: number;
	readonly auth?: number;
}

const none: Verdict = {action: 'none'};

/** A rule that a packet matches, by how much of the packet it says. */
interface Match {
	readonly rule: PolicyRule;
	readonly forPeer: boolean;
	readonly bits: number;
}

/** What the rules say, by reading all of them: no look-ups, no entries. */
function read(rules: readonly PolicyRule[], packet: Packet): Verdict {
	const matches = rules.flatMap(rule => matchesOf(rule, packet));
	const precedence = Math.max(...matches.map(({rule}) => precedenceOf(rule)));
	const highest = matches.filter(({rule}) => precedenceOf(rule) === precedence);
	if (highest.length === 0) return none;
	if (highest.some(({rule}) => rule.action === 'deny')) return {action: 'deny'};
	const rank = ({bits, forPeer}: Match): number => bits * 2 + Number(forPeer);
	const best = Math.max(...highest.map(rank));
	const chosen = highest.filter(match => rank(match) === best);
	const ports = chosen.map(({rule}) => rule.proxyPort ?? 0).filter(port => port > 0);
	const explicit = chosen.flatMap(({rule}) => rule.auth ?? []);
	// Of those of the other kind of peer, the longest says for itself whether it inherits.
	const forPeer = chosen[0]?.forPeer;
	const others = highest.filter(match => match.forPeer !== forPeer);
	const longest = Math.max(...others.map(({bits}) => bits));
	const ofLongest = others.filter(({bits}) => bits === longest).flatMap(m => m.rule.auth ?? []);
	const inherited = [
		...highest.filter(match => match.forPeer === forPeer),
		...(ofLongest.length > 0 ? others.filter(({bits}) => bits === longest) : others),
	].map(({rule}) => rule.auth ?? 0);
	return {
		action: 'allow',
		proxyPort: ports.length === 0 ? 0 : Math.min(...ports),
		auth: Math.max(...(explicit.length > 0 ? explicit : inherited)),
	};
}

function precedenceOf({precedence, action}: PolicyRule): number {
	return precedence ?? (action === 'deny' ? 0xffff_ffff : 0);
}

function matchesOf(rule: PolicyRule, packet: Packet): Match[] {
	if ((rule.direction === 'egress') !== packet.egress) return [];
	const {peers, ports, protocol} = rule;
	if (protocol !== undefined && protocol !== packet.protocol) return [];
	if (peers !== 'any' && peers !== packet.peer) return [];
	let bits = protocol === undefined ? 0 : 8;
	if (ports !== undefined) {
		const prefix = splitRange(...parsePorts(ports as string)).find(
			each => packet.port >> (16 - each.bits) === each.port >> (16 - each.bits),
		);
		if (prefix === undefined) return [];
		bits = 8 + prefix.bits;
	}

	return [{rule, forPeer: peers !== 'any', bits}];
}

/** What a program finds: the longest entry for the peer, the longest for anybody, one of both. */
function lookUp(entries: readonly CompiledEntry[], packet: Packet): Verdict {
	const peer = longest(entries, packet, packet.peer);
	const anybody = longest(entries, packet, 0);
	const {chosen, auth} = decide(peer?.[1], anybody?.[1]);
	const entry = {peer, anybody, none: undefined}[chosen]?.[1];
	if (entry === undefined) return none;
	if (entry.deny) return {action: 'deny'};
	return {action: 'allow', proxyPort: entry.proxy_port, auth};
}

function longest(
	entries: readonly CompiledEntry[],
	{egress, protocol, port}: Packet,
	peer: number,
): CompiledEntry | undefined {
	const wanted = (protocol << 16) | port;
	let found: CompiledEntry | undefined;
	for (const entry of entries) {
		const [key] = entry;
		const bits = key.prefixlen - 40;
		if (key.sec_label !== peer || key.egress !== egress) continue;
		const differs = (wanted ^ ((key.protocol << 16) | key.dport)) >>> (24 - bits);
		if (bits > 0 && differs !== 0) continue;
		if (found === undefined || key.prefixlen > found[0].prefixlen) found = entry;
	}

	return found;
}

// Few numbers, so that rules meet.
const protocols = [6, 17] as const;
const portRange = fc
	.tuple(fc.integer({min: 1, max: 12}), fc.nat(6))
	.map(([first, more]) => `${first}-${first + more}`);
const target = fc.oneof(
	fc.constant({}),
	fc.record({protocol: fc.constantFrom(...protocols)}),
	fc.record({protocol: fc.constantFrom(...protocols), ports: portRange}),
);
const common = {
	direction: fc.constantFrom('ingress' as const, 'egress' as const),
	peers: fc.constantFrom('any' as const, 300, 301),
};
const precedence = fc.constantFrom(1, 2);
const verdict = fc.oneof(
	fc.record(
		{
			action: fc.constant('allow' as const),
			proxyPort: fc.constantFrom(0, 15_001, 15_002),
			auth: fc.constantFrom(0, 1, 2),
			precedence,
		},
		{requiredKeys: ['action']},
	),
	fc.record({action: fc.constant('deny' as const), precedence}, {requiredKeys: ['action']}),
);
const rule: fc.Arbitrary<PolicyRule> = fc
	.tuple(fc.record(common), target, verdict)
	.map(parts => Object.assign({}, ...parts) as PolicyRule);
const rules = fc.array(rule, {maxLength: 10});

const packets: Packet[] = [];
for (const egress of [false, true]) {
	for (const peer of [300, 301, 302]) {
		for (const protocol of [1, ...protocols]) {
			for (let port = 0; port <= 19; port++) packets.push({egress, peer, protocol, port});
		}
	}
}

test('the two look-ups find what the rules say', t => {
	fc.assert(
		fc.property(rules, list => {
			const entries = compileRules(list);
			for (const packet of packets) {
				const [found, said] = [lookUp(entries, packet), read(list, packet)];
				if (!isDeepStrictEqual(found, said)) {
					t.deepEqual(found, said, JSON.stringify(packet));
				}
			}
		}),
		{numRuns: 300},
	);
	t.pass();
});

test('the order of rules and rules given twice change nothing', t => {
	const shuffled = rules.chain(list =>
		fc.tuple(
			fc.constant(list),
			fc.shuffledSubarray([...list, ...list], {minLength: list.length * 2}),
		),
	);
	fc.assert(
		fc.property(shuffled, ([list, other]) => {
			t.deepEqual(compileRules(other), compileRules(list));
		}),
	);
});

test('an entry stands for each peer and each prefix of ports', t => {
	const entries = compileRules([
		{
			direction: 'ingress',
			peers: ['world', 300],
			protocol: 'tcp',
			ports: '8000-8191',
			action: 'allow',
		},
	]);
	t.deepEqual(
		entries.map(([key]) => [key.sec_label, key.dport, key.prefixlen]),
		[2, 9, 10, 300].flatMap(peer => [
			[peer, 8064, 57],
			[peer, 8000, 58],
		]),
	);
	t.deepEqual(entries[0]?.[1], {
		proxy_port: 0,
		deny: false,
		lpm_prefix_length: 17,
		auth_type: 0,
		has_explicit_auth_type: false,
		precedence: 0,
		cookie: 0,
	});
});

test('what a denial overrides gets no entry', t => {
	const entries = compileRules([
		{direction: 'egress', peers: 'any', action: 'deny', protocol: 'udp'},
		{direction: 'egress', peers: 300, action: 'allow', protocol: 'udp', ports: 53},
		{direction: 'egress', peers: 300, action: 'allow'},
	]);
	t.deepEqual(
		entries.map(([key, value]) => [key.sec_label, key.protocol, value.deny, value.precedence]),
		[
			[0, 17, true, 0xffff_ffff],
			[300, 0, false, 0],
		],
	);
});

test('types of ICMP stand in the place of the port', t => {
	const icmp = {direction: 'ingress', peers: 'any', action: 'allow'} as const;
	const entries = compileRules([
		{...icmp, protocol: 'icmp', icmpType: [8, 13]},
		{...icmp, protocol: 'icmpv6', icmpType: 128},
	]);
	t.deepEqual(
		entries.map(([key]) => [key.protocol, key.dport, key.prefixlen]),
		[
			[1, 8, 64],
			[1, 13, 64],
			[58, 128, 64],
		],
	);
});

test('ports without a protocol are of those that have any', t => {
	const entries = compileRules([
		{direction: 'ingress', peers: 'any', ports: [53, '80'], action: 'allow'},
	]);
	t.deepEqual(
		entries.map(([key]) => [key.protocol, key.dport]),
		[
			[6, 53],
			[6, 80],
			[17, 53],
			[17, 80],
			[132, 53],
			[132, 80],
		],
	);
});
