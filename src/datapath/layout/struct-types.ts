/** Layouts of tables as BTF and field codecs, from which codecs are made. */

import {BtfBuilder} from '../../format/btf/builder.js';
import type {BtfMember} from '../../format/btf/types.js';
import type {FieldCodec, FieldCodecs} from '../../format/codec/layout.js';
import {fieldTypes, type FieldType, type StructVariant} from './fields.js';

/** Keys and values that are no structs. */
export const scalars = ['u8', 'u16', 'u32', 'u64', 'be16'] as const;

/** A struct's layout, or the name of a number. */
export type ValueType = StructVariant | (typeof scalars)[number];

/** A type in BTF, and how its fields are read. */
export interface AddedType {
	readonly typeId: number;
	readonly fields: FieldCodecs | undefined;
}

/** A field that records show. */
interface Shown {
	readonly name: string;
	readonly type: 'bits' | 'flag' | FieldType;
	readonly bit: number;
	readonly bits: number;
}

/** Adds types to BTF, numbers once for all. */
export class StructTypes {
	readonly builder = new BtfBuilder();
	private readonly numbers = new Map<string, number>();

	add(type: ValueType): AddedType {
		if (typeof type === 'string') {
			const {size, codec}: FieldType = fieldTypes[type];
			return {typeId: this.number(size, 'unsigned'), fields: codec};
		}

		const shown = type.fields
			.flatMap(({shown, bit, bits}) => (shown === undefined ? [] : {...shown, bit, bits}))
			.sort((a, b) => a.bit - b.bit);
		const fields: Record<string, FieldCodec> = {};
		for (const {name, type: of} of shown) {
			if (typeof of === 'object' && of.codec !== undefined) fields[name] = of.codec;
		}

		const members = clusters(shown).map(cluster => this.cluster(cluster));
		const typeId = this.builder.add({
			kind: 'struct',
			name: type.name,
			size: type.size,
			members,
		});
		return {typeId, fields};
	}

	/** One field, or fields that share bytes as an anonymous union. */
	private cluster(fields: readonly Shown[]): BtfMember {
		const [first] = fields;
		if (first !== undefined && fields.length === 1) return this.member(first, 0);
		const start = Math.min(...fields.map(({bit}) => bit));
		const size = (Math.max(...fields.map(({bit, bits}) => bit + bits)) - start) / 8;
		const members = fields.map(field => {
			const member = this.member(field, start);
			// A union's members begin where it begins.
			if (member.bitOffset === 0) return member;
			const typeId = this.builder.add({kind: 'struct', name: '', size, members: [member]});
			return {name: '', typeId, bitOffset: 0, bitfieldSize: 0};
		});
		const typeId = this.builder.add({kind: 'union', name: '', size, members});
		return {name: '', typeId, bitOffset: start, bitfieldSize: 0};
	}

	private member({name, type, bit, bits}: Shown, start: number): BtfMember {
		const bitOffset = bit - start;
		if (type === 'flag') {
			return {name, typeId: this.number(1, 'bool'), bitOffset, bitfieldSize: bits};
		}

		if (type === 'bits') {
			return {name, typeId: this.number(1, 'unsigned'), bitOffset, bitfieldSize: bits};
		}

		const {size, read = size, signed = false} = type;
		const typeId =
			read === 6 || read === 16
				? this.bytes(read)
				: this.number(read, signed ? 'signed' : 'unsigned');
		return {name, typeId, bitOffset, bitfieldSize: 0};
	}

	private number(size: number, of: 'unsigned' | 'signed' | 'bool'): number {
		const name = `${of} ${size}`;
		return this.once(name, () =>
			this.builder.add({
				kind: 'int',
				name: of === 'bool' ? 'bool' : `__${of === 'signed' ? 's' : 'u'}${size * 8}`,
				size,
				bits: size * 8,
				bitOffset: 0,
				signed: of === 'signed',
				char: false,
				bool: of === 'bool',
			}),
		);
	}

	private bytes(length: number): number {
		const elementTypeId = this.number(1, 'unsigned');
		const indexTypeId = this.number(4, 'unsigned');
		return this.once(`bytes ${length}`, () =>
			this.builder.add({kind: 'array', name: '', elementTypeId, indexTypeId, length}),
		);
	}

	private once(name: string, add: () => number): number {
		const known = this.numbers.get(name) ?? add();
		this.numbers.set(name, known);
		return known;
	}
}

/** Fields in order, those that share bits together. */
function clusters(fields: readonly Shown[]): Shown[][] {
	const found: Shown[][] = [];
	let end = 0;
	for (const field of fields) {
		const last = found.at(-1);
		if (last !== undefined && field.bit < end) last.push(field);
		else found.push([field]);
		end = Math.max(end, field.bit + field.bits);
	}

	return found;
}
