/**
 * Compilers leave in BTF what only a linker knows: sizes of data sections, where variables are in
 * them, and which functions are hidden. The kernel wants it filled in.
 */

import {viewOf} from '../base/bytes.js';
import {Btf} from '../format/btf/btf.js';
import {kindExtra, kindNames} from '../format/btf/kinds.js';
import type {ElfSection, ElfSymbol} from '../format/elf/types.js';
import {cutTypes, type Cut} from './cut-types.js';
import {settingsSection} from './names.js';
import {isDataSection, type ObjectFile} from './object-file.js';
import {placeSettings} from './place-settings.js';
import {SpecError} from './spec-error.js';

const recordSize = 12;
const entrySize = 12;
const kinds = {
	struct: kindNames.indexOf('struct'),
	enum: kindNames.indexOf('enum'),
	func: kindNames.indexOf('func'),
	var: kindNames.indexOf('var'),
	datasec: kindNames.indexOf('datasec'),
	declTag: kindNames.indexOf('decl_tag'),
};

/** The object's own types, ready for the kernel. */
export interface ObjectTypes {
	/** Undefined for an object without BTF. */
	readonly types: Btf | undefined;
	/** Ids of the data sections, by name. */
	readonly dataSections: ReadonlyMap<string, number>;
	/** Ids of declaration tags. */
	readonly tags: readonly number[];
}

/** *Throws:* `ERR_BTF` for damaged types, `ERR_SPEC` for variables outside their section. */
export function readTypes(object: ObjectFile): ObjectTypes {
	if (object.btf === undefined) return {types: undefined, dataSections: new Map(), tags: []};
	let bytes = Uint8Array.from(object.btf.data);
	// Whatever is wrong with them is for the parser to say: it sees all of them again.
	let records = findRecords(bytes, object.elf.littleEndian);
	const fixer = records === undefined ? undefined : new Fixer(object, object.btf, bytes, records);
	const dataSections = fixer?.run() ?? new Map<string, number>();
	if (fixer !== undefined && fixer.cuts.length > 0) {
		bytes = cutTypes(bytes, fixer.cuts, object.elf.littleEndian);
		records = findRecords(bytes, object.elf.littleEndian);
	}

	const types = parseTypes(bytes, records, dataSections.get(settingsSection), object);
	if (types.littleEndian !== object.elf.littleEndian) {
		throw new SpecError(
			`read object "${object.name}": section ".BTF" is of the other byte order than the file`,
			{section: '.BTF'},
		);
	}

	return {types, dataSections, tags: fixer?.tags ?? []};
}

/** Parsed twice where settings want a place: where each belongs follows from the types. */
function parseTypes(
	bytes: Uint8Array,
	records: Records | undefined,
	settingsId: number | undefined,
	{elf}: ObjectFile,
): Btf {
	const types = Btf.parse(bytes);
	const start = settingsId === undefined ? undefined : records?.starts[settingsId - 1];
	if (settingsId === undefined || start === undefined) return types;
	const view = viewOf(bytes);
	const {settings, size} = placeSettings(types, settingsId);
	view.setUint32(start + 8, size, elf.littleEndian);
	for (const [index, setting] of settings.entries()) {
		const at = start + recordSize + index * entrySize;
		view.setUint32(at, setting.typeId, elf.littleEndian);
		view.setUint32(at + 4, setting.offset, elf.littleEndian);
		view.setUint32(at + 8, setting.size, elf.littleEndian);
	}

	return Btf.parse(bytes);
}

interface Records {
	/** Where each type starts; type 1 is first. */
	readonly starts: readonly number[];
	readonly strings: number;
}

function findRecords(bytes: Uint8Array, littleEndian: boolean): Records | undefined {
	if (bytes.length < 24) return undefined;
	const view = viewOf(bytes);
	const u32 = (at: number): number => view.getUint32(at, littleEndian);
	const header = u32(4);
	const end = header + u32(8) + u32(12);
	const strings = header + u32(16);
	if (end > bytes.length || strings > bytes.length) return undefined;

	const starts: number[] = [];
	for (let at = header + u32(8); at < end;) {
		if (at + recordSize > end) return undefined;
		const info = u32(at + 4);
		const extra = kindExtra[kindOf(info)];
		if (extra === undefined) return undefined;
		starts.push(at);
		at += recordSize + extra[0] + (info & 0xffff) * extra[1];
		if (at > end) return undefined;
	}

	return {starts, strings};
}

function kindOf(info: number): number {
	return (info >>> 24) & 0x1f;
}

interface Variable {
	readonly name: string;
	readonly typeId: number;
	readonly offset: number;
	readonly size: number;
}

class Fixer {
	/** Ids of declaration tags. */
	readonly tags: number[] = [];
	/** Entries of variables that are not where their data section is. */
	readonly cuts: Cut[] = [];
	readonly #object: ObjectFile;
	readonly #section: ElfSection;
	readonly #bytes: Uint8Array;
	readonly #view: DataView;
	readonly #records: Records;
	readonly #littleEndian: boolean;
	#relocations: ReadonlyMap<number, ElfSymbol> | undefined;
	#globals: ReadonlyMap<string, ElfSymbol> | undefined;

	constructor(object: ObjectFile, section: ElfSection, bytes: Uint8Array, records: Records) {
		this.#object = object;
		this.#section = section;
		this.#bytes = bytes;
		this.#view = viewOf(bytes);
		this.#records = records;
		this.#littleEndian = object.elf.littleEndian;
	}

