/** One function's code with everything in it that a linker has to fill in. */

import {viewOf} from '../base/bytes.js';
import type {ElfFile} from '../format/elf/elf.js';
import {type ElfRelocation, type ElfSection, relocationTypes} from '../format/elf/types.js';
import {wideLoad} from '../format/asm/instruction.js';
import {pseudoCalls, pseudoLoads} from '../uapi/pseudo.js';
import type {CodeFunction} from './functions.js';
import {SpecError} from './spec-error.js';
import type {Targets} from './targets.js';
import type {ExternUse, Reference} from './types.js';

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
	/** The same. */
	readonly externs: readonly ExternUse[];
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
		const bytes = section.data.subarray(start, start + size);
		const reader = new BodyReader(this.#elf.littleEndian, this.#targets, code, program, bytes);
		const relocations = this.#relocationsOf(section);
		let next = firstFrom(relocations, start);
		let expected = (relocations[next]?.offset ?? Infinity) - start;
		for (let at = 0; at < size; at += instructionSize) {
			const opcode = bytes[at];
			if (opcode !== callOpcode && opcode !== wideLoad) continue;
			// A relocation that no instruction took stands in the way of all others.
			if (expected < at) break;

			let relocation: ElfRelocation | undefined;
			if (expected === at) {
				relocation = relocations[next++];
				expected = (relocations[next]?.offset ?? Infinity) - start;
			}

			if (opcode === wideLoad) {
				reader.load(at, relocation);
				at += instructionSize;
			} else {
				reader.call(at, relocation);
			}
		}

		const left = relocations[next];
		if (left !== undefined && left.offset < start + size) reader.refuseRelocation(left);
		const {calls, references, externs} = reader;
		return {bytes, calls, references, externs};
	}

	#relocationsOf(section: ElfSection): readonly ElfRelocation[] {
		let relocations = this.#relocations.get(section);
		if (relocations === undefined) {
			relocations = byOffset(this.#elf.relocations(section));
			this.#relocations.set(section, relocations);
		}

		return relocations;
	}
}

class BodyReader {
	readonly calls: Call[] = [];
	readonly references: Reference[] = [];
	readonly externs: ExternUse[] = [];
	readonly #littleEndian: boolean;
	readonly #targets: Targets;
	readonly #code: CodeFunction;
	readonly #program: string;
	readonly #view: DataView;

	constructor(
		littleEndian: boolean,
		targets: Targets,
		code: CodeFunction,
		program: string,
		bytes: Uint8Array,
	) {
		this.#littleEndian = littleEndian;
		this.#targets = targets;
		this.#code = code;
		this.#program = program;
		this.#view = viewOf(bytes);
	}

	load(at: number, relocation: ElfRelocation | undefined): void {
		const slot = at / instructionSize;
		if (at + 2 * instructionSize > this.#code.size) throw this.#refusal(slot, 'is cut off');
		if (relocation === undefined) {
			const source = this.#source(at);
			if (source === pseudoLoads.number) return;
			throw this.#refusal(
				slot,
				`names a kernel object by number (source register ${source})`,
			);
		}

		const {type, symbol} = relocation;
		if (type !== relocationTypes.wide) {
			throw this.#refusal(
				slot,
				`has a relocation of type ${type}, which no load has`,
				symbol.name,
			);
		}

		const target = this.#targets.find(symbol, this.#immediate(at));
		switch (target.kind) {
			case 'nothing':
				throw this.#refusal(slot, target.why, symbol.name);
			case 'function':
				this.calls.push({slot, target: target.function, address: true});
				break;
			case 'map':
				this.references.push({slot, kind: 'map', map: target.map, offset: 0});
				break;
			case 'data': {
				const {map, offset} = target;
				this.references.push({slot, kind: 'map-value', map, offset});
				break;
			}

			case 'extern': {
				const {extern, offset} = target;
				this.externs.push({slot, kind: 'load', extern, offset});
				break;
			}
		}
	}

	call(at: number, relocation: ElfRelocation | undefined): void {
		const slot = at / instructionSize;
		if (relocation === undefined) {
			const source = this.#source(at);
			if (source === pseudoCalls.helper) return;
			if (source !== pseudoCalls.subprogram) {
				throw this.#refusal(
					slot,
					`calls a kernel function by number (source register ${source})`,
				);
			}
		}

		// The immediate counts instructions from the one behind the call, -1 being the call itself.
		const distance = (this.#immediate(at) + 1) * instructionSize;
		const {section, start} = this.#code;
		const symbol = relocation?.symbol;
		if (relocation !== undefined && relocation.type !== relocationTypes.call) {
			throw this.#refusal(
				slot,
				`has a relocation of type ${relocation.type}, which no call has`,
				symbol?.name,
			);
		}

		const target =
			symbol === undefined
				? this.#targets.function(section, start + at + distance)
				: this.#targets.find(symbol, distance);
		switch (target.kind) {
			case 'nothing':
				throw this.#refusal(slot, target.why, symbol?.name);
			case 'function':
				this.calls.push({slot, target: target.function, address: false});
				break;
			case 'extern':
				if (target.extern.form !== 'function') {
					throw this.#refusal(
						slot,
						`calls "${target.extern.name}", which is no function`,
						symbol?.name,
					);
				}

				this.externs.push({slot, kind: 'call', extern: target.extern, offset: 0});
				break;
			default:
				throw this.#refusal(slot, `calls "${target.map}", which is data`, symbol?.name);
		}
	}

	refuseRelocation({offset, type, symbol}: ElfRelocation): never {
		throw this.#refusal(
			Math.floor((offset - this.#code.start) / instructionSize),
			`has a relocation (type ${type}, byte ${offset} of the section) that fits no load or call`,
			symbol.name,
		);
	}

	#source(at: number): number {
		const registers = this.#view.getUint8(at + 1);
		return this.#littleEndian ? registers >> 4 : registers & 0xf;
	}

	#immediate(at: number): number {
		return this.#view.getInt32(at + 4, this.#littleEndian);
	}

	#refusal(slot: number, detail: string, symbol = ''): SpecError {
		const program = this.#program;
		const {name, section} = this.#code;
		const where = name === program ? '' : ` of function "${name}"`;
		const facts = {program, section: section.name};
		return new SpecError(
			`link program "${program}": instruction ${slot}${where} ${detail}`,
			symbol === '' ? facts : {...facts, symbol},
		);
	}
}

/** Compilers write them in order. */
function byOffset(relocations: readonly ElfRelocation[]): readonly ElfRelocation[] {
	let last = 0;
	for (const {offset} of relocations) {
		if (offset < last) return [...relocations].sort((a, b) => a.offset - b.offset);
		last = offset;
	}

	return relocations;
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
