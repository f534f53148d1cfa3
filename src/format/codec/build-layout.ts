/** Derives layouts from BTF, which may be hostile: every number of it is doubted. */

import {nearest} from '../../base/suggest.js';
import type {Btf} from '../btf/btf.js';
import {describeType} from '../btf/describe.js';
import {printable} from '../btf/printable.js';
import type {
	BtfComposite,
	BtfDataSection,
	BtfEnum,
	BtfEnum64,
	BtfMember,
	BtfType,
} from '../btf/types.js';
import {CodecError, show} from './codec-error.js';
import {
	checkWork,
	fieldSizes,
	type EnumLayout,
	type FieldCodec,
	type FieldCodecs,
	type FieldTree,
	type Layout,
	type LayoutField,
	type Shape,
	type StructLayout,
} from './layout.js';

// What nests deeper or branches wider than this is no C that anybody wrote.
const maxDepth = 32;
const maxParts = 50_000;

/** `path` is what errors call the value. *Throws:* `ERR_CODEC`, `ERR_BTF`. */
export function layoutOf(
	btf: Btf,
	typeId: number,
	fields: FieldCodecs | undefined,
	path = '',
): Layout {
	const isPlain = fields === undefined && path === '';
	const known = isPlain ? plain.get(btf)?.get(typeId) : undefined;
	if (known !== undefined) return known;
	const layout = new LayoutBuilder(btf).build(typeId, fields, path, 0);
	checkWork(layout, path);
	if (!isPlain) return layout;
	if (!plain.has(btf)) plain.set(btf, new Map());
	plain.get(btf)?.set(typeId, layout);
	return layout;
}

/** Of types without codecs for their fields: many maps of an object have the same. */
const plain = new WeakMap<Btf, Map<number, Layout>>();

/** Members of one struct on their way to a layout. */
interface Scope {
	readonly tree: FieldTree | undefined;
	readonly path: string;
	readonly size: number;
	readonly fields: LayoutField[];
	readonly names: Set<string>;
}

class LayoutBuilder {
	private readonly btf: Btf;
	private parts = 0;

	constructor(btf: Btf) {
		this.btf = btf;
	}

	build(typeId: number, codecs: FieldCodecs | undefined, path: string, depth: number): Layout {
		this.count(path, depth);
		if (typeof codecs === 'string') return this.fieldLayout(typeId, codecs, path);
		const type = this.btf.resolve(typeId);
		switch (type.kind) {
			case 'array': {
				const element = this.elementCodecs(codecs, typeId, path);
				return {
					kind: 'array',
					size: this.btf.sizeOf(typeId),
					length: type.length,
					element: this.build(type.elementTypeId, element, `${path}[]`, depth + 1),
				};
			}

			case 'struct':
			case 'union':
				return this.struct(type, this.tree(codecs, typeId, path), path, depth);
			case 'datasec':
				return this.dataSection(type, this.tree(codecs, typeId, path), path, depth);
			default:
				if (codecs === undefined) return this.scalar(type, path);
				throw fail(
					path,
					`${describeType(this.btf, typeId)} has no fields, got ${show(codecs)}`,
				);
		}
	}

	private scalar(type: BtfType, path: string): Layout {
		switch (type.kind) {
			case 'int': {
				const {size, bits, bitOffset, signed, bool} = type;
				if (![1, 2, 4, 8, 16].includes(size) || bits === 0) {
					throw fail(path, `no integer has ${bits} bits in ${size} bytes`);
				}

				if (bits === size * 8 || bool)
					return {kind: 'int', size, signed: signed && !bool, bool};
				return {kind: 'bits', size, bit: bitOffset, bits, signed, bool, names: undefined};
			}

			case 'ptr':
				return {kind: 'int', size: 8, signed: false, bool: false};
			case 'float':
				if (type.size === 4 || type.size === 8) return {kind: 'float', size: type.size};
				return {kind: 'field', size: type.size, codec: 'bytes'};
			case 'enum':
			case 'enum64':
				if (type.size > 0) return enumLayout(type, type.size * 8);
				throw fail(path, `${describeType(this.btf, type.id)} is declared and not defined`);
			case 'fwd':
				throw fail(path, `${describeType(this.btf, type.id)} is declared and not defined`);
			default:
				throw fail(path, `${describeType(this.btf, type.id)} has no value`);
		}
	}

