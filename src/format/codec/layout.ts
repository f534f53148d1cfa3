/** Where each field of a value lies and how it is read: what codecs are made from. */

import {CodecError} from './codec-error.js';

/**
 * How to read a field that C's types do not describe: numbers in network order, addresses, text.
 *
 * `ipv4` (4 bytes, network order), `ipv6` (16), `mac` (6) and `hex` are texts, `string` is text up
 * to the first NUL, `bytes` a copy as `Uint8Array`.
 */
export type FieldCodec =
	'be16' | 'be32' | 'be64' | 'ipv4' | 'ipv6' | 'mac' | 'string' | 'bytes' | 'hex';

/**
 * A codec for the whole value, or codecs for fields in the shape of the type: `{tuple: {daddr:
 * 'ipv4'}}`, with `[codecs]` for each element of an array.
 */
export type FieldCodecs = FieldCodec | readonly [FieldCodecs] | FieldTree;

export interface FieldTree {
	readonly [field: string]: FieldCodecs;
}

/** Bytes that a codec reads; undefined for those that read any number. */
export const fieldSizes: Readonly<Record<FieldCodec, number | undefined>> = {
	be16: 2,
	be32: 4,
	be64: 8,
	ipv4: 4,
	ipv6: 16,
	mac: 6,
	string: undefined,
	bytes: undefined,
	hex: undefined,
};

export type Layout =
	| IntLayout
	| BitsLayout
	| {readonly kind: 'float'; readonly size: number}
	| EnumLayout
	| ArrayLayout
	| StructLayout
	| {readonly kind: 'field'; readonly size: number; readonly codec: FieldCodec};

export interface IntLayout {
	readonly kind: 'int';
	/** 1, 2, 4, 8 or 16 bytes. */
	readonly size: number;
	readonly signed: boolean;
	readonly bool: boolean;
}

/** A number of bits anywhere in a struct. */
export interface BitsLayout {
	readonly kind: 'bits';
	/** Bytes of the whole struct. */
	readonly size: number;
	/** Where it begins; counted from the lowest bit of a byte in little-endian values. */
	readonly bit: number;
	readonly bits: number;
	readonly signed: boolean;
	readonly bool: boolean;
	/** Names of its numbers: bigints where there are more than 32 bits. */
	readonly names: EnumLayout | undefined;
}

export interface EnumLayout {
	readonly kind: 'enum';
	readonly size: number;
	readonly signed: boolean;
	/** The first name of each number. */
	readonly names: ReadonlyMap<number | bigint, string>;
	readonly numbers: ReadonlyMap<string, number | bigint>;
}

export interface ArrayLayout {
	readonly kind: 'array';
	readonly size: number;
	readonly length: number;
	readonly element: Layout;
}

export interface StructLayout {
	readonly kind: 'struct';
	readonly size: number;
	/** Members, with those of anonymous members in their place; no two have one name. */
	readonly fields: readonly LayoutField[];
	readonly shape: Shape;
}

export interface LayoutField {
	readonly name: string;
	/** Bytes from the start of the struct; of bit-fields, always 0. */
	readonly offset: number;
	readonly layout: Layout;
}

/** Which fields make a value: all parts of a struct, any part of a union. */
export interface Shape {
	readonly kind: 'all' | 'any';
	/** Positions in `fields`, or anonymous members. */
	readonly parts: readonly (number | Shape)[];
}

/** Bytes between which a field at `offset` has its bits. */
export function extentOf(layout: Layout, offset: number): [first: number, end: number] {
	if (layout.kind !== 'bits') return [offset, offset + layout.size];
	const {bit, bits} = layout;
	return [offset + Math.floor(bit / 8), offset + Math.ceil((bit + bits) / 8)];
}

/** Sets the bits of `mask` that the value at byte `offset` has: not those of padding. */
export function coverBits(
	layout: Layout,
	offset: number,
	mask: Uint8Array,
	littleEndian: boolean,
): void {
	switch (layout.kind) {
		case 'array':
			for (let i = 0; i < layout.length; i++) {
				const at = offset + i * layout.element.size;
				coverBits(layout.element, at, mask, littleEndian);
			}

			break;
		case 'struct':
			for (const {offset: at, layout: inner} of layout.fields) {
				coverBits(inner, offset + at, mask, littleEndian);
			}

			break;
		case 'bits':
			for (let bit = layout.bit; bit < layout.bit + layout.bits; bit++) {
				const byte = offset + Math.floor(bit / 8);
				const flag = littleEndian ? 1 << (bit % 8) : 0x80 >> (bit % 8);
				mask[byte] = (mask[byte] ?? 0) | flag;
			}

			break;
		default:
			mask.fill(0xff, offset, offset + layout.size);
	}
}

// The least that any value may take to read; beyond it, a few hundred times its bytes.
const leastWork = 1 << 20;
const workPerByte = 256;

/**
 * Refuses a type whose values take much longer to read than their size explains, as it is with
 * large members of a union, or many empty ones. *Throws:* `ERR_CODEC`.
 */
export function checkWork(layout: Layout, path: string): void {
	if (work(layout) <= leastWork + layout.size * workPerByte) return;
	throw new CodecError('lay out', path, 'the type has too many parts for its size');
}

function work(layout: Layout): number {
	if (layout.kind === 'array') return 1 + layout.length * work(layout.element);
	if (layout.kind === 'field') return 1 + layout.size;
	if (layout.kind !== 'struct') return 1;
	return layout.fields.reduce((sum, field) => sum + work(field.layout), 1);
}
