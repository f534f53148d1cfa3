/** The way on which the verifier came to the instruction that it refused. */

import {lineKind, parseInstruction, parseSource, type SourcePosition} from './lines.js';

/** A line of the source on the way. */
export interface PathStep extends SourcePosition {
	/** Of a line that ends with a jump: whether it was taken. */
	readonly taken?: boolean;
}

interface Branch {
	readonly target: number;
	/** Index of the step that it belongs to. */
	readonly step: number;
}

/**
 * Indices of the lines on the way to line `at`, in order. The verifier walks every branch in turn:
 * where it goes back to one it says `from 8 to 17:`, and what it did in between is left out.
 */
export function pathTo(lines: readonly string[], at: number): number[] {
	const path: number[] = [];
	let index = at;
	while (index >= 0) {
		const from = /^from (\d+) to \d+:/.exec(lines[index] ?? '');
		path.unshift(index);
		if (from === null) {
			index--;
			continue;
		}

		const slot = Number(from[1]);
		let jump = index - 1;
		while (jump >= 0 && slotOf(lines[jump] ?? '') !== slot) jump--;
		index = jump;
	}

	return path;
}

function slotOf(line: string): number | undefined {
	return lineKind(line) === 'instruction' ? parseInstruction(line).slot : undefined;
}

/** The source lines on a way, each once in a row, with the jumps that were taken. */
export function stepsOf(lines: readonly string[], path: readonly number[]): PathStep[] {
	const steps: PathStep[] = [];
	let branch: Branch | undefined;
	const decide = (slot: number) => {
		const step = branch === undefined ? undefined : steps[branch.step];
		if (branch === undefined || step === undefined) return;
		steps[branch.step] = {...step, taken: slot === branch.target};
		branch = undefined;
	};

	for (const index of path) {
		const line = lines[index] ?? '';
		const kind = lineKind(line);
		if (kind === 'instruction') {
			const {slot, text = ''} = parseInstruction(line);
			decide(slot);
			const offset = /\bif .* goto pc([+-]\d+)/.exec(text)?.[1];
			if (offset !== undefined) {
				branch = {target: slot + 1 + Number(offset), step: steps.length - 1};
			}

			// A jump that is always decided the same way says at once where it goes.
			const next = /goto pc[+-]\d+ (\d+): /.exec(line)?.[1];
			if (next !== undefined) decide(Number(next));
		} else if (kind === 'state') {
			const target = /^from \d+ to (\d+):/.exec(line)?.[1];
			if (target !== undefined) decide(Number(target));
		} else if (kind === 'source' && !line.startsWith(';  @ ')) {
			const step = parseSource(line);
			const last = steps.at(-1);
			if (last?.line !== step.line || last?.text !== step.text) steps.push(step);
		}
	}

	return steps;
}
