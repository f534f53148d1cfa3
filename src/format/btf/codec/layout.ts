/** Where each field of a type lies and how it is read: what codecs are made from. */

import {nearest} from '../../../base/suggest.js';
import type {Btf} from '../btf.js';
import type {BtfComposite, BtfDataSection, BtfMember} from '../types.js';
import {CodecError} from './codec-error.js';

/**
 * How to read a field that C's types do not describe: numbers in network order, addresses, text.
 *
 * `ipv4` (4 bytes, network order), `ipv6` (16), `mac` (6) and `hex` are texts, `string` is text up
 * to the first NUL, `bytes` a copy as `Uint8Array`.
 */
export type FieldCodec =
	| 'be16'
	| 'be32'
	| 'be64'
	| 'ipv4'
	| 'ipv6'
	| 'mac'
	| 'string'
	| 'bytes'
	| 'hex';

/** A codec for the whole value, or codecs for fields in the shape of the type. */
export type FieldCodecs = FieldCodec | {readonly [field: string]: FieldCodecs};

const fieldSizes: Readonly<Record<FieldCodec, number | undefined>> = {
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
	| {readonly kind: 'bits'; readonly size: number; readonly bit: number; readonly bits: number; readonly signed: boolean}
	| {readonly kind: 'float'; readonly size: number}
	| EnumLayout
	| {readonly kind: 'array'; readonly size: number; readonly length: number; readonly element: Layout}
	| StructLayout
	| {readonly kind: 'field'; readonly size: number; readonly codec: FieldCodec};

export interface IntLayout {
	readonly kind: 'int';
	/** 1, 2, 4, 8 or 16 bytes. */
	readonly size: number;
	readonly signed: boolean;
	readonly bool: boolean;
}

export interface EnumLayout {
	readonly kind: 'enum';
	readonly size: number;
	readonly signed: boolean;
	/** The first name of each number. */
	readonly names: ReadonlyMap<number | bigint, string>;
	readonly numbers: ReadonlyMap<string, number | bigint>;
}

export interface StructLayout {
	readonly kind: 'struct';
	readonly size: number;
	/** Members, with those of anonymous members in their place. */
	readonly fields: readonly LayoutField[];
	/** Fields may lie upon each other: a union, or a struct with an anonymous one. */
	readonly overlapping: boolean;
}

export interface LayoutField {
	readonly name: string;
	/** Bytes from the start of the struct; of bit-fields, always 0. */
	readonly offset: number;
	readonly layout: Layout;
	/** Alternatives of one union carry its number; undefined outside of unions. */
	readonly union: number | undefined;
}

// BTF may come from anywhere: what nests deeper or branches wider than this is no C anybody wrote.
const maxDepth = 32;
const maxNodes = 50_000;

/** *Throws:* `ERR_CODEC`, `ERR_BTF`. */
export function layoutOf(btf: Btf, typeId: number, fields: FieldCodecs | undefined): Layout {
	const builder = new LayoutBuilder(btf);
	return builder.build(typeId, fields, '', 0);
}

class LayoutBuilder {
	private readonly btf: Btf;
	private nodes = 0;
	private unions = 0;

	constructor(btf: Btf) {
		this.btf = btf;
	}

	build(typeId: number, fields: FieldCodecs | undefined, path: string, depth: number): Layout {
		if (depth > maxDepth) throw new CodecError('lay out', path, 'types nest too deep');
		if (++this.nodes > maxNodes) throw new CodecError('lay out', path, 'the type is too large');
		if (typeof fields === 'string') return this.fieldLayout(typeId, fields, path);
		const type = this.btf.resolve(typeId);
		if (fields !== undefined && type.kind !== 'struct' && type.kind !== 'union') {
			throw new CodecError('lay out', path, `a ${type.kind} has no fields to choose codecs for`);
		}

		switch (type.kind) {
			case 'int': {
				const {size, bits, bitOffset, signed, bool} = type;
				if (bits !== size * 8 && !bool) return {kind: 'bits', size, bit: bitOffset, bits, signed};
				if (![1, 2, 4, 8, 16].includes(size)) {
					throw new CodecError('lay out', path, `no integer has ${size} bytes`);
				}

				return {kind: 'int', size, signed, bool};
			}

			case 'ptr':
				return {kind: 'int', size: 8, signed: false, bool: false};
			case 'float':
				if (type.size === 4 || type.size === 8) return {kind: 'float', size: type.size};
				return {kind: 'field', size: type.size, codec: 'bytes'};
			case 'enum':
			case 'enum64':
				return enumLayout(type, path);
			case 'array': {
				const {length, elementTypeId} = type;
				const element = this.build(elementTypeId, undefined, `${path}[]`, depth + 1);
				return {kind: 'array', size: this.btf.sizeOf(typeId), length, element};
			}

			case 'struct':
			case 'union':
				return this.struct(type, fields, path, depth);
			case 'datasec':
				return this.dataSection(type, path, depth);
			default:
				throw new CodecError('lay out', path, `a ${type.kind} has no value`);
		}
	}

	private fieldLayout(typeId: number, codec: FieldCodec, path: string): Layout {
		if (!Object.hasOwn(fieldSizes, codec)) {
			throw new CodecError('lay out', path, `there is no codec "${String(codec)}"`);
		}

		const size = this.btf.sizeOf(typeId);
		const wanted = fieldSizes[codec];
		if (wanted !== undefined && wanted !== size) {
			throw new CodecError('lay out', path, `codec ${codec} reads ${wanted} bytes, the field has ${size}`);
		}

		return {kind: 'field', size, codec};
	}

	private struct(
		type: BtfComposite,
		fields: Exclude<FieldCodecs, FieldCodec> | undefined,
		path: string,
		depth: number,
	): StructLayout {
		const list: LayoutField[] = [];
		const scope = {fields, path, depth, list};
		this.addMembers(type, 0, type.size, undefined, scope);
		const known = list.map(field => field.name);
		for (const name of Object.keys(fields ?? {})) {
			if (known.includes(name)) continue;
			const close = nearest(name, known);
			const advice = close === undefined ? '' : `; did you mean "${close}"?`;
			throw new CodecError('lay out', path, `${type.kind} "${type.name}" has no field "${name}"${advice}`);
		}

		const overlapping = list.some(field => field.union !== undefined);
		return {kind: 'struct', size: type.size, fields: list, overlapping};
	}

	/** A data section's variables, as the fields of a struct. */
	private dataSection(type: BtfDataSection, path: string, depth: number): StructLayout {
		const list = type.variables.map(({typeId, offset, size}): LayoutField => {
			const variable = this.btf.type(typeId);
			if (variable.kind !== 'var') {
				throw new CodecError('lay out', path, `type ${typeId} of a section is not a variable`);
			}

			if (offset + size > type.size || this.btf.sizeOf(variable.typeId) !== size) {
				throw new CodecError('lay out', variable.name, 'it does not lie in its section');
			}

			const layout = this.build(variable.typeId, undefined, variable.name, depth + 1);
			return {name: variable.name, offset, layout, union: undefined};
		});
		return {kind: 'struct', size: type.size, fields: list, overlapping: false};
	}

	private addMembers(
		type: BtfComposite,
		base: number,
		limit: number,
		union: number | undefined,
		scope: {
			fields: Exclude<FieldCodecs, FieldCodec> | undefined;
			path: string;
			depth: number;
			list: LayoutField[];
		},
	): void {
		const {fields, path, depth, list} = scope;
		if (depth > maxDepth) throw new CodecError('lay out', path, 'types nest too deep');
		const group = union ?? (type.kind === 'union' ? this.unions++ : undefined);
		for (const member of type.members) {
			const inner = this.btf.resolve(member.typeId);
			if (member.name === '' && (inner.kind === 'struct' || inner.kind === 'union')) {
				const offset = base + wholeByte(member, path);
				checkInside(member, offset + inner.size, limit, path);
				this.addMembers(inner, offset, limit, group, {...scope, depth: depth + 1});
				continue;
			}

			// Unnamed bit-fields only make room.
			if (member.name === '') continue;
			const at = path === '' ? member.name : `${path}.${member.name}`;
			if (member.bitfieldSize > 0 || isOldBitfield(inner)) {
				list.push({...bitField(member, inner, base, limit, at), union: group});
				continue;
			}

			const chosen = fields !== undefined && Object.hasOwn(fields, member.name) ? fields[member.name] : undefined;
			const layout = this.build(member.typeId, chosen, at, depth + 1);
			const offset = base + wholeByte(member, at);
			checkInside(member, offset + layout.size, limit, at);
			list.push({name: member.name, offset, layout, union: group});
		}
	}
}

function isOldBitfield(type: {kind: string; bits?: number; size?: number; bool?: boolean}): boolean {
	return type.kind === 'int' && type.bool !== true && type.bits !== (type.size ?? 0) * 8;
}

function bitField(
	member: BtfMember,
	inner: {kind: string; signed?: boolean; bits?: number; bitOffset?: number},
	base: number,
	limit: number,
	path: string,
): Omit<LayoutField, 'union'> {
	const bits = member.bitfieldSize > 0 ? member.bitfieldSize : (inner.bits ?? 0);
	const bit = base * 8 + member.bitOffset + (member.bitfieldSize > 0 ? 0 : (inner.bitOffset ?? 0));
	if (bits < 1 || bits > 64) throw new CodecError('lay out', path, `no bit-field has ${bits} bits`);
	checkInside(member, Math.ceil((bit + bits) / 8), limit, path);
	const signed = inner.signed === true;
	return {name: member.name, offset: 0, layout: {kind: 'bits', size: limit, bit, bits, signed}};
}

function wholeByte(member: BtfMember, path: string): number {
	if (member.bitOffset % 8 === 0) return member.bitOffset / 8;
	throw new CodecError('lay out', path, `it begins at bit ${member.bitOffset}`);
}

function checkInside(member: BtfMember, end: number, limit: number, path: string): void {
	if (end <= limit) return;
	throw new CodecError('lay out', path, `"${member.name}" reaches beyond its struct`);
}

function enumLayout(
	type: {
		readonly size: number;
		readonly signed: boolean;
		readonly values: readonly {readonly name: string; readonly value: number | bigint}[];
	},
	path: string,
): EnumLayout {
	const {size, signed, values} = type;
	if (![1, 2, 4, 8].includes(size)) {
		throw new CodecError('lay out', path, `no enum has ${size} bytes`);
	}

	const names = new Map<number | bigint, string>();
	const numbers = new Map<string, number | bigint>();
	for (const {name, value} of values) {
		const number = size === 8 ? BigInt(value) : Number(value);
		if (!names.has(number)) names.set(number, name);
		numbers.set(name, number);
	}

	return {kind: 'enum', size, signed, names, numbers};
}
