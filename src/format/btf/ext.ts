/** `.BTF.ext`: which functions and source lines instructions come from, and CO-RE relocations. */

import {viewOf, wordsOf} from '../../base/bytes.js';
import {BtfError} from './btf-error.js';
import type {Btf} from './btf.js';
import {btfMagic} from './header.js';
import {printable} from './printable.js';

/** Records of one program section. Slots count 8-byte instructions from the section's start. */
export interface ExtSection {
	readonly functions: readonly ExtFunction[];
	/** `lineWords` each: slot, then string offsets of file and text, then line and column. */
	readonly lines: Uint32Array;
	readonly relocations: readonly CoreRelocation[];
}

export interface ExtFunction {
	readonly slot: number;
	/** Of the FUNC. */
	readonly typeId: number;
}

export interface CoreRelocation {
	readonly slot: number;
	readonly typeId: number;
	/** `0:1:2`: member indices from the type on, as a string offset. */
	readonly accessOffset: number;
	/** `BPF_CORE_*`. */
	readonly kind: number;
}

/** Words of a line's record, as of the kernel's `struct bpf_line_info`. */
export const lineWords = 4;

const oldHeaderSize = 24;
const headerSize = 32;

/** The records by section name. *Throws:* `ERR_BTF`. */
export function parseBtfExt(bytes: Uint8Array, btf: Btf): Map<string, ExtSection> {
	const view = viewOf(bytes);
	const {littleEndian} = btf;
	if (bytes.length < oldHeaderSize) {
		throw new BtfError(`.BTF.ext of ${bytes.length} bytes holds no header`);
	}

	if (view.getUint16(0, littleEndian) !== btfMagic) {
		throw new BtfError('.BTF.ext does not begin with the magic number of its .BTF', {
			offset: 0,
		});
	}

	if (bytes[2] !== 1) throw new BtfError(`version ${bytes[2]} of .BTF.ext is not known`);
	if (bytes[3] !== 0) throw new BtfError(`flags ${bytes[3]} of .BTF.ext are not known`);
	const header = view.getUint32(4, littleEndian);
	if (header < oldHeaderSize || header > bytes.length || header % 4 !== 0) {
		throw new BtfError(`a .BTF.ext header of ${header} bytes is not possible`, {offset: 4});
	}

	for (let at = headerSize; at < header; at++) {
		if (bytes[at] === 0) continue;
		throw new BtfError('the header of .BTF.ext has fields not known', {offset: at});
	}

	return new ExtReader(wordsOf(bytes, littleEndian), btf, header / 4).read();
}

const noLines = new Uint32Array(0);

interface Draft {
	readonly functions: ExtFunction[];
	lines: Uint32Array;
	readonly relocations: CoreRelocation[];
}

/** Records from word `at` on, each `step` words after the one before. */
interface Run {
	readonly at: number;
	readonly end: number;
	readonly step: number;
}

/** Counts in words. The loops over records are plain: they run once, before V8 has compiled them. */
class ExtReader {
	private readonly words: Uint32Array;
	private readonly btf: Btf;
	private readonly header: number;
	private readonly sections = new Map<string, Draft>();
	private part: keyof Draft = 'functions';

	constructor(words: Uint32Array, btf: Btf, header: number) {
		this.words = words;
		this.btf = btf;
		this.header = header;
	}

	read(): Map<string, Draft> {
		this.readPart('functions', 2, 2, (run, {functions}) => this.readFunctions(run, functions));
		this.readPart('lines', 4, 4, (run, draft) => this.readLines(run, draft));
		if (this.header * 4 < headerSize) return this.sections;
		this.readPart('relocations', 6, 4, (run, {relocations}) =>
			this.readRelocations(run, relocations),
		);
		return this.sections;
	}

	/** Reads one of the three parts: a record size, then for each section its name and records. */
	private readPart(
		part: keyof Draft,
		headerWord: number,
		minimum: number,
		read: (run: Run, draft: Draft) => void,
	): void {
		this.part = part;
		const [offset, length] = [this.word(headerWord), this.word(headerWord + 1)];
		if (length === 0) return;
		let at = this.header + offset / 4;
		const end = at + length / 4;
		if (offset % 4 !== 0 || length % 4 !== 0) this.fail('they are not aligned', headerWord);
		if (end > this.words.length) this.fail('they reach beyond the end', headerWord);
		// Later versions of the format may append fields to a record.
		const step = this.word(at) / 4;
		if (step < minimum || !Number.isInteger(step)) {
			this.fail(`records of ${step * 4} bytes are not possible`, at);
		}

		at++;
		while (at < end) {
			if (at + 2 > end) this.fail('a section is cut off', at);
			const name = this.btf.string(this.word(at));
			const count = this.word(at + 1);
			at += 2;
			const run = {at, end: at + count * step, step};
			if (count === 0) this.fail(`section "${printable(name)}" has no records`, at);
			if (run.end > end) this.fail(`section "${printable(name)}" is cut off`, at);
			const draft = this.sections.get(name) ?? {
				functions: [],
				lines: noLines,
				relocations: [],
			};
			this.sections.set(name, draft);
			read(run, draft);
			at = run.end;
		}
	}

	private readFunctions({at: start, end, step}: Run, functions: ExtFunction[]): void {
		for (let at = start; at < end; at += step) {
			const [offset, typeId] = [this.word(at), this.word(at + 1)];
			if (offset % 8 !== 0) this.failInside(offset, at);
			if (this.btf.type(typeId).kind !== 'func') {
				this.fail(`type ${typeId} is not a function`, at);
			}

			functions.push({slot: offset / 8, typeId});
		}
	}

	private readLines({at: start, end, step}: Run, draft: Draft): void {
		const {words} = this;
		const {stringEnd} = this.btf;
		const known = draft.lines;
		const lines = new Uint32Array(known.length + ((end - start) / step) * lineWords);
		lines.set(known);
		let to = known.length;
		for (let at = start; at < end; at += step) {
			const offset = words[at] ?? 0;
			const fileOffset = words[at + 1] ?? 0;
			const textOffset = words[at + 2] ?? 0;
			if (offset % 8 !== 0) this.failInside(offset, at);
			if (fileOffset >= stringEnd) this.fail(`there is no string at ${fileOffset}`, at);
			if (textOffset >= stringEnd) this.fail(`there is no string at ${textOffset}`, at);
			lines[to] = offset / 8;
			lines[to + 1] = fileOffset;
			lines[to + 2] = textOffset;
			lines[to + 3] = words[at + 3] ?? 0;
			to += lineWords;
		}

		draft.lines = lines;
	}

	private readRelocations({at: start, end, step}: Run, relocations: CoreRelocation[]): void {
		const {typeCount, stringEnd} = this.btf;
		for (let at = start; at < end; at += step) {
			const [offset, typeId] = [this.word(at), this.word(at + 1)];
			const [accessOffset, kind] = [this.word(at + 2), this.word(at + 3)];
			if (offset % 8 !== 0) this.failInside(offset, at);
			if (typeId >= typeCount) this.fail(`there is no type ${typeId}`, at);
			if (accessOffset >= stringEnd) this.fail(`there is no string at ${accessOffset}`, at);
			relocations.push({slot: offset / 8, typeId, accessOffset, kind});
		}
	}

	private word(at: number): number {
		return this.words[at] ?? 0;
	}

	private failInside(offset: number, at: number): never {
		return this.fail(`byte ${offset} is inside an instruction`, at);
	}

	private fail(detail: string, at: number): never {
		throw new BtfError(`${this.part} of .BTF.ext: ${detail}`, {offset: at * 4});
	}
}
