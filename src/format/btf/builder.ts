/** Makes BTF from types as plain data. */

import {hostLittleEndian, viewOf} from '../../base/bytes.js';
import {BtfError} from './btf-error.js';
import type {Btf} from './btf.js';
import {btfMagic, headerSize} from './header.js';
import {kindNames} from './kinds.js';
import type {BtfComposite, BtfLinkage, BtfType} from './types.js';

/** A type without its id, which the builder gives; ids of types still to come may be used. */
export type NewBtfType = WithoutId<Exclude<BtfType, {kind: 'void'}>>;

type WithoutId<T> = T extends BtfType ? Omit<T, 'id'> : never;

export interface BtfBuilderOptions {
	/** Byte order, that of the base or else of this machine unless given. */
	readonly littleEndian?: boolean;
	/** Types that the new ones continue: ids and strings count on from its own. */
	readonly base?: Btf;
}

const maxCount = 0xffff;
const linkages: readonly BtfLinkage[] = ['static', 'global', 'extern'];

/** Collects types and writes them as BTF; equal strings are stored once. */
export class BtfBuilder {
	private readonly littleEndian: boolean;
	private readonly firstId: number;
	private readonly strings = new Map<string, number>([['', 0]]);
	private readonly stringChunks: Buffer[] = [];
	private stringEnd: number;
	private stringSize = 0;
	private readonly words: number[] = [];
	private count = 0;

	constructor({base, littleEndian}: BtfBuilderOptions = {}) {
		this.littleEndian = littleEndian ?? base?.littleEndian ?? hostLittleEndian;
		this.firstId = base?.typeCount ?? 1;
		this.stringEnd = base?.stringEnd ?? 0;
		if (base === undefined) this.append(Buffer.from('\0'));
	}

	/** The id that the next type will get. */
	get nextId(): number {
		return this.firstId + this.count;
	}

	/** Adds a type and gives its id. *Throws:* `ERR_BTF` for what BTF cannot say. */
	add(type: NewBtfType): number {
		const id = this.nextId;
		const {vlen, flag, last, tail} = this.encode(type, id);
		if (vlen > maxCount) throw new BtfError(`${vlen} parts are too many`, {typeId: id});
		for (const word of [last, ...tail]) {
			if (Number.isInteger(word) && word >= 0 && word <= 0xff_ff_ff_ff) continue;
			throw new BtfError(`${word} is no number of 32 bits`, {typeId: id});
		}

		const info = ((flag ? 1 : 0) << 31) | (kindNames.indexOf(type.kind) << 24) | vlen;
		this.words.push(this.string(type.name), info >>> 0, last);
		for (const word of tail) this.words.push(word);
		this.count++;
		return id;
	}

	/** The finished BTF. Whether all references are to types that exist is for `Btf.parse` to say. */
	build(): Uint8Array {
		const typeSize = this.words.length * 4;
		const bytes = new Uint8Array(headerSize + typeSize + this.stringSize);
		const view = viewOf(bytes);
		view.setUint16(0, btfMagic, this.littleEndian);
		view.setUint8(2, 1);
		const header = [headerSize, 0, typeSize, typeSize, this.stringSize];
		let at = 4;
		for (const words of [header, this.words]) {
			for (const word of words) {
				view.setUint32(at, word, this.littleEndian);
				at += 4;
			}
		}

		bytes.set(Buffer.concat(this.stringChunks), at);
		return bytes;
	}

	private append(chunk: Buffer): void {
		this.stringChunks.push(chunk);
		this.stringEnd += chunk.length;
		this.stringSize += chunk.length;
	}

	private string(text: string): number {
		const known = this.strings.get(text);
		if (known !== undefined) return known;
		if (text.includes('\0'))
			throw new BtfError('a name cannot hold NUL', {typeId: this.nextId});
		const offset = this.stringEnd;
		this.strings.set(text, offset);
		this.append(Buffer.from(`${text}\0`));
		return offset;
	}

