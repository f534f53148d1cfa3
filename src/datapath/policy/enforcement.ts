/** Whether an endpoint's policy counts, and in which order that is changed together with it. */

import type {LxcSettings} from '../layout/endpoint.js';
import type {DatapathMaps} from '../maps.js';
import {changeSettings, raisePolicyRevision} from '../revisions.js';

/** Whether the policy of an endpoint counts. */
export interface PolicyEnforcement {
	/** Only what the policy lets in comes in. */
	readonly ingress: boolean;
	readonly egress: boolean;
	/** What the policy denies is told and passes. */
	readonly audit: boolean;
}

/** What is to be changed of it; the rest stays. */
export interface EnforcementOptions {
	readonly enforce?: {readonly ingress?: boolean; readonly egress?: boolean};
	readonly audit?: boolean;
}

/** Flags of `lxc_settings`, as in bpf/types/endpoint.h. */
const flag = {ingress: 1, egress: 2, audit: 4} as const;

export function enforcementOf({flags}: Pick<LxcSettings, 'flags'>): PolicyEnforcement {
	return {
		ingress: (flags & flag.ingress) !== 0,
		egress: (flags & flag.egress) !== 0,
		audit: (flags & flag.audit) !== 0,
	};
}

/** The flags that an endpoint has now, and those that it gets. */
export interface FlagChange {
	readonly endpointId: number;
	readonly from: number;
	readonly to: number;
}

export function planFlags(
	maps: DatapathMaps,
	endpointId: number,
	{enforce = {}, audit}: EnforcementOptions,
): FlagChange {
	const {flags: from} = readSettings(maps, endpointId);
	const wanted = [
		[flag.ingress, enforce.ingress],
		[flag.egress, enforce.egress],
		[flag.audit, audit],
	] as const;
	let to = from;
	for (const [bit, on] of wanted) {
		if (on !== undefined) to = on ? to | bit : to & ~bit;
	}

	return {endpointId, from, to};
}

/**
 * The flags under which the rules are exchanged: all that lets more pass is done before, since the
 * new rules may deny what is to pass anyway; all that lets less pass is done behind, since the old
 * rules may deny what the new ones let pass.
 */
export function flagsBetween({from, to}: FlagChange): number {
	const enforced = flag.ingress | flag.egress;
	return (from & to & enforced) | ((from | to) & flag.audit) | (from & ~(enforced | flag.audit));
}

export function readSettings(maps: DatapathMaps, endpointId: number): LxcSettings {
	return maps.require('endpointSettings').get(endpointId) ?? {policy_revision: 0, flags: 0};
}

export function writeFlags(maps: DatapathMaps, endpointId: number, flags: number): void {
	changeSettings(maps, endpointId, ({policy_revision}) => ({policy_revision, flags}));
}

/**
 * Writes the flags that stand at the end, then raises the revision by a write of its own: a packet
 * that read the old flags has the old revision, too, and what it passes is judged again.
 */
export function finishFlags(maps: DatapathMaps, {endpointId, to}: FlagChange): void {
	writeFlags(maps, endpointId, to);
	raisePolicyRevision(maps, endpointId);
}
