import fc from 'fast-check';
import {Types} from '../btf/types.js';

/** A type to be built: what C can say, without names and places. */
export type Shape =
	| {readonly kind: 'int'; readonly size: number; readonly signed: boolean}
	| {readonly kind: 'bool'}
	| {readonly kind: 'pointer'}
	| {readonly kind: 'float'; readonly size: 4 | 8}
	| {readonly kind: 'enum'; readonly size: number; readonly signed: boolean}
	| {readonly kind: 'array'; readonly length: number; readonly element: Shape}
	| {
			readonly kind: 'wrapped';
			readonly by: 'typedef' | 'const' | 'volatile';
			readonly inner: Shape;
	  }
	| {readonly kind: 'union' | 'struct'; readonly members: readonly ShapeMember[]};

export interface ShapeMember {
	readonly shape: Shape;
	/** Bytes left before it. */
	readonly gap: number;
	/** Bit-fields that follow it. */
	readonly bits: readonly {readonly width: number; readonly type: 's' | 'u' | 'b' | 'e'}[];
	readonly anonymous: boolean;
	/** Chooses a name that no C has. */
	readonly odd: number;
}

const leaf: fc.Arbitrary<Shape> = fc.oneof(
	fc.record({
		kind: fc.constant('int' as const),
		size: fc.constantFrom(1, 2, 4, 8, 16),
		signed: fc.boolean(),
	}),
	fc.record({
		kind: fc.constant('enum' as const),
		size: fc.constantFrom(1, 2, 4, 8),
		signed: fc.boolean(),
	}),
	fc.record({kind: fc.constant('float' as const), size: fc.constantFrom(4 as const, 8 as const)}),
	fc.constant({kind: 'bool' as const}),
	fc.constant({kind: 'pointer' as const}),
);

export const shapes: fc.Arbitrary<Shape> = fc.letrec<{shape: Shape}>(tie => {
	const member = fc.record({
		shape: tie('shape'),
		gap: fc.nat(3),
		bits: fc.array(
			fc.record({
				width: fc.integer({min: 1, max: 64}),
				type: fc.constantFrom('s' as const, 'u' as const, 'b' as const, 'e' as const),
			}),
			{maxLength: 3},
		),
		anonymous: fc.boolean(),
		odd: fc.nat(200),
	});
	return {
		shape: fc.oneof(
			{depthSize: 'small', withCrossShrink: true},
			leaf,
			fc.record({
				kind: fc.constant('array' as const),
				length: fc.nat(20),
				element: tie('shape'),
			}),
			fc.record({
				kind: fc.constant('wrapped' as const),
				by: fc.constantFrom('typedef' as const, 'const' as const, 'volatile' as const),
				inner: tie('shape'),
			}),
			fc.record({
				kind: fc.constantFrom('struct' as const, 'struct' as const, 'union' as const),
				members: fc.array(member, {maxLength: 6}),
			}),
		),
	};
}).shape;

const oddNames = [
	'__proto__',
	'constructor',
	'"]);process.exit(1)//',
	'$' + '{process.exit(1)}',
	'a\u2028b',
	'\\',
	'7',
	'toJSON',
	'é',
];

/** Builds types of shapes, and knows their sizes. */
export class ShapeBuilder {
	readonly types: Types;
	private count = 0;

	constructor(littleEndian: boolean) {
		this.types = new Types({littleEndian});
	}

	build(shape: Shape): {id: number; size: number} {
		const {types} = this;
		switch (shape.kind) {
			case 'int':
				return {id: types.int('int', shape.size, shape.signed), size: shape.size};
			case 'bool':
				return {id: types.int('bool', 1, false, true), size: 1};
			case 'pointer':
				return {id: types.add({kind: 'ptr', name: '', typeId: 0}), size: 8};
			case 'float':
				return {id: types.add({...shape, name: 'float'}), size: shape.size};
			case 'enum':
				return {id: this.enumeration(shape.size, shape.signed), size: shape.size};
			case 'array': {
				const {id, size} = this.build(shape.element);
				return {id: types.array(id, shape.length), size: size * shape.length};
			}

			case 'wrapped': {
				const {id, size} = this.build(shape.inner);
				const name = shape.by === 'typedef' ? 'alias' : '';
				return {id: types.add({kind: shape.by, name, typeId: id}), size};
			}

			case 'struct':
			case 'union':
				return this.composite(shape);
		}
	}

	private composite({kind, members}: Shape & {kind: 'struct' | 'union'}): {
		id: number;
		size: number;
	} {
		const list: {name: string; typeId: number; bitOffset: number; bitfieldSize: number}[] = [];
		let [end, size] = [0, 0];
		const place = (name: string, typeId: number, bits: number, bitfieldSize = 0): void => {
			const bitOffset = kind === 'union' ? 0 : end;
			list.push({name, typeId, bitOffset, bitfieldSize});
			end = bitOffset + bits;
			size = Math.max(size, Math.ceil(end / 8));
		};

		for (const member of members) {
			if (kind === 'struct') end = Math.ceil(end / 8) * 8 + member.gap * 8;
			const {id, size: bytes} = this.build(member.shape);
			const canHide = ['struct', 'union'].includes(member.shape.kind);
			place(canHide && member.anonymous ? '' : this.name(member.odd), id, bytes * 8);
			for (const {width, type} of member.bits) {
				const typeId = this.bitType(type);
				const bits = type === 'b' ? 1 : width;
				place(this.name(255), typeId, bits, bits);
			}
		}

		if (kind === 'union') {
			// Whatever a float or a bool may lose of the bytes, these say.
			place(this.name(255), this.types.array(this.types.u8, size), size * 8);
		}

		const id = this.types.add({kind, name: 'made', size: size + (size % 3), members: list});
		return {id, size: size + (size % 3)};
	}

	private bitType(type: 's' | 'u' | 'b' | 'e'): number {
		if (type === 'e') return this.enumeration(8, true);
		if (type === 'b') return this.types.int('bool', 1, false, true);
		return this.types.int('wide', 8, type === 's');
	}

	private enumeration(size: number, signed: boolean): number {
		const values = ['NONE', 'ONE', 'a"b'].map((name, i) => ({name, value: BigInt(i)}));
		return this.types.add({kind: 'enum64', name: 'e', size, signed, values});
	}

	private name(odd: number): string {
		const name = oddNames[odd];
		return name === undefined
			? `m${this.count++}`
			: `${name}${this.count++ === 0 ? '' : this.count}`;
	}
}
