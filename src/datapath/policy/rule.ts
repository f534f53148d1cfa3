/** Rules as people write them. */

import {UsageError} from '../../base/errors.js';
import {nearest} from '../../base/suggest.js';
import {namedProtocol, protocolNames, protocols, type ProtocolName} from '../protocols.js';
import type {Labels} from '../identities/labels.js';
import {reservedIdentities, type ReservedIdentity} from '../identities/identities.js';
import {parsePorts, splitRange, type PortPrefix, type PortRange} from './ports.js';

/** Whoever has these labels, now or later: see `Policies.refresh`. */
export interface LabelSelector {
	readonly labels: Labels;
}

/**
 * Someone whom a rule is about: the number of an identity, the name of a reserved one, anybody, or
 * whoever has labels.
 */
export type PolicyPeer = number | Exclude<ReservedIdentity, 'unknown'> | 'any' | LabelSelector;

/** Numbers of the identities that have all of the labels. */
export type FindLabels = (labels: Labels) => readonly number[];

/** What may be named in place of a number of IP protocols. */
export type PolicyProtocol = ProtocolName;

/** Seen from the endpoint: `ingress` is what comes to it. */
export type PolicyDirection = 'ingress' | 'egress';

/**
 * A rule of an endpoint's policy, for packets that open a flow.
 *
 * Of all rules that a packet matches, those of the highest precedence count; of these a denial wins,
 * then the rule with fewer ports, then the one for a peer over one for anybody.
 */
export interface PolicyRule {
	readonly direction: PolicyDirection;
	/** `world` stands for the identities 2, 9 and 10. */
	readonly peers: PolicyPeer | readonly PolicyPeer[];
	/** All protocols unless given, and with `ports` those that have any: TCP, UDP and SCTP. */
	readonly protocol?: PolicyProtocol | number;
	/** Ports of the destination; all unless given. */
	readonly ports?: PortRange | readonly PortRange[];
	/** Types of ICMP or ICMPv6, which `protocol` has to say; all unless given. */
	readonly icmpType?: number | readonly number[];
	readonly action: 'allow' | 'deny';
	/** Port of the proxy that allowed flows are handed to. */
	readonly proxyPort?: number;
	/** The higher wins. 0 unless given, and 2^32 - 1, which only denials may have, for denials. */
	readonly precedence?: number;
	/** Names the rule in events. */
	readonly cookie?: number;
	/**
	 * How the peer has to be authenticated, 0 for not at all. Unless given, as a rule of the same
	 * precedence with more ports or for anybody says.
	 */
	readonly auth?: number;
}

/** What a rule says of whatever matches it. */
export interface RuleVerdict {
	readonly deny: boolean;
	readonly precedence: number;
	readonly proxyPort: number;
	/** Undefined where the rule leaves it to others. */
	readonly auth: number | undefined;
	readonly cookie: number;
}

/** A part of a rule that one entry of a policy map can say. */
export interface RulePart {
	readonly egress: boolean;
	/** 0: anybody. */
	readonly peer: number;
	/** 0: any, and then all ports. */
	readonly protocol: number;
	/** For ICMP the type. */
	readonly ports: PortPrefix;
	readonly verdict: RuleVerdict;
}

export const highestPrecedence = 0xffff_ffff;

const fields: readonly string[] = [
	'direction',
	'peers',
	'protocol',
	'ports',
	'icmpType',
	'action',
	'proxyPort',
	'precedence',
	'cookie',
	'auth',
];
const withPorts: readonly number[] = [protocols.tcp, protocols.udp, protocols.sctp];
const icmp: readonly number[] = [protocols.icmp, protocols.icmpv6];
const world = ['world', 'world-ipv4', 'world-ipv6'] as const;
const allPorts: PortPrefix = {port: 0, bits: 0};

/** Takes rules apart. *Throws:* `ERR_USAGE` for one that cannot be meant, by its number from 1. */
export function* partsOf(
	rules: Iterable<PolicyRule>,
	find: FindLabels = nobody,
): Generator<RulePart> {
	let number = 0;
	for (const rule of rules) {
		number++;
		try {
			yield* partsOfRule(rule, find);
		} catch (cause) {
			if (!(cause instanceof UsageError)) throw cause;
			throw new UsageError(`read rule ${number}: ${cause.message}`, {cause});
		}
	}
}

function partsOfRule(rule: PolicyRule, find: FindLabels): RulePart[] {
	checkFields(rule);
	const verdict = verdictOf(rule);
	const targets = targetsOf(rule);
	const egress = rule.direction === 'egress';
	const parts: RulePart[] = [];
	for (const peer of peersOf(rule.peers, find)) {
		for (const {protocol, ports} of targets) {
			parts.push({egress, peer, protocol, ports, verdict});
		}
	}

	return parts;
}

function checkFields(rule: PolicyRule): void {
	if (typeof rule !== 'object' || (rule as unknown) === null) refuse('a rule is an object');
	for (const unknown in rule) {
		if (fields.includes(unknown)) continue;
		const close = nearest(unknown, fields);
		refuse(`there is no field "${unknown}"${close === undefined ? '' : `; is it ${close}`}`);
	}

	const {direction, action} = rule as {direction: unknown; action: unknown};
	if (direction !== 'ingress' && direction !== 'egress') {
		refuse(`direction is ingress or egress, not ${JSON.stringify(direction)}`);
	}

	if (action !== 'allow' && action !== 'deny') {
		refuse(`action is allow or deny, not ${JSON.stringify(action)}`);
	}
}

