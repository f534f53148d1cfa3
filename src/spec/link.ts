/** Puts a program and the subprograms it reaches into one piece, as the kernel wants it. */

import {viewOf} from '../base/bytes.js';
import type {Btf} from '../format/btf/btf.js';
import {type CoreRelocation, lineWords} from '../format/btf/ext.js';
import {pseudoCalls, pseudoLoads} from '../uapi/pseudo.js';
import type {Bodies, Body} from './body.js';
import type {CodeInfo} from './code-info.js';
import type {CodeFunction, Functions, NamedProgram} from './functions.js';
import {withLines} from './line-records.js';
import type {ObjectFile} from './object-file.js';
import {sectionMeaning} from './sections.js';
import {SpecError} from './spec-error.js';
import type {ExternUse, FunctionInfo, ProgramSpec, Reference} from './types.js';

/**
 * Instructions of all programs together: every program has its own copy of what it reaches, so a
 * small file could ask for any amount of memory. A single program of the kernel's has a million.
 */
const minimumBudget = 1_000_000;

const instructionSize = 8;

/** A function at its place in a program. */
interface Placed {
	readonly code: CodeFunction;
	readonly body: Body;
	/** In the program. */
	readonly slot: number;
}

export class Linker {
	readonly #object: ObjectFile;
	readonly #bodies: Bodies;
	readonly #info: CodeInfo;
	readonly #types: Btf | undefined;
	readonly #littleEndian: boolean;
	#budget: number;

	constructor(object: ObjectFile, bodies: Bodies, info: CodeInfo, types: Btf | undefined) {
		this.#object = object;
		this.#bodies = bodies;
		this.#info = info;
		this.#types = types;
		this.#littleEndian = object.elf.littleEndian;
		this.#budget = Math.max(minimumBudget, object.size);
	}

	/** *Throws:* `ERR_SPEC` for what cannot be linked. */
	link({programs}: Functions): Record<string, ProgramSpec> {
		const linked = Object.create(null) as Record<string, ProgramSpec>;
		for (const program of programs) linked[program.name] = this.#program(program);
		return linked;
	}

	#program({name, function: main}: NamedProgram): ProgramSpec {
		const placed = this.#place(main, name);
		const meaning = sectionMeaning(main.section.name);
		const {instructions, references, externs} = this.#assemble(placed);
		const program = {
			kind: 'program' as const,
			name,
			section: main.section.name,
			type: meaning?.type ?? 'unspec',
			attachType: meaning?.attachType,
			attachTarget: meaning?.attachTarget,
			flags: meaning?.flags ?? 0,
			autoload: meaning?.autoload ?? !main.section.name.startsWith('?'),
			license: this.#object.license,
			byteOrder: this.#littleEndian ? ('little' as const) : ('big' as const),
			instructions,
			references,
			externs,
			functions: this.#functions(placed),
			coreRelocations: this.#coreRelocations(placed),
			types: this.#types,
		};
		return withLines(program, this.#lines(placed));
	}

	/**
	 * The program, then each function behind the one that first calls it, with all that it calls in
	 * turn: the order that loaders share, so that a program's tag is the same whoever loads it.
	 */
	#place(main: CodeFunction, program: string): Map<CodeFunction, Placed> {
		const placed = new Map<CodeFunction, Placed>();
		let slot = 0;
		const open: Iterator<Body['calls'][number]>[] = [];
		const place = (code: CodeFunction): void => {
			if (placed.has(code)) return;
			const body = this.#bodies.of(code, program);
			placed.set(code, {code, body, slot});
			open.push(body.calls.values());
			slot += code.size / instructionSize;
			this.#budget -= code.size / instructionSize;
			if (this.#budget >= 0) return;
			throw new SpecError(
				`link program "${program}": all programs of "${this.#object.name}" together are too large, each with its copy of the functions it calls`,
				{program},
			);
		};
		place(main);
		for (let calls = open.at(-1); calls !== undefined; calls = open.at(-1)) {
			const call = calls.next();
			if (call.done === true) open.pop();
			else place(call.value.target);
		}

		return placed;
	}

