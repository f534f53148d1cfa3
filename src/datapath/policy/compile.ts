/** Makes entries of rules, such that the two look-ups of the programs find what the rules say. */

import type {PolicyEntry, PolicyKey} from '../layout/policy.js';
import {
	highestPrecedence,
	partsOf,
	type FindLabels,
	type PolicyRule,
	type RuleVerdict,
} from './rule.js';

/** Key and value of a policy map. */
export type CompiledEntry = readonly [PolicyKey, PolicyEntry];

/** Bits of the key before protocol and port: peer and direction. */
export const peerBits = 40;
const protocolBits = 8;

/** Protocol and port of an entry in one number: the bits that count, and how many they are. */
type Slot = number;

interface SlotVerdict extends RuleVerdict {
	/** What wider rules ask for where this one leaves `auth` to others. */
	readonly inheritedAuth?: number;
}

/** What is said of one peer in one direction. */
type Slots = Map<Slot, SlotVerdict>;

/**
 * The entries of a policy, in a fixed order: rules that say the same in another order or twice give
 * the same entries.
 *
 * The programs take the longest entry for the peer and the longest for anybody, of these the one of
 * the higher precedence, then the longer one. So what a wider rule overrides is left out, and a
 * denial of a peer is repeated where a narrower rule for anybody of the same precedence would win.
 * *Throws:* `ERR_USAGE`.
 */
export function compileRules(rules: Iterable<PolicyRule>, find?: FindLabels): CompiledEntry[] {
	const tables = {ingress: new Map<number, Slots>(), egress: new Map<number, Slots>()};
	for (const {egress, peer, protocol, ports, verdict} of partsOf(rules, find)) {
		const table = egress ? tables.egress : tables.ingress;
		const slots = table.get(peer) ?? new Map<Slot, SlotVerdict>();
		table.set(peer, slots);
		const slot = slotOf(protocol, ports.port, ports.bits);
		const known = slots.get(slot);
		slots.set(slot, known === undefined ? verdict : join(known, verdict));
	}

	return [
		...entriesOf(resolve(tables.ingress), false),
		...entriesOf(resolve(tables.egress), true),
	];
}

/** What two rules for the very same packets say together. */
function join(a: RuleVerdict, b: RuleVerdict): RuleVerdict {
	if (beats(a, b)) return a;
	if (beats(b, a)) return b;
	return {
		deny: a.deny,
		precedence: a.precedence,
		proxyPort: smaller(a.proxyPort, b.proxyPort),
		auth: a.auth === undefined || b.auth === undefined ? (a.auth ?? b.auth) : larger(a, b),
		cookie: smaller(a.cookie, b.cookie),
	};
}

const larger = (a: RuleVerdict, b: RuleVerdict): number => Math.max(a.auth ?? 0, b.auth ?? 0);

/** The smaller one of those that are not 0. */
const smaller = (a: number, b: number): number => (a === 0 || b === 0 ? a + b : Math.min(a, b));

/** Does `a` decide whatever both match, whichever is longer? */
function beats(a: RuleVerdict, b: RuleVerdict): boolean {
	if (a.precedence !== b.precedence) return a.precedence > b.precedence;
	return a.deny && !b.deny;
}

function resolve(table: ReadonlyMap<number, Slots>): Map<number, Slots> {
	const anybody: Slots = table.get(0) ?? new Map<Slot, SlotVerdict>();
	const lengths = lengthsOf(table.values());
	const resolved = new Map<number, Slots>();
	for (const [peer, slots] of table) {
		const left: Slots = new Map();
		for (const [slot, verdict] of slots) {
			const wider = widerSlots(slot, lengths);
			const others = peer === 0 ? wider : [slot, ...wider];
			const isBeaten =
				wider.some(each => isBeatenBy(slots.get(each), verdict)) ||
				others.some(each => isBeatenBy(anybody.get(each), verdict));
			if (!isBeaten) left.set(slot, withAuth(verdict, wider, slots));
		}

		resolved.set(peer, left);
	}

	const shared = resolved.get(0);
	for (const [peer, slots] of resolved) {
		if (peer !== 0 && shared !== undefined) repeatDenials(slots, shared, lengths);
	}

	return resolved;
}