function verdictOf(rule: PolicyRule): RuleVerdict {
	const {proxyPort = 0, cookie = 0, auth} = rule;
	const deny = rule.action === 'deny';
	const highest = deny ? highestPrecedence : highestPrecedence - 1;
	const precedence = rule.precedence ?? (deny ? highestPrecedence : 0);
	if (deny && (proxyPort !== 0 || auth !== undefined)) {
		refuse('what is denied has neither a proxy nor authentication');
	}

	return {
		deny,
		precedence: within('precedence', precedence, highest),
		proxyPort: within('proxyPort', proxyPort, 0xffff),
		auth: auth === undefined ? undefined : within('auth', auth, 127),
		cookie: within('cookie', cookie, 0xffff_ffff),
	};
}

/** Numbers of peers, each once. */
function peersOf(given: PolicyRule['peers'], find: FindLabels): Iterable<number> {
	if (!Array.isArray(given)) return numbersOf(given, find);
	return new Set((given as unknown[]).flatMap(peer => numbersOf(peer, find)));
}

/** Where nobody says who has which labels. */
const nobody: FindLabels = () => refuse('nobody says here who has which labels');

function numbersOf(peer: unknown, find: FindLabels): readonly number[] {
	if (isSelector(peer)) return find(labelsOf(peer));
	if (typeof peer === 'number') {
		// 0 stands for anybody in the map, which nobody should get by an identity that is not known.
		if (peer === 0) refuse('no peer has the identity 0; anybody is "any"');
		return [within('peer', peer, 0xffff_ffff)];
	}

	if (peer === 'any') return [0];
	if (peer === 'world') return world.map(name => reservedIdentities[name]);
	const isName = typeof peer === 'string' && Object.hasOwn(reservedIdentities, peer);
	if (isName && peer !== 'unknown') return [reservedIdentities[peer as ReservedIdentity]];
	const names = Object.keys(reservedIdentities).filter(name => name !== 'unknown');
	return refuse(
		`a peer is "any", the number of an identity, labels, or one of ${names.join(', ')}, not ${JSON.stringify(peer)}`,
	);
}

/** Whether rules have to follow the identities. */
export function namesLabels({peers}: PolicyRule): boolean {
	const list: readonly unknown[] = Array.isArray(peers) ? peers : [peers];
	return list.some(isSelector);
}

function isSelector(peer: unknown): peer is object {
	return typeof peer === 'object' && peer !== null && !Array.isArray(peer);
}

function labelsOf(selector: object): Labels {
	const {labels, ...others} = selector as {labels?: unknown};
	const [unknown] = Object.keys(others);
	if (unknown !== undefined) refuse(`a peer has labels, not "${unknown}"`);
	const isRight =
		isSelector(labels) &&
		Object.keys(labels).length > 0 &&
		Object.values(labels).every(value => typeof value === 'string');
	// An empty list would mean everybody.
	if (!isRight) refuse('labels of a peer are texts by key, at least one: {"app": "web"}');
	return labels as Labels;
}

type Target = Pick<RulePart, 'protocol' | 'ports'>;

function targetsOf(rule: PolicyRule): Target[] {
	const protocol = protocolOf(rule.protocol);
	const {ports, icmpType} = rule;
	if (ports !== undefined && protocol !== 0 && !withPorts.includes(protocol)) {
		refuse(`ports are of tcp, udp or sctp, not of protocol ${protocol}`);
	}

	if (icmpType !== undefined) {
		if (!icmp.includes(protocol)) refuse('icmpType is for protocol icmp or icmpv6');
		return listOf(icmpType).map(type => ({
			protocol,
			ports: {port: within('icmpType', type, 255), bits: 16},
		}));
	}

	if (ports === undefined) return [{protocol, ports: allPorts}];
	const targets: Target[] = [];
	for (const range of listOf(ports)) {
		const [first, end] = parsePorts(range);
		for (const prefix of splitRange(first, end)) {
			if (protocol !== 0) targets.push({protocol, ports: prefix});
			else for (const each of withPorts) targets.push({protocol: each, ports: prefix});
		}
	}

	return targets;
}

/** 0 where none is given. *Throws:* `ERR_USAGE`. */
export function protocolOf(given: string | number | undefined): number {
	if (given === undefined) return 0;
	if (typeof given === 'number') {
		// 0 is hop-by-hop options of IPv6, which are no protocol of a packet, and "any" in the map.
		if (given === 0) refuse('a rule for all protocols names none');
		return within('protocol', given, 255);
	}

	return (
		namedProtocol(given) ??
		refuse(`protocol is a number or one of ${protocolNames}, not "${given}"`)
	);
}

function listOf<T extends string | number>(given: T | readonly T[]): readonly T[] {
	return typeof given === 'object' ? given : [given];
}

function within(what: string, value: number, high: number): number {
	if (Number.isInteger(value) && value >= 0 && value <= high) return value;
	return refuse(`${what} is a whole number from 0 to ${high}, not ${JSON.stringify(value)}`);
}

function refuse(message: string): never {
	throw new UsageError(message);
}