	private fieldLayout(typeId: number, codec: FieldCodec, path: string): Layout {
		if (!Object.hasOwn(fieldSizes, codec)) {
			const close = nearest(codec, Object.keys(fieldSizes));
			const advice = close === undefined ? '' : `; did you mean "${close}"?`;
			throw fail(path, `there is no codec ${show(codec)}${advice}`);
		}

		const size = this.btf.sizeOf(typeId);
		const wanted = fieldSizes[codec];
		if (wanted !== undefined && wanted !== size) {
			const type = describeType(this.btf, typeId);
			throw fail(path, `codec ${codec} reads ${wanted} bytes, ${type} has ${size}`);
		}

		return {kind: 'field', size, codec};
	}

	private elementCodecs(
		codecs: Exclude<FieldCodecs, FieldCodec> | undefined,
		typeId: number,
		path: string,
	): FieldCodecs | undefined {
		if (codecs === undefined) return undefined;
		const list: readonly FieldCodecs[] = isList(codecs) ? codecs : [];
		if (list.length === 1) return list[0];
		const type = describeType(this.btf, typeId);
		throw fail(path, `${type} wants codecs as [codecs of an element], got ${show(codecs)}`);
	}

	private tree(
		codecs: Exclude<FieldCodecs, FieldCodec> | undefined,
		typeId: number,
		path: string,
	): FieldTree | undefined {
		if (codecs === undefined) return undefined;
		if (typeof codecs === 'object' && (codecs as unknown) !== null && !isList(codecs))
			return codecs;
		const type = describeType(this.btf, typeId);
		throw fail(path, `${type} wants codecs as {field: codec}, got ${show(codecs)}`);
	}

	private struct(
		type: BtfComposite,
		tree: FieldTree | undefined,
		path: string,
		depth: number,
	): StructLayout {
		const scope = {tree, path, size: type.size, fields: [], names: new Set<string>()};
		const shape = this.members(type, 0, scope, depth);
		checkTree(scope, describeType(this.btf, type.id));
		return {kind: 'struct', size: type.size, fields: scope.fields, shape};
	}

	private members(type: BtfComposite, base: number, scope: Scope, depth: number): Shape {
		const {path, size, fields} = scope;
		const parts: (number | Shape)[] = [];
		for (const member of type.members) {
			const inner = this.btf.resolve(member.typeId);
			if (member.name === '' && (inner.kind === 'struct' || inner.kind === 'union')) {
				this.count(path, depth);
				const offset = base + wholeByte(member, path);
				checkInside(offset + inner.size, size, path);
				parts.push(this.members(inner, offset, scope, depth + 1));
				continue;
			}

			// Unnamed bit-fields only make room.
			if (member.name === '') continue;
			const at = join(path, member.name);
			const codecs = addName(scope, member.name, at);
			parts.push(fields.length);
			const bits = this.bitField(member, inner, base, size, at);
			if (bits !== undefined) {
				this.count(at, depth);
				if (codecs !== undefined) throw fail(at, 'a bit-field has no codec to choose');
				fields.push({name: member.name, offset: 0, layout: bits});
				continue;
			}

			const layout = this.build(member.typeId, codecs, at, depth + 1);
			const offset = base + wholeByte(member, at);
			checkInside(offset + layout.size, size, at);
			fields.push({name: member.name, offset, layout});
		}

		return {kind: type.kind === 'union' ? 'any' : 'all', parts};
	}

	/** The layout of a member that is a bit-field, of today's encoding or of the one in integers. */
	private bitField(
		member: BtfMember,
		inner: BtfType,
		base: number,
		size: number,
		path: string,
	): Layout | undefined {
		const isPartial = inner.kind === 'int' && !inner.bool && inner.bits !== inner.size * 8;
		if (member.bitfieldSize === 0 && !isPartial) return undefined;
		const isEnum = inner.kind === 'enum' || inner.kind === 'enum64';
		if (inner.kind !== 'int' && !isEnum) throw fail(path, `a ${inner.kind} is no bit-field`);
		const isOld = member.bitfieldSize === 0 && inner.kind === 'int';
		const bits = isOld ? inner.bits : member.bitfieldSize;
		const bit = base * 8 + member.bitOffset + (isOld ? inner.bitOffset : 0);
		if (bits < 1 || bits > 64) throw fail(path, `no bit-field has ${bits} bits`);
		checkInside(Math.ceil((bit + bits) / 8), size, path);
		const bool = inner.kind === 'int' && inner.bool;
		const names = isEnum ? enumLayout(inner, bits) : undefined;
		return {kind: 'bits', size, bit, bits, signed: inner.signed && !bool, bool, names};
	}

