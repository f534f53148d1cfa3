import {nearest} from '../../base/suggest.js';
import {printable} from '../btf/printable.js';
import {CodecError, refuse, show} from './codec-error.js';
import type {BitsLayout, EnumLayout} from './layout.js';

/** Writes a value over zeroed bytes. *Throws:* `ERR_CODEC`. */
export type Writer = (value: unknown, view: DataView, offset: number) => void;

/** The number as a bigint, when it is one that may stand for an integer. */
function toBigInt(value: unknown): bigint | undefined {
	if (typeof value === 'bigint') return value;
	return Number.isSafeInteger(value) ? BigInt(value as number) : undefined;
}

/** The same as a number. */
function toSafeNumber(value: unknown): number | undefined {
	const number = typeof value === 'bigint' ? Number(value) : value;
	return Number.isSafeInteger(number) ? (number as number) : undefined;
}

function limits(bits: number, signed: boolean): [low: bigint, high: bigint] {
	const half = 1n << BigInt(bits - 1);
	return signed ? [-half, half - 1n] : [0n, half * 2n - 1n];
}

function wholeNumber([low, high]: readonly [bigint, bigint]): string {
	return `a whole number from ${low} to ${high}`;
}

/** Integers of 1 to 16 bytes, as numbers or bigints. */
export function integerWriter(
	size: number,
	signed: boolean,
	path: string,
	little: boolean,
): Writer {
	const range = limits(size * 8, signed);
	const expected = wholeNumber(range);
	if (size === 8) return wordWriter(range, expected, path, little);
	if (size === 16) {
		const [lowHalf, highHalf] = little ? [0, 8] : [8, 0];
		return (value, view, offset) => {
			const number = toBigInt(value);
			if (number === undefined || number < range[0] || number > range[1]) {
				refuse(path, expected, value);
			}

			view.setBigUint64(offset + lowHalf, BigInt.asUintN(64, number), little);
			view.setBigUint64(offset + highHalf, BigInt.asUintN(64, number >> 64n), little);
		};
	}

	const [low, high] = [Number(range[0]), Number(range[1])];
	return (value, view, offset) => {
		const number = typeof value === 'bigint' ? Number(value) : value;
		if (
			typeof number !== 'number' ||
			!Number.isInteger(number) ||
			number < low ||
			number > high
		) {
			return refuse(path, expected, value);
		}

		if (size === 4) view.setUint32(offset, number, little);
		else if (size === 2) view.setUint16(offset, number, little);
		else view.setUint8(offset, number);
	};
}

/** 64 bits; numbers go in as two words, which makes no bigint. */
function wordWriter(
	range: readonly [bigint, bigint],
	expected: string,
	path: string,
	little: boolean,
): Writer {
	const [lowWord, highWord] = little ? [0, 4] : [4, 0];
	const [low, high] = range;
	return (value, view, offset) => {
		if (typeof value === 'bigint' && value >= low && value <= high) {
			view.setBigUint64(offset, value, little);
		} else if (Number.isSafeInteger(value) && ((value as number) >= 0 || low < 0n)) {
			view.setUint32(offset + lowWord, value as number, little);
			view.setUint32(offset + highWord, Math.floor((value as number) / 2 ** 32), little);
		} else {
			refuse(path, expected, value);
		}
	};
}

export function boolWriter(size: number, path: string, little: boolean): Writer {
	const write = integerWriter(size, false, path, little);
	return (value, view, offset) => {
		if (typeof value !== 'boolean') refuse(path, 'true or false', value);
		write(value ? 1 : 0, view, offset);
	};
}

export function floatWriter(size: number, path: string, little: boolean): Writer {
	return (value, view, offset) => {
		if (typeof value !== 'number') return refuse(path, 'a number', value);
		if (size === 8) {
			view.setFloat64(offset, value, little);
			return;
		}

		if (Number.isFinite(value) && !Number.isFinite(Math.fround(value))) {
			refuse(path, 'a number that a float can hold', value);
		}

		view.setFloat32(offset, value, little);
	};
}

export function enumWriter(layout: EnumLayout, path: string, little: boolean): Writer {
	const write = integerWriter(layout.size, layout.signed, path, little);
	return (value, view, offset) => {
		write(typeof value === 'string' ? numberOf(layout, value, path) : value, view, offset);
	};
}

function numberOf({numbers}: EnumLayout, name: string, path: string): number | bigint {
	const number = numbers.get(name);
	if (number !== undefined) return number;
	const close = nearest(name, numbers.keys());
	const advice = close === undefined ? '' : `; did you mean "${printable(close)}"?`;
	const got = show(name);
	throw new CodecError('write', path, `there is no enumerator ${got}${advice}`, {got});
}

/** A boolean of one bit. */
function flagWriter(bit: number, path: string, little: boolean): Writer {
	const at = Math.floor(bit / 8);
	const flag = little ? 1 << (bit % 8) : 0x80 >> (bit % 8);
	return (value, view, offset) => {
		if (typeof value !== 'boolean') refuse(path, 'true or false', value);
		const old = view.getUint8(offset + at);
		view.setUint8(offset + at, value ? old | flag : old & ~flag);
	};
}

/** Bit-fields: bits of a struct's bytes, which other fields share. */
export function bitsWriter(layout: BitsLayout, path: string, little: boolean): Writer {
	const {bit, bits, signed, bool, names} = layout;
	if (bool && bits === 1) return flagWriter(bit, path, little);
	const range = limits(bits, signed);
	const expected = wholeNumber(range);
	// Bigints cost many times as much.
	const toInteger = bits <= 32 ? toSafeNumber : toBigInt;
	return (value, view, offset) => {
		if (bool && typeof value !== 'boolean') refuse(path, 'true or false', value);
		const isName = names !== undefined && typeof value === 'string';
		const given = bool ? Number(value) : isName ? numberOf(names, value, path) : value;
		const number = toInteger(given);
		if (number === undefined || number < range[0] || number > range[1]) {
			return refuse(path, expected, value);
		}

		for (let i = 0; i < bits; i++) {
			// Bit 0 of the value is the last one where the highest bit comes first.
			const at = bit + (little ? i : bits - 1 - i);
			const flag = little ? 1 << (at % 8) : 0x80 >> (at % 8);
			const byte = offset + Math.floor(at / 8);
			const isSet =
				typeof number === 'number'
					? ((number >>> i) & 1) === 1
					: ((number >> BigInt(i)) & 1n) === 1n;
			const old = view.getUint8(byte);
			view.setUint8(byte, isSet ? old | flag : old & ~flag);
		}
	};
}
