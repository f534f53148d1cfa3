/** Compares layouts of tables with what BTF says of a type. */

import type {Btf} from '../../format/btf/btf.js';
import type {BtfComposite} from '../../format/btf/types.js';
import {isPadding, type StructVariant} from './fields.js';

/** A part of a struct, in bits. */
export interface Part {
	readonly path: string;
	readonly bit: number;
	readonly bits: number;
}

const maxDepth = 8;

/**
 * The parts of a struct: members of anonymous structs stand in their parent, and those of named ones
 * behind a dot, but for what `whole` names.
 */
export function partsOf(btf: Btf, typeId: number, whole: ReadonlySet<string>): Part[] {
	const type = btf.resolve(typeId);
	if (type.kind !== 'struct' && type.kind !== 'union') return [];
	return members(btf, type, '', 0, whole, 0);
}

function members(
	btf: Btf,
	type: BtfComposite,
	path: string,
	start: number,
	whole: ReadonlySet<string>,
	depth: number,
): Part[] {
	if (depth > maxDepth) return [];
	return type.members.flatMap(({name, typeId, bitOffset, bitfieldSize}) => {
		const inner = btf.resolve(typeId);
		const at = [path, name].filter(part => part !== '').join('.');
		const bit = start + bitOffset;
		const isComposite = inner.kind === 'struct' || inner.kind === 'union';
		if (isComposite && !whole.has(at)) return members(btf, inner, at, bit, whole, depth + 1);
		if (name === '') return [];
		return [{path: at, bit, bits: bitfieldSize || btf.sizeOf(typeId) * 8}];
	});
}

/**
 * Is it this struct? Names, places and sizes of all fields have to be the same, but for padding.
 * Undefined where BTF says nothing: the type is no struct.
 */
export function describes(btf: Btf, typeId: number, variant: StructVariant): boolean | undefined {
	const type = btf.resolve(typeId);
	if (type.kind !== 'struct' && type.kind !== 'union') return undefined;
	if (type.size !== variant.size) return false;
	const wanted = variant.fields.filter(({path}) => !isPadding(path));
	const names = new Set(wanted.map(({path}) => path));
	const found = partsOf(btf, typeId, names).filter(({path}) => !isPadding(path));
	return (
		found.length === wanted.length &&
		wanted.every(({path, bit, bits}) =>
			found.some(part => part.path === path && part.bit === bit && part.bits === bits),
		)
	);
}
