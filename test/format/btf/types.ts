import {readFile} from 'node:fs/promises';
import {Btf} from '../../../src/format/btf/btf.js';
import {BtfBuilder, type NewBtfType} from '../../../src/format/btf/builder.js';
import {parseElf} from '../../../src/format/elf/elf.js';
import {fixtureObject} from '../../helpers/compile.js';

/** A section of a compiled fixture of this folder. */
export async function section(name: string, fixture = 'btf/types'): Promise<Uint8Array> {
	const elf = parseElf(await readFile(await fixtureObject(fixture)));
	const found = elf.section(name);
	if (found === undefined) throw new Error(`no section ${name}`);
	return found.data;
}

export async function fixtureTypes(): Promise<Btf> {
	return Btf.parse(await section('.BTF'));
}

/** Id of the type that errors and tables call by this name. */
export function idOf(btf: Btf, name: string): number {
	const type = btf.find(name, 'struct') ?? btf.find(name, 'union') ?? btf.find(name);
	if (type === undefined) throw new Error(`no type ${name}`);
	return type.id;
}

/** A builder with the types that most tests need. */
export class Types {
	readonly builder: BtfBuilder;
	private readonly base: Btf | undefined;
	readonly u8: number;
	readonly u16: number;
	readonly u32: number;
	readonly u64: number;

	constructor(options: {littleEndian?: boolean; base?: Btf} = {}) {
		this.builder = new BtfBuilder(options);
		this.base = options.base;
		this.u8 = this.int('u8', 1);
		this.u16 = this.int('u16', 2);
		this.u32 = this.int('u32', 4);
		this.u64 = this.int('u64', 8);
	}

	int(name: string, size: number, signed = false, bool = false): number {
		const bits = size * 8;
		return this.add({kind: 'int', name, size, bits, bitOffset: 0, signed, char: false, bool});
	}

	array(elementTypeId: number, length: number): number {
		return this.add({kind: 'array', name: '', elementTypeId, indexTypeId: this.u32, length});
	}

	typedef(name: string, typeId: number): number {
		return this.add({kind: 'typedef', name, typeId});
	}

	/** Members are given as name, type and byte. */
	struct(
		name: string,
		size: number,
		members: readonly (readonly [name: string, typeId: number, offset: number])[],
		kind: 'struct' | 'union' = 'struct',
	): number {
		return this.add({
			kind,
			name,
			size,
			members: members.map(([name, typeId, offset]) => ({
				name,
				typeId,
				bitOffset: offset * 8,
				bitfieldSize: 0,
			})),
		});
	}

	add(type: NewBtfType): number {
		return this.builder.add(type);
	}

	parse(): Btf {
		const {base} = this;
		return Btf.parse(this.builder.build(), base === undefined ? {} : {base});
	}

	/** The types, which continue those of `base`. */
	parseOn(base: Btf): Btf {
		return Btf.parse(this.builder.build(), {base});
	}
}

export function viewOfHex(text: string): DataView {
	const bytes = Buffer.from(text.replaceAll(' ', ''), 'hex');
	return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

export function hexOf(view: DataView): string {
	return Buffer.from(view.buffer, view.byteOffset, view.byteLength).toString('hex');
}
