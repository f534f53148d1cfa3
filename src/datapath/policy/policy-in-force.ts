/** The policy that packets of an endpoint meet. */

import {DatapathError} from '../datapath-error.js';
import type {DatapathMaps} from '../maps.js';
import {enforcementOf, readSettings, type PolicyEnforcement} from './enforcement.js';
import {idsAside} from './pins.js';
import {openPolicyMap, type PolicyMap} from './policy-map.js';

/** Cilium writes what is not enforced as rules that allow everything. */
const always: PolicyEnforcement = {ingress: true, egress: true, audit: false};

export function readEnforcement(maps: DatapathMaps, endpointId: number): PolicyEnforcement {
	if (maps.endpointSettings?.known !== true) return always;
	return enforcementOf(readSettings(maps, endpointId));
}

/** Id of the map in force on skep's own nodes; undefined where there is none. */
export function policyIdInForce(maps: DatapathMaps, endpointId: number): number | undefined {
	const id = maps.require('policies').get(endpointId);
	return typeof id === 'number' ? id : undefined;
}

/**
 * Endpoints that have a policy in force or pinned, in no order. Whatever comes into force was pinned
 * before, if beside its place only, so nobody looks into all places: that would take kernels before 6.8
 * a grace period for each of them.
 */
export function policyIds(maps: DatapathMaps): Iterable<number> {
	const aside = idsAside(maps).filter(id => policyIdInForce(maps, id) !== undefined);
	return new Set([...maps.policyIds(), ...aside]);
}

/**
 * The map that programs look into, which the caller closes; undefined where there is none. On skep's
 * own nodes that is not found by the pin, which follows behind. *Throws:* `ERR_DATAPATH` for a layout
 * that is not known.
 */
export function openPolicyInForce(maps: DatapathMaps, endpointId: number): PolicyMap | undefined {
	if (maps.policies?.known === true) {
		const id = policyIdInForce(maps, endpointId);
		return id === undefined ? undefined : openPolicyMap(id);
	}

	const pinned = maps.policy(endpointId);
	if (pinned === undefined || pinned.known) return pinned?.map;
	pinned.map.close();
	throw new DatapathError('read policy', pinned.path, pinned.layout.warning);
}