	#assemble(placed: ReadonlyMap<CodeFunction, Placed>): {
		instructions: Uint8Array;
		references: Reference[];
		externs: ExternUse[];
	} {
		let size = 0;
		for (const {code} of placed.values()) size += code.size;
		const instructions = new Uint8Array(size);
		const view = viewOf(instructions);
		const references: Reference[] = [];
		const externs: ExternUse[] = [];
		for (const {body, slot} of placed.values()) {
			instructions.set(body.bytes, slot * instructionSize);
			for (const {slot: own, target, address} of body.calls) {
				const at = slot + own;
				const to = placed.get(target)?.slot ?? 0;
				const source = address ? pseudoLoads.func : pseudoCalls.subprogram;
				this.#patch(view, at, source, to - at - 1);
				if (address) this.#setImmediate(view, at + 1, 0);
			}

			for (const reference of body.references) {
				const {slot: own, kind, map, offset} = reference;
				const at = slot + own;
				const value = kind === 'map-value';
				const source = value ? pseudoLoads.map_value : pseudoLoads.map_fd;
				this.#patch(view, at, source, 0);
				this.#setImmediate(view, at + 1, offset);
				references.push(slot === 0 ? reference : {slot: at, kind, map, offset});
			}

			for (const use of body.externs) externs.push({...use, slot: slot + use.slot});
		}

		return {instructions, references, externs};
	}

	#patch(view: DataView, slot: number, source: number, imm: number): void {
		const at = slot * instructionSize + 1;
		const registers = view.getUint8(at);
		const patched = this.#littleEndian
			? (registers & 0x0f) | (source << 4)
			: (registers & 0xf0) | source;
		view.setUint8(at, patched);
		this.#setImmediate(view, slot, imm);
	}

	#setImmediate(view: DataView, slot: number, imm: number): void {
		view.setInt32(slot * instructionSize + 4, imm, this.#littleEndian);
	}

	/** Of all functions or of none: the kernel refuses anything between. */
	#functions(placed: ReadonlyMap<CodeFunction, Placed>): FunctionInfo[] {
		const functions: FunctionInfo[] = [];
		for (const {code, slot} of placed.values()) {
			const found = this.#info.function(code.section.name, code.start / instructionSize);
			if (found === undefined) return [];
			functions.push({slot, typeId: found.typeId});
		}

		return functions;
	}

	/** Records; none unless every function starts with a line: the kernel refuses anything else. */
	#lines(placed: ReadonlyMap<CodeFunction, Placed>): Uint32Array {
		const parts: {own: Uint32Array; moved: number}[] = [];
		let length = 0;
		for (const {code, slot} of placed.values()) {
			const start = code.start / instructionSize;
			const end = start + code.size / instructionSize;
			const own = this.#info.lines(code.section.name, start, end);
			if (own[0] !== start) return new Uint32Array(0);
			parts.push({own, moved: slot - start});
			length += own.length;
		}

		const lines = new Uint32Array(length);
		let at = 0;
		for (const {own, moved} of parts) {
			lines.set(own, at);
			const end = at + own.length;
			for (; at < end; at += lineWords) lines[at] = (lines[at] ?? 0) + moved;
		}

		return lines;
	}

	#coreRelocations(placed: ReadonlyMap<CodeFunction, Placed>): CoreRelocation[] {
		const relocations: CoreRelocation[] = [];
		for (const {code, slot} of placed.values()) {
			const start = code.start / instructionSize;
			const end = start + code.size / instructionSize;
			for (const each of this.#info.coreRelocations(code.section.name, start, end)) {
				relocations.push({...each, slot: each.slot + slot - start});
			}
		}

		return relocations;
	}
}
