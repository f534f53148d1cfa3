/** Makes BTF from types as plain data. */

import {hostLittleEndian} from '../../base/bytes.js';
import {BtfError} from './btf-error.js';
import type {Btf} from './btf.js';
import {kindNames} from './kinds.js';
import type {BtfComposite, BtfType} from './types.js';

/** A type without its id, which the builder gives; ids of types still to come may be used. */
export type NewBtfType = WithoutId<Exclude<BtfType, {kind: 'void'}>>;

type WithoutId<T> = T extends BtfType ? Omit<T, 'id'> : never;

const maxCount = 0xffff;

/** Collects types and writes them as BTF; equal strings are stored once. */
export class BtfBuilder {
	private readonly littleEndian: boolean;
	private readonly strings = new Map<string, number>([['', 0]]);
	private readonly stringChunks: Buffer[] = [Buffer.from('\0')];
	private stringSize = 1;
	private words: number[] = [];
	private count = 0;

	/** Byte order of this machine unless told. */
	constructor(options: {readonly littleEndian?: boolean} = {}) {
		this.littleEndian = options.littleEndian ?? hostLittleEndian;
	}

	/** The id that the next type will get: the first is 1. */
	get nextId(): number {
		return this.count + 1;
	}

	/** Adds a type and gives its id. *Throws:* `ERR_BTF` for what BTF cannot say. */
	add(type: NewBtfType): number {
		const id = this.nextId;
		const {vlen, flag, last, tail} = this.encode(type, id);
		if (vlen > maxCount) throw new BtfError(`${vlen} parts are too many`, {typeId: id});
		const info = ((flag ? 1 : 0) << 31) | (kindNames.indexOf(type.kind) << 24) | vlen;
		this.words.push(this.string(type.name), info >>> 0, last, ...tail);
		this.count++;
		return id;
	}

	/** The finished BTF. */
	build(): Uint8Array {
		const headerSize = 24;
		const typeSize = this.words.length * 4;
		const bytes = new Uint8Array(headerSize + typeSize + this.stringSize);
		const view = new DataView(bytes.buffer);
		view.setUint16(0, 0xeb9f, this.littleEndian);
		view.setUint8(2, 1);
		const header = [headerSize, 0, typeSize, typeSize, this.stringSize];
		for (const [i, word] of [...header, ...this.words].entries()) {
			view.setUint32(4 + i * 4, word, this.littleEndian);
		}

		bytes.set(Buffer.concat(this.stringChunks), headerSize + typeSize);
		return bytes;
	}

	private string(text: string): number {
		const known = this.strings.get(text);
		if (known !== undefined) return known;
		const offset = this.stringSize;
		const chunk = Buffer.from(`${text}\0`);
		this.strings.set(text, offset);
		this.stringChunks.push(chunk);
		this.stringSize += chunk.length;
		return offset;
	}

	private encode(type: NewBtfType, id: number): Encoded {
		switch (type.kind) {
			case 'int': {
				const {size, bits, bitOffset, signed, char, bool} = type;
				const encoding = (signed ? 1 : 0) | (char ? 2 : 0) | (bool ? 4 : 0);
				return plain(size, [((encoding << 24) | (bitOffset << 16) | bits) >>> 0]);
			}

			case 'float':
				return plain(type.size);
			case 'ptr':
			case 'typedef':
			case 'volatile':
			case 'const':
			case 'restrict':
			case 'type_tag':
				return plain(type.typeId);
			case 'array':
				return plain(0, [type.elementTypeId, type.indexTypeId, type.length]);
			case 'struct':
			case 'union':
				return this.encodeComposite(type, id);
			case 'enum': {
				const tail = type.values.flatMap(({name, value}) => [this.string(name), value >>> 0]);
				return {vlen: type.values.length, flag: type.signed, last: type.size, tail};
			}

			case 'enum64': {
				const tail = type.values.flatMap(({name, value}) => {
					const bits = BigInt.asUintN(64, value);
					return [this.string(name), Number(bits & 0xff_ff_ff_ffn), Number(bits >> 32n)];
				});
				return {vlen: type.values.length, flag: type.signed, last: type.size, tail};
			}

			case 'fwd':
				return {vlen: 0, flag: type.forwardKind === 'union', last: 0, tail: []};
			case 'func':
				return {vlen: linkageNumber(type.linkage), flag: false, last: type.typeId, tail: []};
			case 'func_proto': {
				const tail = type.parameters.flatMap(({name, typeId}) => [this.string(name), typeId]);
				return {vlen: type.parameters.length, flag: false, last: type.returnTypeId, tail};
			}

			case 'var':
				return plain(type.typeId, [linkageNumber(type.linkage)]);
			case 'datasec': {
				const tail = type.variables.flatMap(({typeId, offset, size}) => [typeId, offset, size]);
				return {vlen: type.variables.length, flag: false, last: type.size, tail};
			}

			case 'decl_tag':
				return plain(type.typeId, [type.componentIndex >>> 0]);
		}
	}

	private encodeComposite(type: Omit<BtfComposite, 'id'>, id: number): Encoded {
		const flag = type.members.some(({bitfieldSize}) => bitfieldSize > 0);
		const tail = type.members.flatMap(({name, typeId, bitOffset, bitfieldSize}) => {
			if (flag && bitOffset > 0xff_ff_ff) {
				throw new BtfError(`a struct with bit-fields cannot reach bit ${bitOffset}`, {typeId: id});
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

function linkageNumber(linkage: 'static' | 'global' | 'extern'): number {
	return ['static', 'global', 'extern'].indexOf(linkage);
}

/** A builder that holds all types of `btf` under their ids; split BTF cannot be copied. */
export function builderOf(btf: Btf): BtfBuilder {
	if (btf.base !== undefined) throw new BtfError('types that continue others cannot be copied');
	const builder = new BtfBuilder({littleEndian: btf.littleEndian});
	for (let id = 1; id < btf.typeCount; id++) {
		const type = btf.type(id);
		if (type.kind !== 'void') builder.add(type);
	}

	return builder;
}
