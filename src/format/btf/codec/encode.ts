/** Writes values, strictly: what does not fit its type exactly is refused. */

import {viewOf} from '../../../base/bytes.js';
import {nearest} from '../../../base/suggest.js';
import {CodecError, show} from './codec-error.js';
import {fieldWriter} from './encode-field.js';
import type {EnumLayout, Layout, LayoutField, StructLayout} from './layout.js';

/** Writes a value; `path` is the field's, for errors. The bytes it covers are zero before. */
export type Writer = (value: unknown, view: DataView, offset: number) => void;

/** A function that writes a value of that layout over zeroed bytes. */
export function writerOf(layout: Layout, path: string, littleEndian: boolean): Writer {
	switch (layout.kind) {
		case 'int':
			return layout.bool
				? boolWriter(layout.size, path, littleEndian)
				: integerWriter(layout.size, layout.signed, path, littleEndian);
		case 'bits':
			return bitsWriter(layout, path, littleEndian);
		case 'float':
			return floatWriter(layout.size, path, littleEndian);
		case 'enum':
			return enumWriter(layout, path, littleEndian);
		case 'array':
			return arrayWriter(layout, path, littleEndian);
		case 'struct':
			return structWriter(layout, path, littleEndian);
		case 'field':
			return fieldWriter(layout, path);
	}
}

function fail(path: string, expected: string, value: unknown): never {
	throw new CodecError('write', path, `expected ${expected}, got ${show(value)}`);
}

/** The number as a bigint, when it is one that may stand for an integer. */
function toBigInt(value: unknown): bigint | undefined {
	if (typeof value === 'bigint') return value;
	return Number.isSafeInteger(value) ? BigInt(value as number) : undefined;
}

function integerWriter(size: number, signed: boolean, path: string, little: boolean): Writer {
	const bits = size * 8;
	const low = signed ? -(2n ** BigInt(bits - 1)) : 0n;
	const high = 2n ** BigInt(signed ? bits - 1 : bits) - 1n;
	const expected = `a whole number from ${low} to ${high}`;
	if (size > 4) {
		return (value, view, offset) => {
			const number = toBigInt(value);
			if (number === undefined || number < low || number > high) fail(path, expected, value);
			if (size === 8) {
				view.setBigUint64(offset, BigInt.asUintN(64, number), little);
			} else {
				view.setBigUint64(offset + (little ? 0 : 8), BigInt.asUintN(64, number), little);
				view.setBigUint64(offset + (little ? 8 : 0), BigInt.asUintN(64, number >> 64n), little);
			}
		};
	}

	const [min, max] = [Number(low), Number(high)];
	return (value, view, offset) => {
		const number = typeof value === 'bigint' ? Number(value) : value;
		if (!Number.isInteger(number) || (number as number) < min || (number as number) > max) {
			fail(path, expected, value);
		}

		const unsigned = number as number;
		if (size === 4) view.setUint32(offset, unsigned, little);
		else if (size === 2) view.setUint16(offset, unsigned, little);
		else view.setUint8(offset, unsigned);
	};
}

function boolWriter(size: number, path: string, little: boolean): Writer {
	const write = integerWriter(size, false, path, little);
	return (value, view, offset) => {
		if (typeof value !== 'boolean') fail(path, 'true or false', value);
		write(value ? 1 : 0, view, offset);
	};
}

function floatWriter(size: number, path: string, little: boolean): Writer {
	return (value, view, offset) => {
		if (typeof value !== 'number') fail(path, 'a number', value);
		if (size === 4) view.setFloat32(offset, value, little);
		else view.setFloat64(offset, value, little);
	};
}

function bitsWriter(
	{bit, bits, signed}: Layout & {kind: 'bits'},
	path: string,
	little: boolean,
): Writer {
	const low = signed ? -(2n ** BigInt(bits - 1)) : 0n;
	const high = 2n ** BigInt(signed ? bits - 1 : bits) - 1n;
	return (value, view, offset) => {
		const number = toBigInt(value);
		if (number === undefined || number < low || number > high) {
			fail(path, `a whole number from ${low} to ${high}`, value);
		}

		const pattern = BigInt.asUintN(bits, number);
		for (let i = 0; i < bits; i++) {
			// Bit 0 of the value is the last one where the highest bit comes first.
			const at = bit + (little ? i : bits - 1 - i);
			const mask = little ? 1 << (at % 8) : 0x80 >> (at % 8);
			const byte = offset + Math.floor(at / 8);
			const isSet = ((pattern >> BigInt(i)) & 1n) === 1n;
			const old = view.getUint8(byte);
			view.setUint8(byte, isSet ? old | mask : old & ~mask);
		}
	};
}

