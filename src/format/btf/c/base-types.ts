/** C's own types and numbers. */

import type {BtfEnum, BtfEnum64, BtfFloat, BtfInt} from '../types.js';

const words = new Set(['signed', 'unsigned', 'char', 'short', 'int', 'long', '_Bool', '__int128']);

/** True when the name is one that C has for integers of this size. */
export function isBuiltIn({name, size}: BtfInt): boolean {
	// Arrays are counted in it; nothing is of that type.
	if (name === '' || name === '__ARRAY_SIZE_TYPE__') return true;
	const parts = name.split(' ');
	return parts.every(part => words.has(part)) && sizeOfWords(parts) === size;
}

function sizeOfWords(parts: readonly string[]): number {
	if (parts.includes('char') || parts.includes('_Bool')) return 1;
	if (parts.includes('short')) return 2;
	if (parts.includes('__int128')) return 16;
	return parts.includes('long') ? 8 : 4;
}

const integers: Readonly<Record<number, string>> = {
	1: 'char',
	2: 'short',
	4: 'int',
	8: 'long long',
	16: '__int128',
};

/** What C calls a number of this size, whatever its name is. */
export function baseType(type: BtfInt | BtfFloat | BtfEnum | BtfEnum64): string {
	if (type.kind === 'float') {
		if (type.size === 4) return 'float';
		if (type.size === 8) return 'double';
		// Programs have no numbers of that size, only bytes in their place.
		const alignment = type.size & -type.size;
		return `struct { unsigned char bytes[${type.size}]; } __attribute__((aligned(${alignment})))`;
	}

	if (type.kind === 'int') {
		if (type.bool && type.size === 1) return '_Bool';
		if (type.name !== '' && type.name !== '__ARRAY_SIZE_TYPE__' && isBuiltIn(type)) {
			return type.name;
		}
	}

	const word = integers[type.size];
	if (word === undefined) {
		return `struct { unsigned char bytes[${type.size}]; } __attribute__((packed))`;
	}

	return `${type.signed ? 'signed' : 'unsigned'} ${word}`;
}

/** A number as C writes it, of the type that it needs. */
export function text(value: number | bigint): string {
	if (value >= -0x7fff_ffff && value <= 0x7fff_ffff) return String(value);
	if (value === -0x8000_0000 || value === -0x8000_0000n) return '(-2147483647 - 1)';
	if (value > 0) return value <= 0xffff_ffff ? `${value}U` : `${value}ULL`;
	return value === -(1n << 63n) ? '(-9223372036854775807LL - 1)' : `${value}LL`;
}
