/** Prefixes of the world that endpoints reach with their own addresses. */

import {formatPrefix, networkOf, parsePrefix} from '../../base/address.js';
import type {DatapathMaps} from '../maps.js';

const families = [
	{name: 'masqueradeExclusions4', size: 4},
	{name: 'masqueradeExclusions6', size: 16},
] as const;

/** Prefixes of both families. *Throws:* `ERR_MAP`. */
export function listExclusions(maps: DatapathMaps): string[] {
	return families.flatMap(({name}) => {
		return maps[name] === undefined
			? []
			: [...maps.require(name).keys()].map(({prefix}) => prefix);
	});
}

/**
 * Makes these the prefixes, and no others. Flows that are translated already stay so.
 *
 * *Throws:* `ERR_ADDRESS` before anything is changed, `ERR_MAP`.
 */
export function replaceExclusions(maps: DatapathMaps, prefixes: readonly string[]): void {
	const parsed = prefixes.map(text => networkOf(parsePrefix(text)));
	for (const {name, size} of families) {
		const map = maps.require(name);
		const wanted = new Set(
			parsed.filter(({address}) => address.length === size).map(formatPrefix),
		);
		for (const prefix of wanted) map.set({prefix}, {flags: 0});
		for (const key of [...map.keys()]) {
			if (!wanted.has(key.prefix)) map.delete(key);
		}
	}
}
