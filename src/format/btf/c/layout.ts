/** How a C compiler would lay out a struct, and what it has to be told so that it does as BTF says. */

import {BtfError} from '../btf-error.js';
import type {Btf} from '../btf.js';
import type {BtfComposite, BtfMember} from '../types.js';

/** Structs inside of structs; no source goes so deep. */
const maxDepth = 256;

interface Composite {
	/** Bytes. */
	readonly alignment: number;
	readonly packed: boolean;
}

/** A member's bits, old encodings of bit-fields included. */
export interface MemberBits {
	readonly start: number;
	readonly bits: number;
	/** Bits of the type a bit-field is of; 0 for an ordinary member. */
	readonly unit: number;
}

/** Alignments of types on a 64-bit machine, each computed once. */
export class CLayout {
	private readonly btf: Btf;
	private readonly composites = new Map<number, Composite>();

	constructor(btf: Btf) {
		this.btf = btf;
	}

	/** Bytes that the compiler would align a value to. *Throws:* `ERR_BTF`. */
	alignOf(id: number, depth = 0): number {
		const type = this.btf.resolve(id);
		switch (type.kind) {
			case 'int':
			case 'float':
			case 'enum':
			case 'enum64':
				// The lowest bit that is set: 4 for the 12 bytes of an old long double.
				return Math.max(1, Math.min(16, type.size & -type.size));
			case 'ptr':
				return 8;
			case 'array':
				return this.alignOf(type.elementTypeId, depth + 1);
			case 'struct':
			case 'union':
				return this.composite(type, depth).alignment;
			default:
				return 1;
		}
	}

	/** True when members lie where only `packed` lets them. *Throws:* `ERR_BTF`. */
	isPacked(type: BtfComposite): boolean {
		return this.composite(type, 0).packed;
	}

	/** Where a member lies. *Throws:* `ERR_BTF`. */
	bitsOf({typeId, bitOffset, bitfieldSize}: BtfMember): MemberBits {
		const type = this.btf.resolve(typeId);
		if (bitfieldSize > 0) {
			const unit = 'size' in type ? type.size * 8 : 0;
			return {start: bitOffset, bits: bitfieldSize, unit: Math.max(unit, bitfieldSize)};
		}

		if (type.kind === 'int' && type.bits > 0 && type.bits < type.size * 8) {
			if (!type.bool || type.bitOffset > 0) {
				const start = bitOffset + type.bitOffset;
				return {start, bits: type.bits, unit: type.size * 8};
			}
		}

		const isSized = type.kind === 'ptr' || type.kind === 'array' || 'size' in type;
		return {start: bitOffset, bits: isSized ? this.btf.sizeOf(typeId) * 8 : 0, unit: 0};
	}

	private composite(type: BtfComposite, depth: number): Composite {
		const known = this.composites.get(type.id);
		if (known !== undefined) return known;
		if (depth > maxDepth) {
			throw new BtfError('structs are nested too deep', {typeId: type.id});
		}

		let alignment = 1;
		let packed = false;
		for (const member of type.members) {
			const own = this.alignOf(member.typeId, depth + 1);
			const {start, bits, unit} = this.bitsOf(member);
			alignment = Math.max(alignment, own);
			packed ||= unit > 0 ? (start % unit) + bits > unit : start % (own * 8) !== 0;
		}

		packed ||= type.size % alignment !== 0;
		const result = {packed, alignment: packed ? 1 : alignment};
		this.composites.set(type.id, result);
		return result;
	}
}

/** Where the compiler would put a member of this type behind bit `at`. */
export function naturalStart(
	at: number,
	{bits, unit}: MemberBits,
	alignment: number,
	packed: boolean,
): number {
	if (unit > 0) {
		return packed || (at % unit) + bits <= unit ? at : Math.ceil(at / unit) * unit;
	}

	const step = packed ? 8 : alignment * 8;
	return Math.ceil(at / step) * step;
}

const units = [
	[64, 'unsigned long'],
	[32, 'unsigned int'],
	[16, 'unsigned short'],
	[8, 'unsigned char'],
] as const;

/** More bytes than this are an array, which has to have a name. */
const mostUnnamed = 128;

/** Members that fill bits `from..to` and have no name, so that they align nothing. */
export function* padding(from: number, to: number, nextName: () => string): Generator<string> {
	let at = from;
	if (to - at > mostUnnamed * 8) {
		const head = Math.ceil(at / 8) * 8;
		if (head > at) yield `unsigned char :${head - at}`;
		const bytes = Math.floor((to - head) / 8);
		yield `unsigned char ${nextName()}[${bytes}]`;
		at = head + bytes * 8;
	}

	while (at < to) {
		const rest = to - at;
		const [bits, word] = units.find(([size]) => at % size === 0 && size <= rest) ?? [
			Math.min(8 - (at % 8), rest),
			'unsigned char',
		];
		yield `${word} :${bits}`;
		at += bits;
	}
}
