/** What decoders of either sort call for values that a DataView has no method for. */

import {cString, hex} from '../../base/bytes.js';
import {formatIpv4, formatIpv6, formatMac} from '../../base/address.js';
import type {BitsLayout, EnumLayout, FieldCodec} from './layout.js';

/** The bytes themselves, not a copy. */
export function bytesAt(view: DataView, offset: number, size: number): Uint8Array {
	// A Uint8Array would reach into what lies around the view.
	if (offset + size > view.byteLength) throw new RangeError('the value is outside of the view');
	return new Uint8Array(view.buffer, view.byteOffset + offset, size);
}

/** 16 bytes as one number. */
export function readWide(
	view: DataView,
	offset: number,
	signed: boolean,
	littleEndian: boolean,
): bigint {
	const first = view.getBigUint64(offset, littleEndian);
	const second = view.getBigUint64(offset + 8, littleEndian);
	const value = littleEndian ? (second << 64n) | first : (first << 64n) | second;
	return signed ? BigInt.asIntN(128, value) : value;
}

/** A bit-field: `bits` bits from bit `bit` after `offset`; a bigint when it is wider than 32. */
export function readBits(
	view: DataView,
	offset: number,
	bit: number,
	bits: number,
	signed: boolean,
	littleEndian: boolean,
): number | bigint {
	const first = Math.floor(bit / 8);
	const last = Math.floor((bit + bits - 1) / 8);
	if (last - first < 4) return readNarrowBits(view, offset, bit, bits, signed, littleEndian);
	let value = 0n;
	for (let i = first; i <= last; i++) {
		const byte = BigInt(view.getUint8(offset + i));
		value = littleEndian ? value | (byte << BigInt((i - first) * 8)) : (value << 8n) | byte;
	}

	// Counted from the lowest bit on little-endian machines, from the highest on others.
	const skip = littleEndian ? bit - first * 8 : (last + 1) * 8 - (bit + bits);
	value >>= BigInt(skip);
	const cut = signed ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value);
	return bits > 32 ? cut : Number(cut);
}

/** The same for bits that lie in at most four bytes, without a bigint. */
function readNarrowBits(
	view: DataView,
	offset: number,
	bit: number,
	bits: number,
	signed: boolean,
	littleEndian: boolean,
): number {
	const first = bit >>> 3;
	const last = (bit + bits - 1) >>> 3;
	let value = 0;
	for (let i = first; i <= last; i++) {
		const byte = view.getUint8(offset + i);
		value = littleEndian ? value | (byte << ((i - first) * 8)) : (value << 8) | byte;
	}

	// To the top, and down again with or without the sign.
	const below = littleEndian ? bit - first * 8 : (last + 1) * 8 - (bit + bits);
	const top = value << (32 - bits - below);
	return signed ? top >> (32 - bits) : top >>> (32 - bits);
}

/** What the number in a bit-field means. */
export function bitsValue({bool, names}: BitsLayout): (number: number | bigint) => unknown {
	if (names !== undefined) return enumReader(names);
	return bool ? Boolean : number => number;
}

/** The same as JSON text. */
export function bitsJson({bool, names}: BitsLayout): (number: number | bigint) => string {
	return names === undefined ? number => `${bool ? Boolean(number) : number}` : enumJson(names);
}

/** Reads a field whose codec was chosen by name. */
export function readField(
	view: DataView,
	offset: number,
	size: number,
	codec: FieldCodec,
): unknown {
	switch (codec) {
		case 'be16':
			return view.getUint16(offset);
		case 'be32':
			return view.getUint32(offset);
		case 'be64':
			return view.getBigUint64(offset);
		case 'ipv4':
			return formatIpv4(view, offset);
		case 'ipv6':
			return formatIpv6(view, offset);
		case 'mac':
			return formatMac(view, offset);
		case 'string':
			return cString(bytesAt(view, offset, size));
		case 'bytes':
			return bytesAt(view, offset, size).slice();
		case 'hex':
			return hex(bytesAt(view, offset, size), '');
	}
}

/** The name of an enumerator, or the number where it has none. */
export function enumReader({names}: EnumLayout): (number: number | bigint) => unknown {
	return number => names.get(number) ?? number;
}

/** The same as JSON text. */
export function enumJson({names}: EnumLayout): (number: number | bigint) => string {
	const texts = new Map([...names].map(([number, name]) => [number, JSON.stringify(name)]));
	return number => texts.get(number) ?? `${number}`;
}
