import {classes, jumpOperations, modes, sizes} from './opcodes.js';

/** One BPF instruction as its fields say it; what they mean depends on `opcode`. */
export interface Instruction {
	/** 8 bits: class in the low three. */
	readonly opcode: number;
	/** Destination register, 4 bits: 0 to 10 in a valid program. */
	readonly dst: number;
	/** Source register, 4 bits; in 16-byte loads and calls what kind of immediate it is. */
	readonly src: number;
	/** Signed 16 bits: slots to jump, or bytes from the base register. */
	readonly offset: number;
	/** Signed 32 bits. */
	readonly imm: number;
	/** Only in a 16-byte load, which takes two slots: the second one's immediate, signed 32 bits. */
	readonly high?: number;
}

/** The low three bits of the opcode. */
export function classOf(instruction: Instruction): number {
	return instruction.opcode & 7;
}

/** The opcode of the only instruction that takes two slots. */
export const wideLoad = classes.ld | modes.imm | sizes.u64;

/** How many units of 8 bytes the instruction takes: 1, or 2 for a 16-byte load. */
export function slotCount(instruction: Instruction): number {
	return instruction.opcode === wideLoad ? 2 : 1;
}

/** The 64-bit number of a 16-byte load. */
export function wideImmediate(instruction: Instruction): bigint {
	const bits = (BigInt(instruction.high ?? 0) << 32n) | BigInt(instruction.imm >>> 0);
	return BigInt.asUintN(64, bits);
}

/** True for the instructions that may continue elsewhere: `goto`, `if`, `may_goto`; not a call. */
export function isJump(instruction: Instruction): boolean {
	const kind = classOf(instruction);
	if (kind !== classes.jmp && kind !== classes.jmp32) return false;
	const operation = instruction.opcode & 0xf0;
	return operation !== jumpOperations.call && operation !== jumpOperations.exit;
}

/** Slots from the end of a jump to where it leads; `gotol` has 32 bits for it. */
export function jumpDistance(instruction: Instruction): number {
	return instruction.opcode === (classes.jmp32 | jumpOperations.ja)
		? instruction.imm
		: instruction.offset;
}

/** True for a call, whatever is called. */
export function isCall(instruction: Instruction): boolean {
	return instruction.opcode === (classes.jmp | jumpOperations.call);
}
