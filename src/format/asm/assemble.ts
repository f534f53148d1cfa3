import {hostLittleEndian} from '../../base/bytes.js';
import {AsmError} from './asm-error.js';
import type {Unresolved} from './build.js';
import {encodeInstructions} from './codec.js';
import {type Instruction, isJump, jumpDistance, slotCount} from './instruction.js';

/**
 * The bytes of a program written by hand: instructions in order, and labels as bare strings.
 *
 * ```ts
 * assemble([load('r1', 'u32', 'r1', 0), mov('r0', 1), jumpIf('r1', '==', 0, 'out'), mov('r0', 2), 'out', exit()]);
 * ```
 *
 * *Throws:* `ERR_ASM` for a label that is missing, doubled or too far away.
 */
export function assemble(
	program: readonly (Instruction | string)[],
	littleEndian = hostLittleEndian,
): Uint8Array {
	const labels = new Map<string, number>();
	let slot = 0;
	for (const item of program) {
		if (typeof item !== 'string') {
			slot += slotCount(item);
		} else if (labels.has(item)) {
			throw new AsmError(`assemble label "${item}": it is there twice`, slot);
		} else {
			labels.set(item, slot);
		}
	}

	slot = 0;
	const instructions: Instruction[] = [];
	for (const item of program) {
		if (typeof item === 'string') continue;
		instructions.push(isUnresolved(item) ? resolve(item, slot, labels) : item);
		slot += slotCount(item);
	}

	return encodeInstructions(instructions, littleEndian);
}

function isUnresolved(instruction: Instruction): instruction is Unresolved {
	return 'label' in instruction;
}

/** The kernel counts every distance from the slot after the first one of the instruction. */
function resolve(
	instruction: Unresolved,
	slot: number,
	labels: ReadonlyMap<string, number>,
): Instruction {
	const {label, ...resolved} = instruction;
	const target = labels.get(label);
	if (target === undefined) {
		throw new AsmError(`assemble instruction ${slot}: no label "${label}"`, slot);
	}

	const distance = target - slot - 1;
	const inOffset = isJump(resolved) && jumpDistance({...resolved, offset: 1, imm: 0}) === 1;
	return inOffset ? {...resolved, offset: distance} : {...resolved, imm: distance};
}
