/** Questions about types that all of CO-RE asks. */

import type {Btf} from '../../format/btf/btf.js';
import type {BtfKind, BtfType} from '../../format/btf/types.js';

/** Kinds that stand for one another: an enum may have become one of 64 bits. */
export function isSameKind(a: BtfKind, b: BtfKind): boolean {
	return a === b || (isEnum(a) && isEnum(b));
}

export function isEnum(kind: BtfKind): kind is 'enum' | 'enum64' {
	return kind === 'enum' || kind === 'enum64';
}

export function isComposite(kind: BtfKind): kind is 'struct' | 'union' {
	return kind === 'struct' || kind === 'union';
}

const pointerSizes = new WeakMap<Btf, number>();

/** Bytes of a pointer: on all of Linux as many as of `unsigned long`. */
export function pointerSize(types: Btf): number {
	let size = pointerSizes.get(types);
	if (size === undefined) {
		const long = types.find('long unsigned int', 'int') ?? types.find('unsigned long', 'int');
		size = long?.size === 4 ? 4 : 8;
		pointerSizes.set(types, size);
	}

	return size;
}

const maxDepth = 64;

/** Bytes of a value; undefined for what has none, as functions. *Throws:* `ERR_BTF`. */
export function sizeOf(types: Btf, id: number): number | undefined {
	let type = types.resolve(id);
	let count = 1;
	for (let depth = 0; type.kind === 'array' && depth < maxDepth; depth++) {
		count *= type.length;
		type = types.resolve(type.elementTypeId);
	}

	const size = type.kind === 'ptr' ? pointerSize(types) : 'size' in type ? type.size : undefined;
	const total = size === undefined ? undefined : size * count;
	return total === undefined || total > 0xff_ff_ff_ff ? undefined : total;
}

/** The type of an array's elements, through arrays of arrays; any other type itself. */
export function elementOf(types: Btf, id: number): BtfType {
	let type = types.resolve(id);
	for (let depth = 0; type.kind === 'array' && depth < maxDepth; depth++) {
		type = types.resolve(type.elementTypeId);
	}

	return type;
}
