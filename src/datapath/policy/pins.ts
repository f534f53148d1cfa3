/** Where policies are pinned: beside their place first, then, once they are in force, in it. */

import {constants} from 'node:os';
import {join} from 'node:path';

import {PinError} from '../../object/pin/pin-error.js';
import {pinObject} from '../../object/pin/pin.js';
import {asidePath, movePin, ownerOfTemporary, removePin} from '../../object/pin/successor.js';
import type {DatapathMaps} from '../maps.js';
import {listFolder} from '../root.js';

/** What a policy's map is called, too. */
export function policyName(endpointId: number): string {
	return `policy_v2_${String(endpointId).padStart(5, '0')}`;
}

export function policyPath({root, prefix}: DatapathMaps, endpointId: number): string {
	return join(root, prefix + policyName(endpointId));
}

/** Pins a policy before it comes into force, so that it is found whatever happens. */
export function pinAside(maps: DatapathMaps, endpointId: number, map: {readonly fd: number}): void {
	const path = asidePath(policyPath(maps, endpointId), process.pid);
	const what = `policy of endpoint ${endpointId}`;
	try {
		pinObject(map.fd, path, what);
	} catch (error) {
		if (!(error instanceof PinError) || error.errno !== constants.errno.EEXIST) throw error;
		// What a process of the same number left behind when it died.
		removePin(path);
		pinObject(map.fd, path, what);
	}
}

/** Moves the pin of a policy that is in force to its place. */
export function pinInPlace(maps: DatapathMaps, endpointId: number): void {
	const path = policyPath(maps, endpointId);
	movePin(asidePath(path, process.pid), path);
}

/** Ids of endpoints with a pin beside the place of their policy. */
export function idsAside(maps: DatapathMaps): number[] {
	return pinsAside(maps).map(({endpointId}) => endpointId);
}

/** Removes pins that are beside their places still; nobody else must be replacing policies. */
export function unpinAside(maps: DatapathMaps): void {
	for (const {path} of pinsAside(maps)) removePin(path);
}

function pinsAside(maps: DatapathMaps): {endpointId: number; path: string}[] {
	const start = maps.prefix + policyName(0).slice(0, -5);
	return listFolder(maps.root).flatMap(name => {
		const owner = name.startsWith(start) ? ownerOfTemporary(name) : undefined;
		const digits = owner?.slice(start.length) ?? '';
		if (!/^\d{5}$/.test(digits)) return [];
		return [{endpointId: Number(digits), path: join(maps.root, name)}];
	});
}
