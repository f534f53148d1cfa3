/** Tables of structs: how they are written down, and how they are read. */

import {versionsIn, type LayoutVersion, type VersionRange} from './versions.js';

/**
 * Layouts of one struct: versions, bytes, and fields as `OFFSET PATH TYPE`, separated by commas;
 * `as NAME` gives a field another name than C does. The offset is in bytes, of bit-fields
 * `BYTE.BIT`, counted as C does.
 *
 * Types are those of `fieldTypes`, `flag` for one bit, `bN` for N bits, and `_N` or `_bN` for what
 * records leave out: padding, parts of a union that say the same, and parts that are told as one.
 */
export type StructTable = Readonly<
	Record<string, readonly (readonly [versions: VersionRange, size: number, fields: string])[]>
>;

/** How a type of the tables lies in memory and is read. */
export interface FieldType {
	/** Bytes in C. */
	readonly size: number;
	/** Bytes that are read, from the first: `size` unless given. */
	readonly read?: number;
	readonly signed?: boolean;
	readonly codec?: 'be16' | 'be32' | 'ipv4' | 'ipv6' | 'mac';
}

/** Types of whole bytes. Numbers are in the machine's byte order but for `be16` and `be32`. */
export const fieldTypes = {
	u8: {size: 1},
	u16: {size: 2},
	u32: {size: 4},
	u64: {size: 8},
	s8: {size: 1, signed: true},
	s32: {size: 4, signed: true},
	be16: {size: 2, codec: 'be16'},
	be32: {size: 4, codec: 'be32'},
	ipv4: {size: 4, codec: 'ipv4'},
	/** An IPv4 address in the first bytes of 16. */
	ipv4in16: {size: 16, read: 4, codec: 'ipv4'},
	ipv6: {size: 16, codec: 'ipv6'},
	/** A MAC address in the first bytes of a u64. */
	mac: {size: 8, read: 6, codec: 'mac'},
} as const satisfies Record<string, FieldType>;

/** A field of a struct, in bits. */
export interface StructField {
	/** In C: members of anonymous structs stand in their parent, of others behind a dot. */
	readonly path: string;
	readonly bit: number;
	readonly bits: number;
	/** How it is shown; undefined where records leave it out. */
	readonly shown: ShownField | undefined;
}

export interface ShownField {
	readonly name: string;
	/** A number or a boolean of some bits, or a type of whole bytes. */
	readonly type: 'bits' | 'flag' | FieldType;
}

/** One layout of a struct. */
export interface StructVariant {
	readonly name: string;
	readonly versions: readonly LayoutVersion[];
	/** Bytes. */
	readonly size: number;
	readonly fields: readonly StructField[];
}

/** Reads a table. */
export function readTable(table: StructTable): ReadonlyMap<string, readonly StructVariant[]> {
	return new Map(
		Object.entries(table).map(([name, variants]) => [
			name,
			variants.map(([range, size, fields]) => ({
				name,
				versions: versionsIn(range),
				size,
				fields: fields.split(',').map(text => readField(text.trim())),
			})),
		]),
	);
}

function readField(text: string): StructField {
	const found = /^(\d+)(?:\.(\d+))? ([\w.]+) (\w+)(?: as (\w+))?$/.exec(text);
	const [, byte = '', bitOfByte, path = '', type = '', alias] = found ?? [];
	if (found === null) throw new TypeError(`the table has a field "${text}"`);
	const bit = Number(byte) * 8 + Number(bitOfByte ?? 0);
	const name = alias ?? path;
	if (type in fieldTypes) {
		const known: FieldType = fieldTypes[type as keyof typeof fieldTypes];
		return {path, bit, bits: known.size * 8, shown: {name, type: known}};
	}

	const [, hidden = '', isBits = '', count = ''] = /^(_?)(b?)(\d+)$/.exec(type) ?? [];
	if (type === 'flag') return {path, bit, bits: 1, shown: {name, type}};
	const bits = Number(count) * (isBits === '' ? 8 : 1);
	if (bits === 0) throw new TypeError(`the table has a type "${type}"`);
	return {path, bit, bits, shown: hidden === '' ? {name, type: 'bits'} : undefined};
}

/** What only makes room. */
export function isPadding(path: string): boolean {
	return /(?:^|[._])(?:pad|reserved|unused)[\d_]*/.test(path);
}
