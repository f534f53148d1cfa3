/** Compares the types of two maps' keys and values, field by field. */

import {isEbpfError} from '../../base/errors.js';
import {layoutOf} from '../../format/codec/build-layout.js';
import type {Layout} from '../../format/codec/layout.js';
import type {MapTypes} from './map-codecs.js';

/** One field in which a pinned map is not what the object wants. */
export interface Difference {
	/** `type`, `keySize`, `valueSize`, `maxEntries`, `flags`, `extra`, or `value.packets`. */
	readonly field: string;
	readonly pinned: string;
	readonly wanted: string;
	/** True where the same bytes merely have another name. */
	readonly renamed?: boolean;
}

interface Leaf {
	readonly type: string;
	/** In bits. */
	readonly at: number;
	/** Numbers of enumerators. */
	readonly names?: ReadonlyMap<string, number | bigint>;
}

/**
 * Fields that were added, removed, renamed, moved or retyped; none where either side has no types
 * or types that say nothing of values.
 */
export function compareTypes(
	pinned: MapTypes | undefined,
	wanted: MapTypes | undefined,
	sides: readonly ('key' | 'value')[],
): Difference[] {
	return sides.flatMap(side => {
		const [is, want] = [layoutFor(pinned, side), layoutFor(wanted, side)];
		return is === undefined || want === undefined ? [] : compareLayouts(is, want, side);
	});
}

/** Of the key or value; undefined where the types do not tell. */
export function layoutFor(types: MapTypes | undefined, side: 'key' | 'value'): Layout | undefined {
	const typeId = side === 'key' ? types?.keyTypeId : types?.valueTypeId;
	if (types === undefined || typeId === undefined || typeId === 0) return undefined;
	try {
		return layoutOf(types.btf, typeId, undefined, side);
	} catch (error) {
		if (isEbpfError(error)) return undefined;
		throw error;
	}
}

function compareLayouts(pinned: Layout, wanted: Layout, name: string): Difference[] {
	const [before, after] = [leavesOf(pinned, name), leavesOf(wanted, name)];
	const differences: Difference[] = [];
	const fresh = new Map([...after].filter(([path]) => !before.has(path)));
	for (const [field, leaf] of before) {
		const other = after.get(field);
		if (other !== undefined) {
			differences.push(...compareLeaves(field, leaf, other));
			continue;
		}

		const heir = [...fresh].find(([, each]) => each.at === leaf.at && each.type === leaf.type);
		if (heir !== undefined) fresh.delete(heir[0]);
		differences.push({
			field,
			pinned: place(leaf),
			wanted: heir === undefined ? 'no such field' : `it to be called ${heir[0]}`,
			...(heir === undefined ? {} : {renamed: true}),
		});
	}

	for (const [field, leaf] of fresh) {
		differences.push({field, pinned: 'missing', wanted: place(leaf)});
	}

	return differences;
}

function compareLeaves(field: string, is: Leaf, want: Leaf): Difference[] {
	if (is.at !== want.at || is.type !== want.type) {
		return [{field, pinned: place(is), wanted: place(want)}];
	}

	for (const [name, number] of is.names ?? []) {
		const other = want.names?.get(name);
		if (other === undefined || other === number) continue;
		return [{field, pinned: `${name} when ${number}`, wanted: `${name} to be ${other}`}];
	}

	return [];
}

function place({type, at}: Leaf): string {
	return at % 8 === 0 ? `${type} at byte ${at / 8}` : `${type} at bit ${at}`;
}

function leavesOf(layout: Layout, path: string): Map<string, Leaf> {
	const leaves = new Map<string, Leaf>();
	collect(layout, path, 0, leaves);
	return leaves;
}

function collect(layout: Layout, path: string, byte: number, leaves: Map<string, Leaf>): void {
	switch (layout.kind) {
		case 'struct':
			for (const {name, offset, layout: inner} of layout.fields) {
				collect(inner, `${path}.${name}`, byte + offset, leaves);
			}

			break;
		case 'array':
			leaves.set(path, {type: `an array of ${layout.length}`, at: byte * 8});
			collect(layout.element, `${path}[]`, byte, leaves);
			break;
		case 'bits':
			leaves.set(path, {type: scalarName(layout), at: byte * 8 + layout.bit});
			break;
		case 'enum':
			leaves.set(path, {type: scalarName(layout), at: byte * 8, names: layout.numbers});
			break;
		default:
			leaves.set(path, {type: scalarName(layout), at: byte * 8});
	}
}

function scalarName(layout: Layout): string {
	switch (layout.kind) {
		case 'int':
			return layout.bool ? 'bool' : `${layout.signed ? 's' : 'u'}${layout.size * 8}`;
		case 'bits':
			return `${layout.bool ? 'bool' : layout.signed ? 's' : 'u'}:${layout.bits}`;
		case 'float':
			return layout.size === 4 ? 'float' : 'double';
		case 'enum':
			return `${layout.size}-byte enum`;
		default:
			return `${layout.size} bytes`;
	}
}
