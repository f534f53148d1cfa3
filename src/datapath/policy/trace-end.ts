/** Who one end of a flow is, as the programs find it. */

import {UsageError} from '../../base/errors.js';
import {parsePrefix} from '../../base/address.js';
import {reservedIdentities} from '../identities/identities.js';
import type {DatapathMaps} from '../maps.js';

/** An end of a flow: its address, or who it is where the address does not matter. */
export type TraceTarget = string | {readonly identity: number} | {readonly endpoint: number};

/** An end of a flow that was found. */
export interface TraceEnd {
	/** Undefined where none was given. */
	readonly address: string | undefined;
	readonly identity: number;
	/** Where the identity is from: the endpoints, the ipcache, or what neither knows; or it was given. */
	readonly by: 'endpoints' | 'ipcache' | 'world' | 'given';
	/** Id of the endpoint that it is, on this node; undefined elsewhere. */
	readonly endpoint: number | undefined;
	/** Whether it is the node itself. */
	readonly host: boolean;
}

export type TraceFamily = 4 | 6;

/** The endpoint of the host where the host has a policy, on skep's own nodes. */
const hostEndpoint = 65_535;
const hostFlag = 1;

/** The family of what is traced; undefined where no address was given. *Throws:* `ERR_USAGE`. */
export function familyOf(ends: readonly TraceTarget[]): TraceFamily | undefined {
	const families = ends
		.filter(end => typeof end === 'string')
		.map(address => (bytesOf(address) === 4 ? 4 : 6));
	const [family] = families;
	if (families.every(each => each === family)) return family;
	throw new UsageError('trace policy: source and destination are of different families');
}

function bytesOf(address: string): number {
	const {address: bytes, length} = parsePrefix(address);
	if (length === bytes.length * 8) return bytes.length;
	throw new UsageError(`trace policy: "${address}" is a prefix, not an address`);
}

/** *Throws:* `ERR_ADDRESS`, `ERR_USAGE` for an endpoint that there is not. */
export function findEnd(
	maps: DatapathMaps,
	target: TraceTarget,
	family: TraceFamily | undefined,
): TraceEnd {
	if (typeof target === 'string') return findAddress(maps, target, family);
	if ('identity' in target) {
		const host = target.identity === reservedIdentities.host;
		return {
			address: undefined,
			identity: target.identity,
			by: 'given',
			endpoint: host ? hostEndpointOf(maps) : undefined,
			host,
		};
	}

	for (const [{address}, info] of maps.require('endpoints')) {
		const isHost = (info.flags & hostFlag) !== 0;
		if (isHost || info.lxc_id !== target.endpoint) continue;
		if (family !== undefined && (bytesOf(address) === 4 ? 4 : 6) !== family) continue;
		return {
			address: family === undefined ? undefined : address,
			identity: info.sec_id,
			by: 'endpoints',
			endpoint: info.lxc_id,
			host: false,
		};
	}

	throw new UsageError(
		`trace policy: there is no endpoint ${target.endpoint}${family === undefined ? '' : ` with an address of IPv${family}`}`,
	);
}

function findAddress(
	maps: DatapathMaps,
	address: string,
	family: TraceFamily | undefined,
): TraceEnd {
	const info = maps.require('endpoints').get({address});
	if (info !== undefined) {
		const host = (info.flags & hostFlag) !== 0;
		return {
			address,
			identity: host ? reservedIdentities.host : info.sec_id,
			by: 'endpoints',
			endpoint: host ? hostEndpointOf(maps, info.lxc_id) : info.lxc_id,
			host,
		};
	}

	const identity = maps.require('ipcache').get({prefix: address})?.sec_identity ?? 0;
	const outside = {address, endpoint: undefined, host: false};
	if (identity !== 0) return {...outside, identity, by: 'ipcache'};
	const world = family === 6 ? 'world-ipv6' : 'world-ipv4';
	return {...outside, identity: reservedIdentities[world], by: 'world'};
}

/** The host's own endpoint, where it has a policy. */
function hostEndpointOf(maps: DatapathMaps, id = 0): number | undefined {
	const settings = maps.endpointSettings;
	if (settings?.known === true) {
		return (settings.map.get(hostEndpoint)?.flags ?? 0) === 0 ? undefined : hostEndpoint;
	}

	return maps.policyIds().includes(id) ? id : undefined;
}
