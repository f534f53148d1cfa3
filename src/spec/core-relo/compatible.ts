/** When a field or type of the target may stand for the object's own. */

import type {Btf} from '../../format/btf/btf.js';
import type {BtfType} from '../../format/btf/types.js';
import {essentialName} from './flavour.js';
import {isComposite, isSameKind} from './types.js';

const maxDepth = 32;

/**
 * Fields: structs and unions always, for their members are looked up one by one; pointers and
 * numbers, of whatever size; arrays of such; enums and declarations of the same name, or without
 * one. *Throws:* `ERR_BTF`.
 */
export function areFieldsCompatible(
	local: Btf,
	localId: number,
	target: Btf,
	targetId: number,
): boolean {
	let [mine, theirs] = [local.resolve(localId), target.resolve(targetId)];
	for (let depth = 0; mine.kind === 'array' && theirs.kind === 'array'; depth++) {
		if (depth === maxDepth) return false;
		mine = local.resolve(mine.elementTypeId);
		theirs = target.resolve(theirs.elementTypeId);
	}

	if (isComposite(mine.kind) && isComposite(theirs.kind)) return true;
	if (!isSameKind(mine.kind, theirs.kind)) return false;
	switch (mine.kind) {
		case 'ptr':
		case 'float':
			return true;
		case 'int':
			return arePlainIntegers(mine, theirs);
		case 'fwd':
		case 'enum':
		case 'enum64':
			return (
				mine.name === '' ||
				theirs.name === '' ||
				essentialName(mine.name) === essentialName(theirs.name)
			);
		default:
			return false;
	}
}

/** Not of the old encoding of bit-fields, which says nothing about where the field is. */
function arePlainIntegers(mine: BtfType, theirs: BtfType): boolean {
	return (
		mine.kind === 'int' &&
		theirs.kind === 'int' &&
		mine.bitOffset === 0 &&
		theirs.bitOffset === 0
	);
}

/**
 * Types, whose names agree: of the same kind, through pointers, arrays and the parameters of
 * functions. Members, sizes and enumerators are not looked at. *Throws:* `ERR_BTF`.
 */
export function areTypesCompatible(
	local: Btf,
	localId: number,
	target: Btf,
	targetId: number,
): boolean {
	// Pairs that were compared, or are being: a type that leads back to itself agrees so far.
	const seen = new Set<string>();
	const compare = (mineId: number, theirsId: number): boolean => {
		const [mine, theirs] = [local.resolve(mineId), target.resolve(theirsId)];
		if (!isSameKind(mine.kind, theirs.kind)) return false;
		const pair = `${mine.id}:${theirs.id}`;
		if (seen.has(pair)) return true;
		seen.add(pair);
		if (mine.kind === 'int') return arePlainIntegers(mine, theirs);
		if (mine.kind === 'ptr' && theirs.kind === 'ptr') {
			return compare(mine.typeId, theirs.typeId);
		}

		if (mine.kind === 'array' && theirs.kind === 'array') {
			return compare(mine.elementTypeId, theirs.elementTypeId);
		}

		if (mine.kind === 'func_proto' && theirs.kind === 'func_proto') {
			return (
				mine.parameters.length === theirs.parameters.length &&
				mine.parameters.every((each, index) =>
					compare(each.typeId, theirs.parameters[index]?.typeId ?? 0),
				) &&
				compare(mine.returnTypeId, theirs.returnTypeId)
			);
		}

		return mine.kind !== 'func' && mine.kind !== 'var' && mine.kind !== 'datasec';
	};
	// A typedef stands for a typedef: the name was found for that kind.
	const [mine, theirs] = [local.type(localId), target.type(targetId)];
	return isSameKind(mine.kind, theirs.kind) && compare(localId, targetId);
}
