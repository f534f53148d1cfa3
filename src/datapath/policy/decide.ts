/** Which of two entries decides, as bpf/lib/policy.h has it. */

import type {PolicyEntry} from '../layout/policy.js';
import {highestPrecedence} from './rule.js';

/** What the look-ups for the peer and for anybody come to. */
export interface Decision {
	readonly chosen: 'peer' | 'anybody' | 'none';
	/** Why that one. */
	readonly why: string;
	/** How the peer has to be authenticated; 0: not at all. */
	readonly auth: number;
}

/** Decides between the longest entry for the peer and the longest for anybody. */
export function decide(peer: PolicyEntry | undefined, anybody: PolicyEntry | undefined): Decision {
	if (peer === undefined && anybody === undefined) {
		return {chosen: 'none', why: 'no rule is about it', auth: 0};
	}

	if (peer === undefined) return choose('anybody', 'no rule names the peer', anybody);
	if (anybody === undefined) return choose('peer', 'no rule is for anybody', peer);
	const {chosen, why} = compare(peer, anybody);
	return chosen === 'peer'
		? choose(chosen, why, peer, anybody)
		: choose(chosen, why, anybody, peer);
}

interface Comparison {
	readonly chosen: 'peer' | 'anybody';
	readonly why: string;
}

function compare(peer: PolicyEntry, anybody: PolicyEntry): Comparison {
	if (peer.precedence === undefined || anybody.precedence === undefined) {
		// Before Cilium 1.19.
		if (peer.deny) return {chosen: 'peer', why: 'it denies'};
		if (anybody.deny) return {chosen: 'anybody', why: 'it denies'};
	} else if (peer.precedence === highestPrecedence) {
		return {chosen: 'peer', why: 'no precedence is higher'};
	} else if (peer.precedence !== anybody.precedence) {
		const chosen = peer.precedence > anybody.precedence ? 'peer' : 'anybody';
		return {chosen, why: 'its precedence is higher'};
	}

	const lengths = [prefixOf(peer), prefixOf(anybody)] as const;
	if (lengths[1] > lengths[0]) {
		return {chosen: 'anybody', why: 'it says more of protocol and port'};
	}

	if (lengths[0] > lengths[1]) return {chosen: 'peer', why: 'it says more of protocol and port'};
	return {chosen: 'peer', why: 'it names the peer, and else both are equal'};
}

function choose(
	chosen: Decision['chosen'],
	why: string,
	entry: PolicyEntry | undefined,
	other?: PolicyEntry,
): Decision {
	const own = entry?.auth_type ?? 0;
	const inherits =
		entry?.has_explicit_auth_type !== true &&
		other !== undefined &&
		other.precedence === entry?.precedence;
	return {chosen, why, auth: inherits ? Math.max(own, other.auth_type) : own};
}

/** Bits of protocol and port that an entry is about: 0, 8, 9 to 24. */
export function prefixOf(entry: PolicyEntry): number {
	if (entry.lpm_prefix_length !== undefined) return entry.lpm_prefix_length;
	if (entry.wildcard_protocol === true) return 0;
	return entry.wildcard_dport === true ? 8 : 24;
}
