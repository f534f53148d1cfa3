/** Which layout a map has: by its name, the sizes of key and value, and its types. */

import {holdsFds, isKeyless, isPerCpu} from '../../uapi/map-kinds.js';
import type {MapType} from '../../uapi/map-types.js';
import type {Btf} from '../../format/btf/btf.js';
import {describes} from './compare.js';
import {sizeOf, typeIn} from './layouts.js';
import type {PinnedAs} from './map-table.js';
import type {ValueType} from './struct-types.js';
import {versionsIn, type LayoutVersion} from './versions.js';

/** What is known of a map: sizes in bytes, and its types where it has any. */
export interface MapEvidence {
	readonly type: MapType;
	readonly keySize: number;
	readonly valueSize: number;
	readonly types?: Types | undefined;
}

interface Types {
	readonly btf: Btf;
	readonly keyTypeId: number;
	readonly valueTypeId: number;
}

/** A layout of key and value, and all versions that have it. */
export interface Candidate {
	readonly key: ValueType;
	readonly value: ValueType;
	readonly versions: readonly LayoutVersion[];
}

/** How the layout was found: sizes were enough, or only types tell it from others. */
export interface Candidates {
	readonly by: 'sizes' | 'types';
	/** Oldest first; none where the layout is not known. */
	readonly list: readonly Candidate[];
}

/** The layouts that a map of this name may have. */
export function candidatesFor(pinned: PinnedAs, map: MapEvidence): Candidates {
	const bySize = candidatesBySize(pinned, map);
	const {types} = map;
	if (types === undefined) return {by: 'sizes', list: bySize};
	const list = bySize.filter(
		({key, value}) =>
			mayBe(types.btf, types.keyTypeId, key) && mayBe(types.btf, types.valueTypeId, value),
	);
	return {by: bySize.length > 1 ? 'types' : 'sizes', list};
}

function candidatesBySize(pinned: PinnedAs, map: MapEvidence): Candidate[] {
	if (valuesOf(map.type) !== (pinned.values ?? 'plain')) return [];
	const found: (Candidate & {versions: LayoutVersion[]})[] = [];
	for (const version of versionsIn(pinned.versions)) {
		const key = typeIn(version, pinned.key);
		const value = typeIn(version, pinned.value);
		if (key === undefined || value === undefined) continue;
		if (sizeOf(key) !== map.keySize || sizeOf(value) !== map.valueSize) continue;
		const same = found.find(each => each.key === key && each.value === value);
		if (same === undefined) found.push({key, value, versions: [version]});
		else same.versions.push(version);
	}

	return found;
}

/** What the values of a map are. */
function valuesOf(type: MapType): PinnedAs['values'] {
	if (isPerCpu(type)) return 'per-cpu';
	if (type === 'array_of_maps' || type === 'hash_of_maps') return 'maps';
	return holdsFds(type) || isKeyless(type) ? undefined : 'plain';
}

function mayBe(btf: Btf, typeId: number, type: ValueType): boolean {
	if (typeId === 0 || typeof type === 'string') return true;
	return describes(btf, typeId, type) ?? true;
}
