import type {Records} from './check.js';
import {kindNames} from './kinds.js';
import type {BtfLinkage, BtfMember, BtfType} from './types.js';

const linkages: readonly BtfLinkage[] = ['static', 'global', 'extern'];

/** The type of a record that `checkRecord` has let pass. */
export function decodeType(
	{words, starts, firstId}: Records,
	id: number,
	string: (offset: number) => string,
): BtfType {
	const at = starts[id - firstId] ?? 0;
	const word = (index: number): number => words[at + index] ?? 0;
	const text = (index: number): string => string(word(index));
	const info = word(1);
	const count = info & 0xffff;
	const flag = info >>> 31 === 1;
	const last = word(2);
	const kind = kindNames[(info >>> 24) & 0x1f] ?? 'void';
	const name = text(0);
	const each = <T>(size: number, read: (index: number) => T): T[] => {
		const list: T[] = [];
		for (let i = 0; i < count; i++) list.push(read(3 + i * size));
		return list;
	};

	switch (kind) {
		case 'void':
			return {id, name, kind};
		case 'int': {
			const encoding = word(3);
			return {
				id,
				name,
				kind,
				size: last,
				bits: encoding & 0xff,
				bitOffset: (encoding >>> 16) & 0xff,
				signed: (encoding & (1 << 24)) !== 0,
				char: (encoding & (2 << 24)) !== 0,
				bool: (encoding & (4 << 24)) !== 0,
			};
		}

		case 'float':
			return {id, name, kind, size: last};
		case 'type_tag':
			return {id, name, kind, typeId: last, ...(flag && {attribute: true})};
		case 'ptr':
		case 'typedef':
		case 'volatile':
		case 'const':
		case 'restrict':
			return {id, name, kind, typeId: last};
		case 'array':
			return {id, name, kind, elementTypeId: word(3), indexTypeId: word(4), length: word(5)};
		case 'struct':
		case 'union':
			return {id, name, kind, size: last, members: each(3, member)};
		case 'enum': {
			const values = each(2, index => ({
				name: text(index),
				value: flag ? word(index + 1) | 0 : word(index + 1),
			}));
			return {id, name, kind, size: last, signed: flag, values};
		}

		case 'enum64': {
			const values = each(3, index => {
				const bits = (BigInt(word(index + 2)) << 32n) | BigInt(word(index + 1));
				return {name: text(index), value: flag ? BigInt.asIntN(64, bits) : bits};
			});
			return {id, name, kind, size: last, signed: flag, values};
		}

		case 'fwd':
			return {id, name, kind, forwardKind: flag ? 'union' : 'struct'};
		case 'func':
			return {id, name, kind, typeId: last, linkage: linkages[count] ?? 'static'};
		case 'func_proto': {
			const parameters = each(2, index => ({name: text(index), typeId: word(index + 1)}));
			return {id, name, kind, returnTypeId: last, parameters};
		}

		case 'var':
			return {id, name, kind, typeId: last, linkage: linkages[word(3)] ?? 'static'};
		case 'datasec': {
			const variables = each(3, index => ({
				typeId: word(index),
				offset: word(index + 1),
				size: word(index + 2),
			}));
			return {id, name, kind, size: last, variables};
		}

		case 'decl_tag':
			return {
				id,
				name,
				kind,
				typeId: last,
				componentIndex: word(3) | 0,
				...(flag && {attribute: true}),
			};
	}

	function member(index: number): BtfMember {
		const place = word(index + 2);
		return {
			name: text(index),
			typeId: word(index + 1),
			bitOffset: flag ? place & 0xff_ff_ff : place,
			bitfieldSize: flag ? place >>> 24 : 0,
		};
	}
}