function enumWriter(layout: EnumLayout, path: string, little: boolean): Writer {
	const {size, signed, numbers} = layout;
	const write = integerWriter(size, signed, path, little);
	return (value, view, offset) => {
		if (typeof value !== 'string') {
			write(value, view, offset);
			return;
		}

		const number = numbers.get(value);
		if (number === undefined) {
			const close = nearest(value, [...numbers.keys()]);
			const advice = close === undefined ? '' : `; did you mean "${close}"?`;
			throw new CodecError('write', path, `there is no enumerator ${show(value)}${advice}`);
		}

		write(number, view, offset);
	};
}

function arrayWriter(
	{length, element}: Layout & {kind: 'array'},
	path: string,
	little: boolean,
): Writer {
	const write = writerOf(element, `${path}[]`, little);
	return (value, view, offset) => {
		const isList = Array.isArray(value) || value instanceof Uint8Array;
		if (!isList || value.length !== length) fail(path, `an array of ${length}`, value);
		for (let i = 0; i < length; i++) write(value[i], view, offset + i * element.size);
	};
}

function structWriter(layout: StructLayout, path: string, little: boolean): Writer {
	const members = layout.fields.map(field => ({
		...field,
		write: writerOf(field.layout, path === '' ? field.name : `${path}.${field.name}`, little),
	}));
	const known = new Map(members.map(member => [member.name, member]));
	const writeUnions = layout.overlapping ? unionWriter(layout, path, members) : undefined;
	const plain = members.filter(member => member.union === undefined);
	return (value, view, offset) => {
		if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || Array.isArray(value)) {
			fail(path, `an object with ${members.map(({name}) => name).join(', ')}`, value);
		}

		const object = value as Record<string, unknown>;
		for (const name of Object.keys(object)) {
			if (!known.has(name)) throw unknownField(path, name, known);
		}

		for (const {name, offset: at, write} of plain) {
			const field = object[name];
			if (field === undefined) throw new CodecError('write', path, `field "${name}" is missing`);
			write(field, view, offset + at);
		}

		writeUnions?.(object, view, offset);
	};
}

function unknownField(path: string, name: string, known: ReadonlyMap<string, unknown>): CodecError {
	const close = nearest(name, [...known.keys()]);
	const advice = close === undefined ? '' : `; did you mean "${close}"?`;
	return new CodecError('write', path, `there is no field "${name}"${advice}`);
}

interface Member extends LayoutField {
	readonly write: Writer;
}

/**
 * Of each union one member has to be given. Several may be, as they come from reading, when they say
 * the same: a byte that two of them write has to get the same value from both.
 */
function unionWriter(layout: StructLayout, path: string, members: readonly Member[]) {
	const groups = new Map<number, Member[]>();
	for (const member of members) {
		if (member.union === undefined) continue;
		groups.set(member.union, [...(groups.get(member.union) ?? []), member]);
	}

	return (object: Record<string, unknown>, view: DataView, offset: number): void => {
		const {size} = layout;
		const target = new Uint8Array(view.buffer, view.byteOffset + offset, size);
		for (const alternatives of groups.values()) {
			const given = alternatives.filter(({name}) => object[name] !== undefined);
			if (given.length === 0) {
				const names = alternatives.map(({name}) => name).join(', ');
				throw new CodecError('write', path, `one of ${names} is missing`);
			}

			const writtenBy = new Array<string | undefined>(size);
			for (const {name, offset: at, layout: inner, write} of given) {
				const scratch = new Uint8Array(size);
				if (inner.kind === 'bits') scratch.set(target);
				write(object[name], viewOf(scratch), at);
				const [first, last] = extent(inner, at);
				for (let i = first; i < last; i++) {
					const other = writtenBy[i];
					if (other !== undefined && target[i] !== scratch[i] && inner.kind !== 'bits') {
						throw new CodecError('write', path, `"${other}" and "${name}" share bytes and differ`);
					}

					writtenBy[i] ??= name;
					target[i] = scratch[i] ?? 0;
				}
			}
		}
	};
}

function extent(layout: Layout, at: number): [first: number, last: number] {
	if (layout.kind !== 'bits') return [at, at + layout.size];
	return [Math.floor(layout.bit / 8), Math.ceil((layout.bit + layout.bits) / 8)];
}
