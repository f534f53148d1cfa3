import {BtfError} from './btf-error.js';
import {kindNames} from './kinds.js';
import type {BtfLinkage, BtfMember, BtfType} from './types.js';

/** What decoding needs of the BTF around a type. */
interface Surroundings {
	readonly littleEndian: boolean;
	string(offset: number): string;
}

const linkages: readonly BtfLinkage[] = ['static', 'global', 'extern'];

/** Decodes the record at `at`, which is known to be whole. *Throws:* `ERR_BTF`. */
export function decodeType(btf: Surroundings, view: DataView, at: number, id: number): BtfType {
	const u32 = (offset: number): number => view.getUint32(at + offset, btf.littleEndian);
	const i32 = (offset: number): number => view.getInt32(at + offset, btf.littleEndian);
	const info = u32(4);
	const count = info & 0xffff;
	const flag = info >>> 31 === 1;
	const last = u32(8);
	const kind = kindNames[(info >>> 24) & 0x1f];
	const name = btf.string(u32(0));
	const each = <T>(size: number, read: (offset: number) => T): T[] => {
		const list: T[] = [];
		for (let i = 0; i < count; i++) list.push(read(12 + i * size));
		return list;
	};

	switch (kind) {
		case 'int': {
			const word = u32(12);
			const encoding = word >>> 24;
			const [bits, bitOffset] = [word & 0xff, (word >>> 16) & 0xff];
			if (bits > 128 || bits + bitOffset > last * 8 || last > 16) {
				throw new BtfError(`${bits} bits at ${bitOffset} do not fit ${last} bytes`, {
					typeId: id,
				});
			}

			return {
				id,
				name,
				kind,
				size: last,
				bits,
				bitOffset,
				signed: (encoding & 1) !== 0,
				char: (encoding & 2) !== 0,
				bool: (encoding & 4) !== 0,
			};
		}

		case 'float':
			return {id, name, kind, size: last};
		case 'ptr':
		case 'typedef':
		case 'volatile':
		case 'const':
		case 'restrict':
		case 'type_tag':
			return {id, name, kind, typeId: last};
		case 'array':
			return {id, name, kind, elementTypeId: u32(12), indexTypeId: u32(16), length: u32(20)};
		case 'struct':
		case 'union':
			return {id, name, kind, size: last, members: each(12, member)};
		case 'enum':
			return {
				id,
				name,
				kind,
				size: last,
				signed: flag,
				values: each(8, offset => ({
					name: btf.string(u32(offset)),
					value: flag ? i32(offset + 4) : u32(offset + 4),
				})),
			};
		case 'enum64':
			return {
				id,
				name,
				kind,
				size: last,
				signed: flag,
				values: each(12, offset => {
					const bits = (BigInt(u32(offset + 8)) << 32n) | BigInt(u32(offset + 4));
					return {
						name: btf.string(u32(offset)),
						value: flag ? BigInt.asIntN(64, bits) : bits,
					};
				}),
			};
		case 'fwd':
			return {id, name, kind, forwardKind: flag ? 'union' : 'struct'};
		case 'func':
			return {id, name, kind, typeId: last, linkage: linkage(count)};
		case 'func_proto':
			return {
				id,
				name,
				kind,
				returnTypeId: last,
				parameters: each(8, offset => ({
					name: btf.string(u32(offset)),
					typeId: u32(offset + 4),
				})),
			};
		case 'var':
			return {id, name, kind, typeId: last, linkage: linkage(u32(12))};
		case 'datasec':
			return {
				id,
				name,
				kind,
				size: last,
				variables: each(12, offset => ({
					typeId: u32(offset),
					offset: u32(offset + 4),
					size: u32(offset + 8),
				})),
			};
		case 'decl_tag':
			return {id, name, kind, typeId: last, componentIndex: i32(12)};
		default:
			throw new BtfError('it is of no kind', {typeId: id});
	}

	function member(offset: number): BtfMember {
		const word = u32(offset + 8);
		return {
			name: btf.string(u32(offset)),
			typeId: u32(offset + 4),
			bitOffset: flag ? word & 0xff_ff_ff : word,
			bitfieldSize: flag ? word >>> 24 : 0,
		};
	}

	function linkage(number: number): BtfLinkage {
		const known = linkages[number];
		if (known === undefined) throw new BtfError(`linkage ${number} is not known`, {typeId: id});
		return known;
	}
}
