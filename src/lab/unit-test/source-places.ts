/** Finds the source line that a test's log speaks of: in the object, or in the source itself. */

import {readFileSync, statSync} from 'node:fs';
import {basename} from 'node:path';

import type {CollectionSpec, ProgramSpec} from '../../spec/types.js';

/** A line of a test's source. */
export interface SourcePlace {
	/** As the log names it. */
	readonly file: string;
	readonly line: number;
	/** The line itself, where the object has it. */
	readonly text?: string;
}

const mention = /(?<file>[^\s:'"()]+\.[ch]):(?<line>\d{1,7})\b/;
const largestSource = 16 * 1024 * 1024;

/** The lines that an object's code was made from. */
export class SourcePlaces {
	readonly #file: string;
	readonly #spec: CollectionSpec;
	#known: KnownLines | undefined;
	readonly #sources = new Map<string, readonly string[]>();

	constructor(file: string, spec: CollectionSpec) {
		this.#file = file;
		this.#spec = spec;
	}

	/** The first place that one of the lines names: `lb.test.c:12: assertion failed`. */
	mentioned(logs: readonly string[]): SourcePlace | undefined {
		for (const log of logs) {
			const {file, line} = mention.exec(log)?.groups ?? {};
			if (file !== undefined && line !== undefined) return this.#place(file, Number(line));
		}

		return undefined;
	}

	/** Where a program begins. */
	startOf(program: string): SourcePlace | undefined {
		const spec = this.#spec.programs[program];
		const [first] = spec?.lines ?? [];
		if (spec?.types === undefined || first === undefined) return undefined;
		return this.#place(spec.types.string(first.fileOffset), first.lineColumn >>> 10);
	}

	#place(file: string, line: number): SourcePlace {
		this.#known ??= collectLines(Object.values(this.#spec.programs));
		const {texts, files} = this.#known;
		// Of what stands inside of a macro's argument, the object only knows where the macro does.
		const text =
			texts.get(`${basename(file)}:${line}`) ??
			this.#linesOf([...files].find(each => each.endsWith(`/${file}`)) ?? file)[line - 1];
		const trimmed = text?.trim() ?? '';
		return {file, line, ...(trimmed === '' ? {} : {text: trimmed})};
	}

	/** Empty where it cannot be read, or was changed after the object was made. */
	#linesOf(path: string): readonly string[] {
		const known = this.#sources.get(path);
		if (known !== undefined) return known;
		const lines = readLines(path, this.#file);
		this.#sources.set(path, lines);
		return lines;
	}
}

function readLines(path: string, object: string): readonly string[] {
	try {
		const source = statSync(path);
		const isOlder = source.mtimeMs <= statSync(object).mtimeMs;
		if (!source.isFile() || !isOlder || source.size > largestSource) return [];
		return readFileSync(path, 'utf8').split('\n');
	} catch {
		return [];
	}
}

interface KnownLines {
	/** By `FILE:LINE`, with the base name of the file. */
	readonly texts: ReadonlyMap<string, string>;
	readonly files: ReadonlySet<string>;
}

function collectLines(programs: readonly ProgramSpec[]): KnownLines {
	const texts = new Map<string, string>();
	const files = new Set<string>();
	for (const {types, lines} of programs) {
		if (types === undefined) continue;
		for (const {fileOffset, textOffset, lineColumn} of lines) {
			const file = types.string(fileOffset);
			files.add(file);
			const key = `${basename(file)}:${lineColumn >>> 10}`;
			if (!texts.has(key)) texts.set(key, types.string(textOffset));
		}
	}

	return {texts, files};
}