	private encode(type: NewBtfType, id: number): Encoded {
		switch (type.kind) {
			case 'int': {
				const {size, bits, bitOffset, signed, char, bool} = type;
				if (bits > 128 || bits + bitOffset > size * 8) {
					throw new BtfError(`${bits} bits at ${bitOffset} do not fit ${size} bytes`, {
						typeId: id,
					});
				}

				const encoding = (signed ? 1 : 0) | (char ? 2 : 0) | (bool ? 4 : 0);
				return plain(size, [((encoding << 24) | (bitOffset << 16) | bits) >>> 0]);
			}

			case 'float':
				return plain(type.size);
			case 'type_tag':
				return {...plain(type.typeId), flag: type.attribute === true};
			case 'ptr':
			case 'typedef':
			case 'volatile':
			case 'const':
			case 'restrict':
				return plain(type.typeId);
			case 'array':
				return plain(0, [type.elementTypeId, type.indexTypeId, type.length]);
			case 'struct':
			case 'union':
				return this.encodeComposite(type, id);
			case 'enum': {
				const tail = type.values.flatMap(({name, value}) => {
					const isExact = type.signed ? (value | 0) === value : value >>> 0 === value;
					if (!isExact)
						throw new BtfError(`${value} is no value of an enum`, {typeId: id});
					return [this.string(name), value >>> 0];
				});
				return {vlen: type.values.length, flag: type.signed, last: type.size, tail};
			}

			case 'enum64': {
				const tail = type.values.flatMap(({name, value}) => {
					const bits = BigInt.asUintN(64, value);
					const read = type.signed ? BigInt.asIntN(64, bits) : bits;
					if (read !== value) {
						throw new BtfError(`${value} is no value of an enum64`, {typeId: id});
					}

					return [this.string(name), Number(bits & 0xff_ff_ff_ffn), Number(bits >> 32n)];
				});
				return {vlen: type.values.length, flag: type.signed, last: type.size, tail};
			}

			case 'fwd':
				return {vlen: 0, flag: type.forwardKind === 'union', last: 0, tail: []};
			case 'func':
				return {...plain(type.typeId), vlen: linkages.indexOf(type.linkage)};
			case 'func_proto': {
				const tail = type.parameters.flatMap(({name, typeId}) => [
					this.string(name),
					typeId,
				]);
				return {vlen: type.parameters.length, flag: false, last: type.returnTypeId, tail};
			}

			case 'var':
				return plain(type.typeId, [linkages.indexOf(type.linkage)]);
			case 'datasec': {
				const tail = type.variables.flatMap(({typeId, offset, size}) => [
					typeId,
					offset,
					size,
				]);
				return {vlen: type.variables.length, flag: false, last: type.size, tail};
			}

			case 'decl_tag': {
				const encoded = plain(type.typeId, [type.componentIndex >>> 0]);
				return {...encoded, flag: type.attribute === true};
			}
		}
	}

	private encodeComposite(type: Omit<BtfComposite, 'id'>, id: number): Encoded {
		const flag = type.members.some(({bitfieldSize}) => bitfieldSize > 0);
		const tail = type.members.flatMap(({name, typeId, bitOffset, bitfieldSize}) => {
			if (flag && (bitOffset > 0xff_ff_ff || bitfieldSize > 0xff)) {
				throw new BtfError(`bit ${bitOffset} of a struct with bit-fields is too far`, {
					typeId: id,
				});
			}

			const place = flag ? ((bitfieldSize << 24) | bitOffset) >>> 0 : bitOffset;
			return [this.string(name), typeId, place];
		});
		return {vlen: type.members.length, flag, last: type.size, tail};
	}
}

interface Encoded {
	readonly vlen: number;
	readonly flag: boolean;
	/** Size or type id. */
	readonly last: number;
	readonly tail: readonly number[];
}

function plain(last: number, tail: readonly number[] = []): Encoded {
	return {vlen: 0, flag: false, last, tail};
}

/** A builder that holds all types of `btf` under their ids, on the same base. */
export function builderOf(btf: Btf): BtfBuilder {
	const {base, littleEndian} = btf;
	const builder = new BtfBuilder({littleEndian, ...(base !== undefined && {base})});
	for (let id = btf.firstId; id < btf.typeCount; id++) {
		const type = btf.type(id);
		if (type.kind !== 'void') builder.add(type);
	}

	return builder;
}
