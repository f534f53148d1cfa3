import {hostLittleEndian} from '../../base/bytes.js';
import {pseudoCalls, pseudoLoads} from '../../uapi/pseudo.js';
import {decodeInstructions} from './codec.js';
import {formatInstruction, signed} from './format.js';
import {
	type Instruction,
	isCall,
	isJump,
	jumpDistance,
	slotCount,
	wideLoad,
} from './instruction.js';

/** What is known about a program beyond its bytes; all by slot, in any order. */
export interface DisassembleOptions {
	/** Byte order of the instructions; this machine's by default. */
	readonly littleEndian?: boolean;
	/** Source line that the instructions from `slot` on were made from. */
	readonly lines?: readonly {readonly slot: number; readonly text: string}[];
	/** The functions' first slots. */
	readonly functions?: readonly {readonly slot: number; readonly name: string}[];
	/** What 16-byte loads refer to, instead of the numbers in them. */
	readonly references?: readonly {
		readonly slot: number;
		readonly kind: 'map' | 'map-value';
		readonly map: string;
		readonly offset: number;
	}[];
	/** What calls lead to that are no functions of the program, instead of the numbers in them. */
	readonly calls?: readonly {readonly slot: number; readonly name: string}[];
}

/** One instruction, or what belongs before it. */
export interface DisassemblyLine {
	readonly kind: 'function' | 'source' | 'instruction';
	/** Of the instruction, or of the one that follows. */
	readonly slot: number;
	/** `handle_tcp:`, `; return x;`, `12: (b7) r0 = 2`. */
	readonly text: string;
}

/**
 * A program as the verifier would print it, with what the caller knows about it: headings for
 * functions, source lines in between, names for maps, and `<7>` or `<name>` where a jump leads.
 *
 * *Throws:* `ERR_ASM` when the bytes are no instructions.
 */
export function disassemble(
	instructions: Uint8Array,
	options: DisassembleOptions = {},
): DisassemblyLine[] {
	const {
		littleEndian = hostLittleEndian,
		lines = [],
		functions = [],
		references = [],
		calls = [],
	} = options;
	const called = new Map(calls.map(each => [each.slot, printable(each.name)]));
	const sources = new Map(lines.map(line => [line.slot, printable(line.text).trim()]));
	const names = new Map(functions.map(each => [each.slot, printable(each.name)]));
	const maps = new Map(references.map(each => [each.slot, each]));
	const output: DisassemblyLine[] = [];
	let slot = 0;
	for (const instruction of decodeInstructions(instructions, littleEndian)) {
		const name = names.get(slot);
		if (name !== undefined) output.push({kind: 'function', slot, text: `${name}:`});
		const source = sources.get(slot);
		if (source) output.push({kind: 'source', slot, text: `; ${source}`});

		const map = instruction.opcode === wideLoad ? maps.get(slot) : undefined;
		const callee = isCall(instruction) ? called.get(slot) : undefined;
		let text;
		if (map !== undefined) text = `(18) r${instruction.dst} = ${formatReference(map)}`;
		else if (callee !== undefined) text = `(85) call ${callee}`;
		else text = formatInstruction(instruction) + destination(instruction, slot, names);
		output.push({kind: 'instruction', slot, text: `${slot}: ${text}`});
		slot += slotCount(instruction);
	}

	return output;
}

function formatReference({kind, map, offset}: {kind: string; map: string; offset: number}): string {
	const name = printable(map);
	return kind === 'map' ? `map[${name}]` : `map[${name}][0]${signed(offset)}`;
}

/** Names and lines come from a file that may want to break lines or command a terminal. */
function printable(text: string): string {
	return text.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ');
}

function destination(
	instruction: Instruction,
	slot: number,
	names: ReadonlyMap<number, string>,
): string {
	const distance = isJump(instruction)
		? jumpDistance(instruction)
		: leadsToFunction(instruction)
			? instruction.imm
			: undefined;
	if (distance === undefined) return '';
	const target = slot + 1 + distance;
	return ` <${names.get(target) ?? target}>`;
}

function leadsToFunction(instruction: Instruction): boolean {
	if (isCall(instruction)) return instruction.src === pseudoCalls.subprogram;
	return instruction.opcode === wideLoad && instruction.src === pseudoLoads.func;
}
