/** What a symbol stands for, when code or data refers to it. */

import {type ElfSection, type ElfSymbol, specialSections} from '../format/elf/types.js';
import type {CodeFunction, Functions} from './functions.js';
import {settingsSection} from './names.js';
import type {ObjectFile} from './object-file.js';
import type {ExternSpec} from './types.js';

/** A place in the object that a relocation means. */
export type Target =
	| {readonly kind: 'map'; readonly map: string}
	| {readonly kind: 'data'; readonly map: string; readonly offset: number}
	| {readonly kind: 'function'; readonly function: CodeFunction}
	| {readonly kind: 'extern'; readonly extern: ExternSpec; readonly offset: number}
	/** What cannot be referred to, and why. */
	| {readonly kind: 'nothing'; readonly why: string};

export class Targets {
	readonly #object: ObjectFile;
	readonly #functions: Functions;
	readonly #mapAt: ReadonlyMap<ElfSection, ReadonlyMap<number, string>>;
	readonly #data: ReadonlySet<ElfSection>;
	readonly #code: ReadonlySet<ElfSection>;
	readonly #externs: Readonly<Record<string, ExternSpec>>;

	/** `mapAt` gives maps by their section and their offset in it. */
	constructor(
		object: ObjectFile,
		functions: Functions,
		mapAt: ReadonlyMap<ElfSection, ReadonlyMap<number, string>>,
		externs: Readonly<Record<string, ExternSpec>>,
	) {
		this.#externs = externs;
		this.#object = object;
		this.#functions = functions;
		this.#mapAt = mapAt;
		this.#data = new Set(object.data);
		this.#code = new Set(object.code);
	}

	/** What is `addend` bytes behind `symbol`. */
	find(symbol: ElfSymbol, addend: number): Target {
		if (symbol.sectionIndex === specialSections.undefined) {
			return this.#extern(symbol.name, addend);
		}

		const section = this.#object.elf.sections[symbol.sectionIndex];
		if (section === undefined) return nothing(`${symbolName(symbol)} is in no section`);

		const offset = symbol.value + addend;
		const maps = this.#mapAt.get(section);
		if (maps !== undefined) {
			const map = maps.get(offset);
			if (map !== undefined) return {kind: 'map', map};
			return nothing(
				`${symbolName(symbol)} leads to byte ${offset} of "${section.name}", where no map starts`,
			);
		}

		if (this.#data.has(section)) {
			if (offset >= 0 && offset < section.size) {
				return {kind: 'data', map: section.name, offset};
			}

			return nothing(
				`${symbolName(symbol)} leads to byte ${offset} of "${section.name}", which has ${section.size}`,
			);
		}

		if (this.#code.has(section)) return this.function(section, offset);
		return nothing(
			`${symbolName(symbol)} is in section "${section.name}", which is neither code, data nor maps`,
		);
	}

	#extern(name: string, offset: number): Target {
		const extern = this.#externs[name];
		if (extern === undefined) {
			const what = name === '' ? 'an unnamed extern' : `extern "${name}"`;
			return nothing(`uses ${what}, which nothing defines: neither __kconfig nor __ksym`);
		}

		if (extern.form === 'setting') {
			if (offset >= 0 && offset < extern.size) {
				return {kind: 'data', map: settingsSection, offset: extern.offset + offset};
			}

			return nothing(`leads to byte ${offset} of "${name}", which has ${extern.size}`);
		}

		if (offset === 0 || extern.form === 'address') return {kind: 'extern', extern, offset};
		return nothing(`leads to byte ${offset} of "${name}", of which only the start is known`);
	}

	/** The function whose first byte is at `offset` of a section. */
	function(section: ElfSection, offset: number): Target {
		const found = this.#functions.at(section.index, offset);
		if (found !== undefined) return {kind: 'function', function: found};
		return nothing(`byte ${offset} of "${section.name}" is not the start of a function`);
	}
}

function nothing(why: string): Target {
	return {kind: 'nothing', why};
}

function symbolName({name, type, index}: ElfSymbol): string {
	if (name !== '') return `symbol "${name}"`;
	return type === 'section' ? 'a section symbol' : `symbol ${index}`;
}