	/** A data section's variables, as the fields of a struct. */
	private dataSection(
		type: BtfDataSection,
		tree: FieldTree | undefined,
		path: string,
		depth: number,
	): StructLayout {
		const scope: Scope = {tree, path, size: type.size, fields: [], names: new Set()};
		const variables = type.variables.map(({typeId, offset, size}) => {
			const variable = this.btf.type(typeId);
			if (variable.kind !== 'var') throw fail(path, `type ${typeId} is no variable`);
			return {name: variable.name, typeId: variable.typeId, offset, size};
		});
		const uses = new Map<string, number>();
		for (const {name} of variables) uses.set(name, (uses.get(name) ?? 0) + 1);
		for (const {name: plain, typeId, offset, size} of variables) {
			// Variables inside of functions may share a name.
			const isShared = (uses.get(plain) ?? 0) > 1;
			const name = isShared ? `${plain}@${type.name}+${offset}` : plain;
			const at = join(path, name);
			const codecs = addName(scope, name, at);
			checkInside(offset + size, type.size, at);
			const layout = this.build(typeId, codecs, at, depth + 1);
			// A flexible array at its end makes a variable larger than its type.
			if (layout.size !== size) {
				throw fail(at, `its type has ${layout.size} bytes, the variable ${size}`);
			}

			scope.fields.push({name, offset, layout});
		}

		checkTree(scope, `section "${printable(type.name)}"`);
		const parts = scope.fields.map((_, index) => index);
		return {kind: 'struct', size: type.size, fields: scope.fields, shape: {kind: 'all', parts}};
	}

	private count(path: string, depth: number): void {
		if (depth > maxDepth) throw fail(path, 'types nest too deep');
		if (++this.parts > maxParts) throw fail(path, 'the type has too many parts');
	}
}

function fail(path: string, detail: string): CodecError {
	return new CodecError('lay out', path, detail);
}

function join(path: string, name: string): string {
	return path === '' ? name : `${path}.${name}`;
}

function isList(codecs: Exclude<FieldCodecs, FieldCodec>): codecs is readonly [FieldCodecs] {
	return Array.isArray(codecs);
}

/** Takes the name for a field of the struct, and gives the codecs that were chosen for it. */
function addName({names, tree}: Scope, name: string, path: string): FieldCodecs | undefined {
	if (names.has(name)) throw fail(path, 'two fields have this name');
	names.add(name);
	return tree !== undefined && Object.hasOwn(tree, name) ? tree[name] : undefined;
}

function checkTree({tree, names, path}: Scope, owner: string): void {
	for (const name of Object.keys(tree ?? {})) {
		if (names.has(name)) continue;
		const close = nearest(name, names);
		const advice = close === undefined ? '' : `; did you mean "${printable(close)}"?`;
		throw fail(path, `${owner} has no field ${show(name)}${advice}`);
	}
}

function wholeByte(member: BtfMember, path: string): number {
	if (member.bitOffset % 8 === 0) return member.bitOffset / 8;
	throw fail(path, `it begins at bit ${member.bitOffset}`);
}

function checkInside(end: number, size: number, path: string): void {
	if (end > size) throw fail(path, `it ends at byte ${end} of ${size}`);
}

/** Names of numbers as they are read: bigints where there are more than 32 bits. */
function enumLayout(type: BtfEnum | BtfEnum64, bits: number): EnumLayout {
	const {size, signed} = type;
	const names = new Map<number | bigint, string>();
	const numbers = new Map<string, number | bigint>();
	// Compilers that do not know enum64 cut values to 32 bits: such names would be wrong.
	const values = type.kind === 'enum' && size === 8 ? [] : type.values;
	for (const {name, value} of values) {
		const fitted = fit(BigInt(value), type.kind === 'enum' ? 32 : 64, bits, signed);
		if (fitted === undefined) continue;
		const number = bits > 32 ? fitted : Number(fitted);
		if (!names.has(number)) names.set(number, name);
		if (!numbers.has(name)) numbers.set(name, number);
	}

	return {kind: 'enum', size, signed, names, numbers};
}

/** The value as it is read from so many bits; undefined where they cannot hold it. */
function fit(value: bigint, width: number, bits: number, signed: boolean): bigint | undefined {
	const read = signed ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value);
	if (read === value) return read;
	// Some compilers call enums with negative values unsigned.
	const negative = BigInt.asIntN(width, value);
	return negative < 0n && BigInt.asIntN(bits, value) === negative ? read : undefined;
}
