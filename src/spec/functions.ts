/** Which functions an object has, and where. */

import type {ElfSection} from '../format/elf/types.js';
import type {ObjectFile} from './object-file.js';
import {SpecError} from './spec-error.js';

/** A function in a code section. */
export interface CodeFunction {
	readonly name: string;
	readonly section: ElfSection;
	/** Bytes from the start of the section. */
	readonly start: number;
	readonly size: number;
	/** False in `.text`, which holds subprograms only. */
	readonly program: boolean;
}

/** A second name of a program: the same code, loaded once more. */
export interface NamedProgram {
	readonly name: string;
	readonly function: CodeFunction;
}

export interface Functions {
	/** In the order of the file. */
	readonly programs: readonly NamedProgram[];

	/** The function whose first byte is at `offset` of a section. */
	at(sectionIndex: number, offset: number): CodeFunction | undefined;
}

/** *Throws:* `ERR_SPEC` for functions that overlap, are no whole instructions, or share a name. */
export function findFunctions(object: ObjectFile): Functions {
	const sections = new Map(object.code.map(section => [section.index, section]));
	const functions = new Map<number, CodeFunction>();
	const programs: NamedProgram[] = [];
	for (const symbol of object.elf.declared) {
		const section = symbol.type === 'func' ? sections.get(symbol.sectionIndex) : undefined;
		if (section === undefined) continue;
		const {name, sectionIndex, value: start, size} = symbol;
		const refuse = (detail: string): SpecError =>
			new SpecError(
				`read object "${object.name}": function "${name}" in "${section.name}" ${detail}`,
				{section: section.name, symbol: name},
			);
		if (name === '') throw refuse('has no name');
		if (size === 0) throw refuse('is empty');
		if (start % 8 !== 0 || size % 8 !== 0) {
			throw refuse(`at ${start}..${start + size} is no whole instructions`);
		}

		const key = keyOf(sectionIndex, start);
		const known = functions.get(key);
		if (known !== undefined && known.size !== size) {
			throw refuse(`starts where "${known.name}" does and ends elsewhere`);
		}

		const program = section.name !== '.text';
		const found = known ?? {name, section, start, size, program};
		functions.set(key, found);
		if (program) programs.push({name, function: found});
	}

	checkOverlaps(object, [...functions.values()]);
	checkNames(object, programs);
	programs.sort(
		(a, b) =>
			a.function.section.index - b.function.section.index ||
			a.function.start - b.function.start,
	);
	return {
		programs,
		at: (sectionIndex, offset) => functions.get(keyOf(sectionIndex, offset)),
	};
}

/** One number for both: offsets are below 2^32 in any file that fits into memory. */
function keyOf(sectionIndex: number, offset: number): number {
	return sectionIndex * 0x100000000 + offset;
}

/** Else one instruction would be linked many times over, and memory would not suffice. */
function checkOverlaps(object: ObjectFile, functions: CodeFunction[]): void {
	functions.sort((a, b) => a.section.index - b.section.index || a.start - b.start);
	let previous: CodeFunction | undefined;
	for (const current of functions) {
		const {name, section, start} = current;
		if (previous?.section === section && start < previous.start + previous.size) {
			throw new SpecError(
				`read object "${object.name}": function "${name}" in "${section.name}" starts at ${start}, inside "${previous.name}"`,
				{section: section.name, symbol: name},
			);
		}

		previous = current;
	}
}

function checkNames(object: ObjectFile, programs: readonly NamedProgram[]): void {
	const names = new Set<string>();
	for (const {name, function: code} of programs) {
		if (names.has(name)) {
			throw new SpecError(`read object "${object.name}": two programs are called "${name}"`, {
				program: name,
				section: code.section.name,
			});
		}

		names.add(name);
	}
}
