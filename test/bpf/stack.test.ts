/**
 * Kernel 6.1 counts each function's share of the stack in steps of 32 bytes, newer ones in steps of 16:
 * what fits 512 bytes here need not fit there. How much a function takes is up to the compiler; newer ones
 * than clang 14 let it be more.
 */

import {readdirSync} from 'node:fs';
import {fileURLToPath} from 'node:url';
import test from 'ava';
import {decodeInstruction} from '../../src/format/asm/codec.js';
import {classOf, isCall, slotCount} from '../../src/format/asm/instruction.js';
import {classes} from '../../src/format/asm/opcodes.js';
import {readObject} from '../../src/spec/read.js';
import type {ProgramSpec} from '../../src/spec/types.js';
import {findClang} from '../../src/toolchain/clang.js';
import {pseudoCalls} from '../../src/uapi/pseudo.js';

const [step, stackSize, framePointer] = [32, 512, 10];
/** `rX = r10` and `rX += -N`: how an address on the stack is made. */
const [copy, add] = [0xbf, 0x07];

interface Function {
	readonly depth: number;
	/** Slots at which the functions begin that it calls. */
	readonly calls: readonly number[];
}

function readFunction(bytes: Uint8Array, start: number, end: number): Function {
	let depth = 0;
	const calls: number[] = [];
	const copies = new Set<number>();
	for (let slot = start; slot < end;) {
		const instruction = decodeInstruction(bytes, slot);
		const {opcode, dst, src, offset, imm} = instruction;
		const kind = classOf(instruction);
		const isStore = kind === classes.st || kind === classes.stx;
		const base = isStore ? dst : kind === classes.ldx ? src : undefined;
		if (base === framePointer) depth = Math.max(depth, -offset);
		if (opcode === add && copies.has(dst)) depth = Math.max(depth, -imm);
		if (opcode === copy && src === framePointer) copies.add(dst);
		else if (!isStore) copies.delete(dst);
		if (isCall(instruction) && src === pseudoCalls.subprogram) calls.push(slot + 1 + imm);
		slot += slotCount(instruction);
	}
	return {depth, calls};
}

/** Bytes of stack that the deepest chain of calls takes. */
function deepest({instructions, functions}: ProgramSpec): number {
	const starts = functions.map(({slot}) => slot);
	const known = new Map<number, number>();
	const from = (start: number): number => {
		const before = known.get(start);
		if (before !== undefined) return before;
		const end = starts.find(each => each > start) ?? instructions.length / 8;
		const {depth, calls} = readFunction(instructions, start, end);
		const own = Math.ceil(Math.max(depth, 1) / step) * step;
		const found = own + Math.max(0, ...calls.map(from));
		known.set(start, found);
		return found;
	};
	return from(0);
}

const stack = test.macro({
	async exec(t, object: string) {
		const {programs} = await readObject(folder + object);
		for (const program of Object.values(programs)) {
			const depth = deepest(program);
			t.true(depth > 0 && depth <= stackSize, `${program.name}: ${depth}`);
		}
	},
	title: (_, object: string) => `the stack of ${object} is large enough for kernel 6.1`,
});

const folder = fileURLToPath(new URL('../../bpf/', import.meta.url));
const {major} = await findClang();
const declare = major === 14 ? test : test.skip;
for (const name of readdirSync(folder)) if (name.endsWith('.bpf.o')) declare(stack, name);
