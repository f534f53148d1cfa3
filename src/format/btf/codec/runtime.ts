/** What decoders of either sort call for values that a DataView has no method for. */

import {cString, hex} from '../../../base/bytes.js';
import {formatIpv4, formatIpv6, formatMac} from '../../../base/address.js';
import type {EnumLayout, FieldCodec} from './layout.js';

function bytesAt(view: DataView, offset: number, size: number): Uint8Array {
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

/** JSON text of a decoded value; 64-bit numbers with all their digits, bytes in hexadecimal. */
export function jsonOf(value: unknown): string {
	if (typeof value === 'bigint') return `${value}`;
	if (value instanceof Uint8Array) return `"${hex(value, '')}"`;
	if (Array.isArray(value)) return `[${value.map(jsonOf).join(',')}]`;
	if (typeof value === 'object' && value !== null) {
		const fields = Object.entries(value).map(([name, each]) => {
			return `${JSON.stringify(name)}:${jsonOf(each)}`;
		});
		return `{${fields.join(',')}}`;
	}

	// JSON has no infinities.
	return JSON.stringify(value) ?? 'null';
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
