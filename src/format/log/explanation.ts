/** A refusal told in full: what the verifier knew, and the way it came. */

import {lineKind, parseInstruction, type LoggedInstruction} from './lines.js';
import {pathTo, stepsOf, type PathStep} from './path.js';
import {describeState, parseStates} from './register-state.js';

/** What the verifier knew of a register, or of a reference, when it refused. */
export interface KnownRegister {
	/** `R0` to `R9`, or `a reference`. */
	readonly name: string;
	/** As the log prints it; absent where it held nothing. */
	readonly state?: string;
	/** The same in words. */
	readonly text: string;
}

/** What led to a refusal. */
export interface Explanation {
	/** Registers that the reason names, or else those of the instruction. */
	readonly known: readonly KnownRegister[];
	/** Source lines on the way, the refused one last; empty where the log has none. */
	readonly path: readonly PathStep[];
}

/** Reads from the log what led to the instruction in line `at`, about which it says `messages`. */
export function explainInstruction(
	lines: readonly string[],
	at: number,
	messages: readonly string[],
): Explanation {
	const path = pathTo(lines, at);
	const reason = messages.join(' ');
	return {
		known: [...knownAt(lines, path, reason), ...unreleased(lines, path, reason)],
		path: stepsOf(lines, path),
	};
}

/** References that the program still holds: where they were taken. */
function unreleased(
	lines: readonly string[],
	path: readonly number[],
	reason: string,
): KnownRegister[] {
	return [...reason.matchAll(/Unreleased reference id=\d+ alloc_insn=(\d+)/g)].flatMap(
		([, slot = '']) => {
			const taken = path.findLast(index => (lines[index] ?? '').startsWith(`${slot}: (`));
			if (taken === undefined) return [];
			const {text = ''} = parseInstruction(lines[taken] ?? '');
			return {name: 'a reference', text: `held since ${slot}: ${text}`};
		},
	);
}

function knownAt(
	lines: readonly string[],
	path: readonly number[],
	reason: string,
): KnownRegister[] {
	const refused = lines[path.at(-1) ?? -1] ?? '';
	const names = namesIn(reason, refused);
	const frame = frameOf(lines, path);
	return names.map(name => {
		let room = 0;
		for (const index of path.slice(0, -1).reverse()) {
			const line = lines[index] ?? '';
			const kind = lineKind(line);
			// One comparison tells of all pointers to the packet.
			if (kind !== 'source') room = Math.max(room, knownRoom(line));
			if (kind === 'source' || (frameIn(line) ?? frame) !== frame) continue;
			// A call leaves nothing in these.
			const clears = / \(85\) call |^\d+: \(85\) call /.test(line) && /^R[1-5]$/.test(name);
			const state = parseStates(line).get(name);
			if (state !== undefined) {
				return {name, state, text: describe(withRoom(state, room), name, reason)};
			}

			if (clears) return {name, text: 'nothing: the call before has cleared it'};
		}

		return {name, text: 'nothing: it was never set on this way'};
	});
}

function knownRoom(line: string): number {
	const found = [...line.matchAll(/=pkt\([^)]*\br=(\d+)/g)];
	return Math.max(0, ...found.map(([, bytes]) => Number(bytes)));
}

function withRoom(state: string, room: number): string {
	return room === 0 ? state : state.replace(/^(pkt\((?:.*,)?r=)0\b/, `$1${room}`);
}

/** A release takes what a register held away without a word of it. */
function describe(state: string, name: string, reason: string): string {
	const now = new RegExp(`\\b${name} invalid mem access '(\\w+)'`).exec(reason)?.[1];
	const text = describeState(state);
	const isNumber = /^(?:scalar|inv)\b|^P?-?[\dx]/.test(state);
	return now === 'scalar' && !isNumber ? `no longer ${text}` : text;
}

/** `R1` in reasons; `r1` and `w1` in instructions. */
function namesIn(reason: string, instruction: string): string[] {
	const inReason = [...reason.matchAll(/\b(R\d+)\b/g)].map(([, name = '']) => name);
	// What is only written is not known before.
	const text = instruction.replace(/ ; .*$/, '').replace(/ [rw]\d+ = /, ' ');
	const used = [...text.matchAll(/\b[rw](\d+)\b/g)].map(([, number = '']) => `R${number}`);
	const names = inReason.length > 0 ? inReason : used;
	return [...new Set(names)].filter(name => name !== 'R10');
}

function frameIn(line: string): string | undefined {
	return /\bframe(\d+):/.exec(line)?.[1];
}

/** The function that the refused instruction stands in, as the states before it say. */
function frameOf(lines: readonly string[], path: readonly number[]): string | undefined {
	for (const index of path.slice(0, -1).reverse()) {
		const line = lines[index] ?? '';
		if (lineKind(line) === 'instruction' && parseStates(line).size > 0) return frameIn(line);
	}

	return undefined;
}

/** What a terminal shows of it, in lines of at most 80 columns where the source allows. */
export function explanationText(
	{known, path}: Explanation,
	rest: {
		readonly reason: string;
		readonly hint?: string | undefined;
		readonly instruction?: LoggedInstruction | undefined;
	},
): string {
	const lines = [`reason: ${rest.reason}`];
	if (rest.instruction?.text !== undefined) {
		lines.push(`instruction ${rest.instruction.slot}: ${rest.instruction.text}`);
	}

	if (known.length > 0) {
		lines.push('known:', ...known.map(({name, text}) => `    ${name}: ${text}`));
	}

	if (path.length > 0) lines.push('the way:', ...wayLines(path));
	if (rest.hint !== undefined) lines.push(`hint: ${rest.hint}`);
	return lines.join('\n');
}

const shownSteps = 12;

function wayLines(path: readonly PathStep[]): string[] {
	const left = Math.max(0, path.length - shownSteps);
	const head = left === 0 ? [] : [`    (${left} lines before)`];
	const width = Math.max(...path.map(({line}) => String(line ?? '').length));
	return [
		...head,
		...path.slice(left).map(({line, text, taken}, i, {length}) => {
			const number = String(line ?? '').padStart(width);
			const jump = taken === undefined ? '' : taken ? '  [jumps]' : '  [goes on]';
			const mark = i === length - 1 ? '>' : ' ';
			return `  ${mark} ${number}  ${text}${jump}`;
		}),
	];
}
