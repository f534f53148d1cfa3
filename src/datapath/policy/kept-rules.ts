/** Rules that name labels, kept so that their policies follow the identities. */

import {mkdirSync} from 'node:fs';
import {join} from 'node:path';

import {createMap} from '../../object/map/create-map.js';
import {openPinnedMap} from '../../object/map/open-map.js';
import {unpinPath} from '../../object/pin/pin.js';
import {mapFlags} from '../../uapi/flags.js';
import type {DatapathMaps} from '../maps.js';
import {listFolder} from '../root.js';
import {compileRules, type CompiledEntry} from './compile.js';
import type {EnforcementOptions} from './enforcement.js';
import {describeEntry} from './map-entry.js';
import {policyIdInForce} from './policy-in-force.js';
import {openPolicyMap, type PolicyMap} from './policy-map.js';
import type {FindLabels, PolicyRule} from './rule.js';

/** What an endpoint is to get. */
export interface CompiledPolicy {
	readonly policy: EnforcementOptions & {
		readonly endpointId: number;
		readonly rules: readonly PolicyRule[];
	};
	readonly entries: readonly CompiledEntry[];
}

/** Whose rules are kept, and the number of the map that was made of them. */
interface KeptRules {
	readonly endpointId: number;
	readonly mapId: number;
}

const folderOf = (root: string): string => join(root, 'rules');
const pathOf = (root: string, {endpointId, mapId}: KeptRules): string =>
	join(folderOf(root), `${endpointId}-${mapId}`);

/**
 * Pins rules by the map that was made of them, before that is in force: whoever dies on the way leaves
 * the rules of the policy that is. *Throws:* `ERR_MAP`, `ERR_PIN`.
 */
export function keepRules(root: string, kept: KeptRules, rules: readonly PolicyRule[]): void {
	const contents = new TextEncoder().encode(JSON.stringify(rules));
	mkdirSync(folderOf(root), {recursive: true, mode: 0o700});
	using map = createMap({
		type: 'array',
		name: 'policy_rules',
		keySize: 4,
		valueSize: contents.length,
		maxEntries: 1,
		flags: mapFlags.rdonly_prog,
		contents,
		frozen: true,
	});
	map.pin(pathOf(root, kept));
}

/** Policies in force that would be others if they were made of their rules now. */
export function stalePolicies(maps: DatapathMaps, find: FindLabels): CompiledPolicy[] {
	return keptRules(maps.root).flatMap((kept): CompiledPolicy[] => {
		const {endpointId, mapId} = kept;
		if (policyIdInForce(maps, endpointId) !== mapId) return [];
		const rules = readRules(maps.root, kept);
		const entries = compileRules(rules, find);
		using map = openPolicyMap(mapId);
		return isSame(entries, map) ? [] : [{policy: {endpointId, rules}, entries}];
	});
}

/** Forgets the rules of policies that are not in force. */
export function forgetOldRules(maps: DatapathMaps): void {
	for (const kept of keptRules(maps.root)) {
		if (policyIdInForce(maps, kept.endpointId) !== kept.mapId)
			unpinPath(pathOf(maps.root, kept));
	}
}

function keptRules(root: string): KeptRules[] {
	return listFolder(folderOf(root)).map(name => {
		const [endpointId = 0, mapId = 0] = name.split('-').map(Number);
		return {endpointId, mapId};
	});
}

function readRules(root: string, kept: KeptRules): PolicyRule[] {
	using map = openPinnedMap<Uint8Array, Uint8Array>(pathOf(root, kept), {raw: true});
	return JSON.parse(new TextDecoder().decode(map.get(new Uint8Array(4)))) as PolicyRule[];
}

/** Does the map say the same? */
function isSame(entries: readonly CompiledEntry[], map: PolicyMap): boolean {
	const textOf = ([key, value]: CompiledEntry): string =>
		JSON.stringify(Object.values(describeEntry(key, value)));
	const there = new Set([...map].map(textOf));
	return entries.length === there.size && entries.every(entry => there.has(textOf(entry)));
}
