/**
 * Kernel 6.1 refuses a loop whose last instruction falls through into its first: a jump has to lead
 * back. Which of the two a loop gets, the compiler decides.
 */

import {readdirSync} from 'node:fs';
import {fileURLToPath} from 'node:url';
import test from 'ava';
import {assemble} from '../../src/format/asm/assemble.js';
import {add, exit, jump, jumpIf, mov} from '../../src/format/asm/build.js';
import {decodeInstruction} from '../../src/format/asm/codec.js';
import {
	isJump,
	jumpDistance,
	slotCount,
	type Instruction,
} from '../../src/format/asm/instruction.js';
import {classes, jumpOperations} from '../../src/format/asm/opcodes.js';
import {readObject} from '../../src/spec/read.js';

interface Edge {
	readonly to: number;
	readonly fallsThrough: boolean;
}

const alwaysJumps: readonly number[] = [
	classes.jmp | jumpOperations.ja,
	classes.jmp32 | jumpOperations.ja,
];

function edgesOf(instruction: Instruction, slot: number): Edge[] {
	const next = slot + slotCount(instruction);
	if (instruction.opcode === exit().opcode) return [];
	if (!isJump(instruction)) return [{to: next, fallsThrough: true}];
	const target = {to: slot + 1 + jumpDistance(instruction), fallsThrough: false};
	return alwaysJumps.includes(instruction.opcode)
		? [target]
		: [{to: next, fallsThrough: false}, target];
}

/** Slots that fall through into the first instruction of a loop that they are in, by depth first. */
function fallsBack(bytes: Uint8Array, starts: readonly number[]): number[] {
	const seen = new Set<number>();
	const onPath = new Set<number>();
	const found: number[] = [];
	for (const start of starts) {
		const path: {slot: number; edges: Edge[]}[] = [];
		const enter = (slot: number): void => {
			seen.add(slot);
			onPath.add(slot);
			path.push({slot, edges: edgesOf(decodeInstruction(bytes, slot), slot)});
		};
		if (!seen.has(start)) enter(start);
		for (let last = path.at(-1); last !== undefined; last = path.at(-1)) {
			const edge = last.edges.pop();
			if (edge === undefined) {
				path.pop();
				onPath.delete(last.slot);
			} else if (!seen.has(edge.to)) {
				enter(edge.to);
			} else if (edge.fallsThrough && onPath.has(edge.to)) {
				found.push(last.slot);
			}
		}
	}
	return found;
}

test('a loop that is left at its end by falling through is found, one that jumps back is none', t => {
	const backByJump = [mov('r0', 0), 'again', add('r0', 1), jumpIf('r0', '<', 9, 'again'), exit()];
	t.deepEqual(fallsBack(assemble(backByJump), [0]), []);
	const backByFall = [
		mov('r0', 0),
		jump('head'),
		'body',
		add('r0', 1),
		'head',
		jumpIf('r0', '<', 9, 'body'),
		exit(),
	];
	t.deepEqual(fallsBack(assemble(backByFall), [0]), [2]);
});

const folder = fileURLToPath(new URL('../../bpf/', import.meta.url));
for (const name of readdirSync(folder).filter(each => each.endsWith('.bpf.o'))) {
	test(`every loop of ${name} jumps back`, async t => {
		const {programs} = await readObject(folder + name);
		for (const program of Object.values(programs)) {
			const {instructions, functions} = program;
			t.deepEqual(
				fallsBack(
					instructions,
					functions.map(({slot}) => slot),
				),
				[],
				program.name,
			);
		}
	});
}
