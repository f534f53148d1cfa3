import {basename} from 'node:path';

import {explainInstruction, type Explanation} from './explanation.js';
import type {FailedRelocation} from './failed-relocation.js';
import {hintFor} from './hints.js';
import {
	lineKind,
	type LoggedInstruction,
	parseInstruction,
	parseSource,
	type SourcePosition,
} from './lines.js';

/** Why the verifier refused a program, as its log tells. */
export interface Refusal {
	/** The line of the log that says it: `R0 !read_ok`. */
	readonly reason: string;
	/** What to do about it, for the commonest reasons. */
	readonly hint?: string;
	/** Where in the program; absent for reasons that concern all of it. */
	readonly instruction?: LoggedInstruction;
	/** The line of source that this instruction was made from. */
	readonly source?: SourcePosition;
	/** The few lines of the log that lead to the reason, and the reason. */
	readonly excerpt: readonly string[];
	/** What the verifier knew, and the way it came; nothing for reasons that concern the whole program. */
	readonly explanation: Explanation;
}

const unexplained: Explanation = {known: [], path: []};

export interface ExplainOptions {
	/** The object's own source positions, for reasons that the log gives only a number with. */
	readonly lines?: readonly ({readonly slot: number} & SourcePosition)[];
	/** Relocations that failed, in whose place calls of numbered functions stand. */
	readonly relocations?: readonly FailedRelocation[];
	/** How many maps the program uses. */
	readonly maps?: number;
}

/** The log's lines, without the NUL padding and the statistics at its end. */
export function splitLog(log: string): string[] {
	const lines = rawLines(log).filter(line => line !== '');
	while (lines.length > 0 && lineKind(lines.at(-1) ?? '') === 'statistics') lines.pop();
	return lines;
}

/** The log's lines with everything in them. */
export function rawLines(log: string): string[] {
	const end = log.indexOf('\0');
	const text = (end < 0 ? log : log.slice(0, end)).trimEnd();
	return text === '' ? [] : text.split('\n');
}

// Lines that only close what the line before them says better.
const closing = /^Caller passes invalid args into func#|^Func#\d+ .*is not safe|^-- END/;
// Found by passes over the whole program, before or after the walk that the log shows.
const wholeProgram = /^combined stack size|^too many subprogs|^stack depth/;
const position = /(?:\bat insn|\bfrom insn|^unreachable insn|^insn) (\d+)/;
const linesBefore = 8;

/** Reads a refused program's log from its end: the reason, where it is, and what led to it. */
export function explainRefusal(
	log: string | readonly string[],
	options: ExplainOptions = {},
): Refusal {
	const lines = typeof log === 'string' ? splitLog(log) : log;
	let last = lines.length - 1;
	while (last >= 0 && !isMessage(lines[last])) last--;
	if (last < 0) {
		// The log of a program that was accepted, or one that was cut off on the way.
		const reason = lines.length > 0 ? 'no reason in the log' : 'no log';
		return {reason, excerpt: lines.slice(-linesBefore), explanation: unexplained};
	}

	// A BTF log is nothing but messages: the types, and at the end what is wrong with one.
	let first = last;
	while (first > Math.max(0, last - linesBefore) && isMessage(lines[first - 1])) first--;
	const messages = lines.slice(first, last + 1);
	const reason = messages.findLast(line => !closing.test(line)) ?? lines[last] ?? '';

	const number = position.exec(reason)?.[1];
	const at = wholeProgram.test(reason)
		? -1
		: lines.findLastIndex((line, index) => index < first && lineKind(line) === 'instruction');
	const shown = at < 0 ? undefined : parseInstruction(lines[at] ?? '');
	const slot = number === undefined ? shown?.slot : Number(number);
	const instruction = slot === undefined || shown?.slot === slot ? shown : {slot};
	const told = shown === undefined || instruction !== shown ? undefined : sourceBefore(lines, at);
	const source = placed(told, positionOf(slot, options.lines ?? []));
	const hint = hintFor(messages);
	return {
		reason,
		...(hint === undefined ? {} : {hint}),
		...(instruction === undefined ? {} : {instruction}),
		...(source === undefined ? {} : {source}),
		excerpt: excerpt(lines, first, last),
		explanation: at < 0 ? unexplained : explainInstruction(lines, at, messages),
	};
}

function isMessage(line: string | undefined): boolean {
	return line !== undefined && lineKind(line) === 'message';
}

/** Code that clang added has an empty line 0. */
function isBlankSource(line: string): boolean {
	return line.startsWith(';  @ ');
}

function sourceBefore(lines: readonly string[], at: number): SourcePosition | undefined {
	for (let index = at; index >= 0; index--) {
		const line = lines[index] ?? '';
		if (lineKind(line) === 'source' && !isBlankSource(line)) return parseSource(line);
	}

	return undefined;
}

/** The log's own position, with file and line from the object's where the kernel tells none. */
function placed(
	told: SourcePosition | undefined,
	own: SourcePosition | undefined,
): SourcePosition | undefined {
	if (told === undefined) return own;
	return told.file === undefined && own?.text === told.text ? own : told;
}

function positionOf(
	slot: number | undefined,
	lines: NonNullable<ExplainOptions['lines']>,
): SourcePosition | undefined {
	if (slot === undefined) return undefined;
	const found = lines.findLast(line => line.slot <= slot);
	if (found === undefined) return undefined;
	const {file, line, text} = found;
	return {
		...(file === undefined ? {} : {file: basename(file)}),
		...(line === undefined ? {} : {line}),
		text,
	};
}

/** The messages and what led to them, from the beginning of a source line where one is near. */
function excerpt(lines: readonly string[], first: number, last: number): string[] {
	const before: string[] = [];
	for (let index = first - 1; index >= 0 && before.length < linesBefore; index--) {
		const line = lines[index] ?? '';
		const kind = lineKind(line);
		if (kind === 'message') break;
		if (kind === 'note' || kind === 'statistics' || isBlankSource(line)) continue;
		before.unshift(line);
	}

	const start = before.findIndex(line => lineKind(line) === 'source');
	return [...before.slice(Math.max(0, start)), ...lines.slice(first, last + 1)];
}
