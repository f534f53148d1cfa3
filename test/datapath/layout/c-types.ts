import {Btf} from '../../../src/format/btf/btf.js';
import {BtfBuilder} from '../../../src/format/btf/builder.js';
import type {BtfMember} from '../../../src/format/btf/types.js';
import {sizeOf, typeIn} from '../../../src/datapath/layout/layouts.js';
import type {LayoutVersion} from '../../../src/datapath/layout/versions.js';

export interface CTypes {
	readonly btf: Btf;
	readonly keyTypeId: number;
	readonly valueTypeId: number;
}

/** Two structs of a version as a compiler would describe them to the kernel, padding and all. */
export function cTypes(version: LayoutVersion, key: string, value: string): CTypes {
	const builder = new BtfBuilder();
	const integer = (size: number): number =>
		builder.add({
			...{kind: 'int', name: `__u${size * 8}`, size, bits: size * 8, bitOffset: 0},
			...{signed: false, char: false, bool: false},
		});
	const [byte, short, word, long] = [1, 2, 4, 8].map(integer) as [number, number, number, number];
	const bytes = (length: number): number =>
		builder.add({
			...{kind: 'array', name: '', elementTypeId: byte, indexTypeId: word, length},
		});
	const scalar = (size: number): number => {
		const sizes: Record<number, number> = {1: byte, 2: short, 4: word, 8: long};
		return sizes[size] ?? bytes(size);
	};
	/** Parts of nested structs become members of a struct of their own, unions too. */
	const composite = (name: string, size: number, parts: readonly Part[]): number => {
		const heads = [...new Set(parts.map(({path}) => path[0] ?? ''))];
		const members = heads.map((head): BtfMember => {
			const within = parts.filter(({path}) => path[0] === head);
			const [first] = within;
			const start = Math.min(...within.map(({bit}) => bit));
			const end = Math.max(...within.map(({bit, bits}) => bit + bits));
			if (first?.path.length === 1) {
				const isBits = first.bits % 8 !== 0;
				const typeId = isBits ? byte : scalar(first.bits / 8);
				const bitfieldSize = isBits ? first.bits : 0;
				return {name: head, typeId, bitOffset: start, bitfieldSize};
			}

			const inner = within.map(part => ({
				...part,
				path: part.path.slice(1),
				bit: part.bit - start,
			}));
			const typeId = composite('', (end - start) / 8, inner);
			return {name: head, typeId, bitOffset: start, bitfieldSize: 0};
		});
		members.sort((a, b) => a.bitOffset - b.bitOffset);
		return builder.add({kind: 'struct', name, size, members});
	};
	const add = (name: string): number => {
		const type = typeIn(version, name);
		if (typeof type !== 'object') return scalar(type === undefined ? 1 : sizeOf(type));
		const parts = type.fields.map(({path, bit, bits}) => ({path: path.split('.'), bit, bits}));
		return composite(name, type.size, parts);
	};
	const keyTypeId = add(key);
	const valueTypeId = add(value);
	return {btf: Btf.parse(builder.build()), keyTypeId, valueTypeId};
}

interface Part {
	readonly path: readonly string[];
	readonly bit: number;
	readonly bits: number;
}
