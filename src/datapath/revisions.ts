/** Numbers that make the programs judge flows again, for whoever changes what verdicts rest on. */

import type {LxcSettings} from './layout/endpoint.js';
import {lockedSync} from './locks.js';
import type {DatapathMaps} from './maps.js';

/** Index in `runtime_config`, as in bpf/maps/config.h. */
export const ipcacheRevisionIndex = 128;

/** The same for services. */
const servicesRevisionIndex = 131;
const servicesRevisionKey = new Uint8Array(Uint32Array.of(servicesRevisionIndex).buffer);
/** Used over and over: every change of a service reads and writes it. */
const servicesRevision = new BigUint64Array(1);
const servicesRevisionBytes = new Uint8Array(servicesRevision.buffer);

/** Undefined where nobody counts: on a Cilium node. */
export function readServicesRevision(maps: DatapathMaps): bigint | undefined {
	const config = maps.prefix === '' ? maps.runtimeConfig : undefined;
	if (config?.known !== true) return undefined;
	config.map.raw.get(servicesRevisionKey, servicesRevisionBytes);
	return servicesRevision[0];
}

/**
 * Ahead of changes of services, so that other processes read them anew, and behind them, so that what
 * XDP knows of flows counts no more. The new revision.
 */
export function writeServicesRevision(maps: DatapathMaps, revision: bigint): bigint {
	const next = BigInt.asUintN(64, revision + 1n);
	servicesRevision[0] = next;
	maps.require('runtimeConfig').raw.set(servicesRevisionKey, servicesRevisionBytes);
	return next;
}

/** Index in `runtime_config`, as in bpf/maps/config.h. */
const sockmapRevisionIndex = 132;

/** Behind each change of which connections are direct: the running ones are looked at again. */
export function raiseSockmapRevision(maps: DatapathMaps): void {
	raise(maps, sockmapRevisionIndex);
}

/** Behind each change of an address's identity: every flow of the node is judged again. */
export function raiseIpcacheRevision(maps: DatapathMaps): void {
	raise(maps, ipcacheRevisionIndex);
}

/** Behind changes of services' maps that are not made by `Services`. */
export function raiseServicesRevision(maps: DatapathMaps): void {
	raise(maps, servicesRevisionIndex);
}

/** Behind each change of an endpoint's policy, flags or identity: its flows are judged again. */
export function raisePolicyRevision(maps: DatapathMaps, endpointId: number): void {
	withSettings(maps, () => {
		countPolicy(maps, endpointId);
	});
}

/** Behind changes of an endpoint and of its addresses in the ipcache: both revisions at once. */
export function raiseEndpointRevisions(maps: DatapathMaps, endpointId: number): void {
	withSettings(maps, () => {
		count(maps, ipcacheRevisionIndex);
		countPolicy(maps, endpointId);
	});
}

/** Nobody else changes them between the look and the write. */
export function changeSettings(
	maps: DatapathMaps,
	endpointId: number,
	change: (settings: LxcSettings) => LxcSettings,
): void {
	withSettings(maps, () => {
		writeSettings(maps, endpointId, change);
	});
}

function raise(maps: DatapathMaps, index: number): void {
	withSettings(maps, () => {
		count(maps, index);
	});
}

function withSettings(maps: DatapathMaps, work: () => void): void {
	lockedSync(maps.root, 'settings', work);
}

function count(maps: DatapathMaps, index: number): void {
	const config = maps.require('runtimeConfig');
	config.set(index, BigInt.asUintN(64, (config.get(index) ?? 0n) + 1n));
}

function countPolicy(maps: DatapathMaps, endpointId: number): void {
	writeSettings(maps, endpointId, ({policy_revision, flags}) => ({
		policy_revision: (policy_revision + 1) >>> 0 || 1,
		flags,
	}));
}

function writeSettings(
	maps: DatapathMaps,
	endpointId: number,
	change: (settings: LxcSettings) => LxcSettings,
): void {
	const map = maps.require('endpointSettings');
	map.set(endpointId, change(map.get(endpointId) ?? {policy_revision: 0, flags: 0}));
}