	/** Gives the ids of the data sections, by name. */
	run(): Map<string, number> {
		const hidden = this.#hiddenFunctions();
		const dataSections = new Map<string, number>();
		for (const [index, start] of this.#records.starts.entries()) {
			const info = this.#u32(start + 4);
			switch (kindOf(info)) {
				case kinds.datasec: {
					const name = this.#string(this.#u32(start));
					if (!dataSections.has(name)) dataSections.set(name, index + 1);
					this.#fixDataSection(start, info & 0xffff, name);
					break;
				}

				case kinds.enum:
					// One that is only declared: the kernel wants a size as C would give it.
					if (this.#u32(start + 8) === 0) this.#set(start + 8, 4);
					break;
				case kinds.func:
					// The kernel checks a global function by itself, for any argument; a hidden one
					// is only called from here, and so is checked with its callers.
					if (hidden.has(this.#string(this.#u32(start)))) {
						this.#set(start + 4, (info & 0xffff0000) >>> 0);
					}

					break;
				case kinds.declTag:
					this.tags.push(index + 1);
					break;
				default:
			}
		}

		return dataSections;
	}

	#fixDataSection(start: number, count: number, name: string): void {
		const section = this.#object.elf.section(name);
		if (section === undefined) {
			// Of externs there is no section.
			if (isDataSection(name)) this.#forgetDataSection(start, count);
			return;
		}

		this.#set(start + 8, section.size);
		const variables: Variable[] = [];
		for (let index = 0; index < count; index++) {
			const variable = this.#variable(start + recordSize + index * entrySize, section);
			if (variable !== undefined) variables.push(variable);
		}

		if (variables.length < count) {
			this.#set(start + 4, (kinds.datasec << 24) | variables.length);
			this.#cut(start, variables.length, count);
		}

		variables.sort((a, b) => a.offset - b.offset);
		let end = 0;
		for (const [index, variable] of variables.entries()) {
			if (variable.offset < end || variable.offset + variable.size > section.size) {
				throw this.#error(
					variable.name,
					name,
					`at ${variable.offset}..${variable.offset + variable.size} does not fit into its section of ${section.size} bytes${variable.offset < end ? ` behind ${end}` : ''}`,
				);
			}

			end = variable.offset + variable.size;
			const at = start + recordSize + index * entrySize;
			this.#set(at, variable.typeId);
			this.#set(at + 4, variable.offset);
			this.#set(at + 8, variable.size);
		}
	}

	/** All its variables went to other sections: an empty struct keeps its id. */
	#forgetDataSection(start: number, count: number): void {
		this.#set(start, 0);
		this.#set(start + 4, kinds.struct << 24);
		this.#set(start + 8, 0);
		this.#cut(start, 0, count);
	}

	/** Takes the entries from `from` to before `to` out of a data section's record. */
	#cut(start: number, from: number, to: number): void {
		const entries = start + recordSize;
		this.cuts.push({start: entries + from * entrySize, end: entries + to * entrySize});
	}

	/** Undefined for one that the compiler put into another section, among what it may merge. */
	#variable(at: number, section: ElfSection): Variable | undefined {
		const typeId = this.#u32(at);
		const record = this.#records.starts[typeId - 1];
		if (record === undefined || kindOf(this.#u32(record + 4)) !== kinds.var) {
			throw this.#error(`#${typeId}`, section.name, 'is no variable');
		}

		const name = this.#string(this.#u32(record));
		const written = this.#u32(at + 4);
		const relocated = this.#relocation(at + 4);
		const symbol = relocated ?? this.#global(name, section);
		if (symbol === undefined) return {name, typeId, offset: written, size: this.#u32(at + 8)};
		if (symbol.sectionIndex !== section.index) {
			if (this.#object.data.some(({index}) => index === symbol.sectionIndex))
				return undefined;
			throw this.#error(name, section.name, 'is in another section');
		}

		// Where a relocation is left, what is written is to be added to it.
		const offset = symbol.value + (relocated === undefined ? 0 : written);
		return {name, typeId, offset, size: this.#u32(at + 8)};
	}

	#relocation(offset: number): ElfSymbol | undefined {
		this.#relocations ??= new Map(
			this.#object.elf
				.relocations(this.#section)
				.map(({offset, symbol}) => [offset, symbol] as const),
		);
		return this.#relocations.get(offset);
	}

	#global(name: string, section: ElfSection): ElfSymbol | undefined {
		if (this.#globals === undefined) {
			const symbols = this.#object.elf.declared.filter(
				({type, binding}) => type === 'object' && binding !== 'local',
			);
			this.#globals = new Map(symbols.map(symbol => [symbol.name, symbol]));
		}

		const symbol = this.#globals.get(name);
		return symbol?.sectionIndex === section.index ? symbol : undefined;
	}

	#hiddenFunctions(): ReadonlySet<string> {
		const functions = this.#object.elf.declared.filter(({type}) => type === 'func');
		const hidden = functions.filter(
			({visibility}) => visibility === 'hidden' || visibility === 'internal',
		);
		return new Set(hidden.map(({name}) => name));
	}

	#error(variable: string, section: string, detail: string): SpecError {
		return new SpecError(
			`read object "${this.#object.name}": variable "${variable}" of "${section}" ${detail}`,
			{variable, section},
		);
	}

	#u32(at: number): number {
		return this.#view.getUint32(at, this.#littleEndian);
	}

	#set(at: number, value: number): void {
		this.#view.setUint32(at, value, this.#littleEndian);
	}

	/** Of an offset outside the strings the parser tells. */
	#string(offset: number): string {
		const start = this.#records.strings + offset;
		const end = this.#bytes.indexOf(0, start);
		if (start >= this.#bytes.length || end < 0) return '';
		return Buffer.from(
			this.#bytes.buffer,
			this.#bytes.byteOffset + start,
			end - start,
		).toString();
	}
}
