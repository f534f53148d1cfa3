/** One function's code with everything in it that a linker has to fill in. */

import {viewOf} from '../base/bytes.js';
import type {ElfFile} from '../format/elf/elf.js';
import {type ElfRelocation, type ElfSection, relocationTypes} from '../format/elf/types.js';
import {wideLoad} from '../format/asm/instruction.js';
import {pseudoCalls, pseudoLoads} from '../uapi/pseudo.js';
import type {CodeFunction} from './functions.js';
import {SpecError} from './spec-error.js';
import {symbolName, type Target, type Targets} from './targets.js';
import type {Reference} from './types.js';

/** A call, or the load of a callback's address: its immediate is relative. */
export interface Call {
	/** From the start of the function. */
	readonly slot: number;
	readonly target: CodeFunction;
	/** A 16-byte load rather than a call. */
	readonly address: boolean;
}

export interface Body {
	/** A view into the file. */
	readonly bytes: Uint8Array;
	readonly calls: readonly Call[];
	/** Slots count from the start of the function. */
	readonly references: readonly Reference[];
}

const callOpcode = 0x85;
const instructionSize = 8;

/** Reads functions, each when it is first reached. */
export class Bodies {
	readonly #elf: ElfFile;
	readonly #targets: Targets;
	readonly #read = new Map<CodeFunction, Body>();
	readonly #relocations = new Map<ElfSection, readonly ElfRelocation[]>();

	constructor(elf: ElfFile, targets: Targets) {
		this.#elf = elf;
		this.#targets = targets;
	}

	/** *Throws:* `ERR_SPEC`, naming `program`, for code that cannot be linked. */
	of(code: CodeFunction, program: string): Body {
		let body = this.#read.get(code);
		if (body === undefined) {
			body = this.#readBody(code, program);
			this.#read.set(code, body);
		}

		return body;
	}

	#readBody(code: CodeFunction, program: string): Body {
		const {section, start, size} = code;
		const {littleEndian} = this.#elf;
		const bytes = section.data.subarray(start, start + size);
		const view = viewOf(bytes);
		const calls: Call[] = [];
		const references: Reference[] = [];
		const relocations = this.#relocationsOf(section);
		let next = firstFrom(relocations, start);
		for (let at = 0; at < size; at += instructionSize) {
			const opcode = bytes[at];
			if (opcode !== callOpcode && opcode !== wideLoad) continue;

			const relocation = relocations[next];
			if (relocation !== undefined && relocation.offset < start + at) break;
			const relocated = relocation?.offset === start + at ? relocation : undefined;
			if (relocated !== undefined) next++;
			const slot = at / instructionSize;
			const registers = bytes[at + 1] ?? 0;
			const source = littleEndian ? registers >> 4 : registers & 0xf;
			const imm = view.getInt32(at + 4, littleEndian);
			const refuse = (detail: string, symbol?: string): SpecError =>
				refusal(code, program, slot, detail, symbol);
			if (opcode === wideLoad) {
				if (at + 2 * instructionSize > size) throw refuse('is cut off');
				if (relocated !== undefined) {
					const target = this.#load(relocated, imm, refuse);
					if (target.kind === 'function') {
						calls.push({slot, target: target.function, address: true});
					} else if (target.kind === 'map') {
						references.push({slot, kind: 'map', map: target.map, offset: 0});
					} else {
						const {map, offset} = target;
						references.push({slot, kind: 'map-value', map, offset});
					}
				} else if (source !== pseudoLoads.number) {
					throw refuse(`names a kernel object by number (source register ${source})`);
				}

				at += instructionSize;
			} else if (relocated !== undefined || source === pseudoCalls.subprogram) {
				const target = this.#call(relocated, code, slot, imm, refuse);
				calls.push({slot, target, address: false});
			} else if (source !== pseudoCalls.helper) {
				throw refuse(`calls a kernel function by number (source register ${source})`);
			}
		}

		const left = relocations[next];
		if (left !== undefined && left.offset < start + size) {
			const slot = Math.floor((left.offset - start) / instructionSize);
			throw refusal(
				code,
				program,
				slot,
				`has a relocation (type ${left.type}, byte ${left.offset} of the section) that fits no load or call`,
				left.symbol.name,
			);
		}

		return {bytes, calls, references};
	}

	#load(
		{type, symbol}: ElfRelocation,
		addend: number,
		refuse: (detail: string, symbol?: string) => SpecError,
	): Exclude<Target, {kind: 'nothing'}> {
		if (type !== relocationTypes.wide) {
			throw refuse(`has a relocation of type ${type}, which no load has`, symbol.name);
		}

		const target = this.#targets.find(symbol, addend);
		if (target.kind === 'nothing') throw refuse(target.why, symbol.name);
		return target;
	}

	#call(
		relocation: ElfRelocation | undefined,
		{section, start}: CodeFunction,
		slot: number,
		imm: number,
		refuse: (detail: string, symbol?: string) => SpecError,
	): CodeFunction {
		// The immediate counts instructions from the one behind the call, -1 being the call itself.
		const distance = (imm + 1) * instructionSize;
		if (relocation === undefined) {
			const target = this.#targets.function(
				section,
				start + slot * instructionSize + distance,
			);
			if (target.kind === 'function') return target.function;
			throw refuse(target.kind === 'nothing' ? target.why : 'calls no function');
		}

		const {type, symbol} = relocation;
		if (type !== relocationTypes.call) {
			throw refuse(`has a relocation of type ${type}, which no call has`, symbol.name);
		}

		const target = this.#targets.find(symbol, distance);
		if (target.kind === 'function') return target.function;
		throw refuse(
			target.kind === 'nothing' ? target.why : `calls ${symbolName(symbol)}, which is data`,
			symbol.name,
		);
	}

	#relocationsOf(section: ElfSection): readonly ElfRelocation[] {
		let relocations = this.#relocations.get(section);
		if (relocations === undefined) {
			relocations = [...this.#elf.relocations(section)].sort((a, b) => a.offset - b.offset);
			this.#relocations.set(section, relocations);
		}

		return relocations;
	}
}

function refusal(
	{name, section}: CodeFunction,
	program: string,
	slot: number,
	detail: string,
	symbol?: string,
): SpecError {
	const where = name === program ? '' : ` of function "${name}"`;
	const facts = {program, section: section.name};
	return new SpecError(
		`link program "${program}": instruction ${slot}${where} ${detail}`,
		symbol === undefined || symbol === '' ? facts : {...facts, symbol},
	);
}

function firstFrom(relocations: readonly ElfRelocation[], offset: number): number {
	let low = 0;
	let high = relocations.length;
	while (low < high) {
		const middle = (low + high) >>> 1;
		if ((relocations[middle]?.offset ?? 0) < offset) low = middle + 1;
		else high = middle;
	}

	return low;
}
