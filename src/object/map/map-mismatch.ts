import {EbpfError} from '../../base/errors.js';
import type {MapSpec} from '../../spec/types.js';
import {mapFlags} from '../../uapi/flags.js';
import type {MapTypes} from './map-codecs.js';
import {isIndexed} from '../../uapi/map-kinds.js';
import {type MapInfo} from './map-info.js';
import {compareTypes, type Difference} from './type-diff.js';

const longestList = 8;

/** A pinned map differs from the one that the object declares. */
export class MapMismatchError extends EbpfError {
	static {
		this.prototype.name = 'MapMismatchError';
	}

	readonly code = 'ERR_MAP_MISMATCH';
	/** Undefined for a map that was given open. */
	readonly path: string | undefined;
	readonly differences: readonly Difference[];

	constructor(
		map: string,
		path: string | undefined,
		differences: readonly Difference[],
		advice: string,
	) {
		const list = differences
			.slice(0, longestList)
			.map(({field, pinned, wanted}) => `${field} is ${pinned}, the object wants ${wanted}`);
		const rest = differences.length - list.length;
		if (rest > 0) list.push(`and ${rest} more`);
		const which = path === undefined ? 'that was given' : `pinned at "${path}"`;
		super(`reuse map "${map}" ${which}: ${list.join('; ')}${advice}`);
		this.path = path;
		this.differences = differences;
	}
}

/**
 * Every field in which `pinned` differs from `wanted`, none when it can stand in for it. Types of
 * key and value are compared where both have them. `wanted` is normalised.
 */
export function compareMap(pinned: MapInfo, wanted: MapSpec, pinnedTypes?: MapTypes): Difference[] {
	const differences: Difference[] = [];
	const compare = (field: string, is: unknown, want: unknown): void => {
		if (is !== want) differences.push({field, pinned: String(is), wanted: String(want)});
	};
	compare('type', pinned.type, wanted.type);
	compare('keySize', pinned.keySize, wanted.keySize);
	compare('valueSize', pinned.valueSize, wanted.valueSize);
	compare('maxEntries', pinned.maxEntries, wanted.maxEntries);
	// Data sections get it where the kernel has it, whatever the object says.
	const ignored = wanted.contents === undefined ? 0 : mapFlags.mmapable;
	const flagsOf = (map: MapInfo | MapSpec): string => flagText(comparableFlags(map) & ~ignored);
	compare('flags', flagsOf(pinned), flagsOf(wanted));
	compare('extra', pinned.extra, wanted.extra);
	// Indices are indices, whether the object calls them signed or not.
	const sides = isIndexed(wanted.type) ? (['value'] as const) : (['key', 'value'] as const);
	differences.push(...compareTypes(pinnedTypes, typesOf(wanted), sides));
	return differences;
}

/** The types that an object gives its map. */
export function typesOf({types, keyTypeId, valueTypeId}: MapSpec): MapTypes | undefined {
	return types === undefined ? undefined : {btf: types, keyTypeId, valueTypeId};
}

/** True when programs verified against `wanted` could use `pinned` in spite of the differences. */
export function isUsable(differences: readonly Difference[]): boolean {
	return differences.every(({field, renamed}) => field === 'maxEntries' || renamed === true);
}

function flagText(flags: number): string {
	return `0x${flags.toString(16)}`;
}

const numaNode = 1 << 2;
const readOnlyProgram = 1 << 7;

function comparableFlags(map: {readonly type: string; readonly flags: number}): number {
	// The kernel adds the read-only flag to device maps of its own accord.
	const ignored = map.type.startsWith('devmap') ? readOnlyProgram | numaNode : numaNode;
	return map.flags & ~ignored;
}