function isBeatenBy(other: RuleVerdict | undefined, verdict: RuleVerdict): boolean {
	return other !== undefined && beats(other, verdict);
}

/** With the strictest authentication that wider rules of its precedence ask for. */
function withAuth(verdict: SlotVerdict, wider: readonly Slot[], slots: Slots): SlotVerdict {
	if (verdict.auth !== undefined || verdict.deny) return verdict;
	let inheritedAuth = 0;
	for (const slot of wider) {
		const other = slots.get(slot);
		if (other?.precedence === verdict.precedence) {
			inheritedAuth = Math.max(inheritedAuth, other.auth ?? 0);
		}
	}

	return inheritedAuth === 0 ? verdict : {...verdict, inheritedAuth};
}

/**
 * A peer's denial is shorter than what is allowed to anybody with the same precedence: the programs
 * would take the longer one.
 */
function repeatDenials(slots: Slots, anybody: Slots, lengths: readonly number[]): void {
	const denied = new Set<number>();
	for (const {deny, precedence} of slots.values()) {
		// Nothing is allowed with the highest.
		if (deny && precedence !== highestPrecedence) denied.add(precedence);
	}

	if (denied.size === 0) return;
	const repeated: [Slot, SlotVerdict][] = [];
	for (const [slot, {deny, precedence}] of anybody) {
		if (deny || !denied.has(precedence) || slots.has(slot)) continue;
		const longest = widerSlots(slot, lengths).find(each => slots.has(each));
		const found = longest === undefined ? undefined : slots.get(longest);
		if (found?.deny === true && found.precedence === precedence) repeated.push([slot, found]);
	}

	for (const [slot, verdict] of repeated) slots.set(slot, verdict);
}

function slotOf(protocol: number, port: number, portBits: number): Slot {
	const bits = protocol === 0 ? 0 : protocolBits + portBits;
	return (bits * 256 + protocol) * 65_536 + port;
}

function splitSlot(slot: Slot): {bits: number; protocol: number; port: number} {
	const bits = Math.floor(slot / 2 ** 24);
	return {bits, protocol: Math.floor(slot / 65_536) % 256, port: slot % 65_536};
}

/** How many bits count in some of them, the most first. */
function lengthsOf(all: Iterable<Slots>): number[] {
	const lengths = new Set<number>();
	for (const slots of all) for (const slot of slots.keys()) lengths.add(splitSlot(slot).bits);
	return [...lengths].sort((a, b) => b - a);
}

/** All of those lengths that hold everything the slot holds, the longest first. */
function widerSlots(slot: Slot, lengths: readonly number[]): Slot[] {
	const {bits, protocol, port} = splitSlot(slot);
	const wider: Slot[] = [];
	for (const length of lengths) {
		if (length >= bits) continue;
		const portBits = Math.max(length - protocolBits, 0);
		const first = port & (0xffff << (16 - portBits)) & 0xffff;
		wider.push(length === 0 ? 0 : slotOf(protocol, first, portBits));
	}

	return wider;
}

function entriesOf(table: Map<number, Slots>, egress: boolean): CompiledEntry[] {
	const entries: CompiledEntry[] = [];
	for (const [peer, slots] of [...table].sort(([a], [b]) => a - b)) {
		for (const [slot, verdict] of [...slots].sort(([a], [b]) => a - b)) {
			entries.push(entryOf(peer, slot, verdict, egress));
		}
	}

	return entries;
}

function entryOf(
	peer: number,
	slot: Slot,
	{deny, precedence, proxyPort, auth, inheritedAuth = 0, cookie}: SlotVerdict,
	egress: boolean,
): CompiledEntry {
	const {bits, protocol, port} = splitSlot(slot);
	const key = {prefixlen: peerBits + bits, sec_label: peer, egress, protocol, dport: port};
	const value = {
		proxy_port: proxyPort,
		deny,
		lpm_prefix_length: bits,
		auth_type: auth ?? inheritedAuth,
		has_explicit_auth_type: auth !== undefined,
		precedence,
		cookie,
	};
	return [key, value];
}
