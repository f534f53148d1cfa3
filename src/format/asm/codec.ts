import {hostLittleEndian, viewOf} from '../../base/bytes.js';
import {AsmError} from './asm-error.js';
import {type Instruction, slotCount, wideLoad} from './instruction.js';

/**
 * The instruction that starts at `slot`, in units of 8 bytes; unknown opcodes are decoded too.
 *
 * *Throws:* `ERR_ASM` when the bytes end early, or the second half of a 16-byte load is not one.
 */
export function decodeInstruction(
	bytes: Uint8Array,
	slot: number,
	littleEndian = hostLittleEndian,
): Instruction {
	const view = viewOf(bytes);
	const at = slot * 8;
	if (!Number.isSafeInteger(slot) || slot < 0 || at + 8 > bytes.length) {
		throw new AsmError(`decode instruction ${slot}: outside the program's bytes`, slot);
	}

	const opcode = view.getUint8(at);
	const registers = view.getUint8(at + 1);
	const low = registers & 0xf;
	const instruction = {
		opcode,
		dst: littleEndian ? low : registers >> 4,
		src: littleEndian ? registers >> 4 : low,
		offset: view.getInt16(at + 2, littleEndian),
		imm: view.getInt32(at + 4, littleEndian),
	};
	if (opcode !== wideLoad) return instruction;

	if (at + 16 > bytes.length) {
		throw new AsmError(`decode instruction ${slot}: the second half is missing`, slot);
	}

	if (view.getUint32(at + 8) !== 0) {
		throw new AsmError(`decode instruction ${slot}: malformed second half`, slot);
	}

	return {...instruction, high: view.getInt32(at + 12, littleEndian)};
}

/**
 * Every instruction of a program, in order. A 16-byte load is one instruction and two slots.
 *
 * *Throws:* `ERR_ASM` as `decodeInstruction`, and when the length is no multiple of 8.
 */
export function decodeInstructions(
	bytes: Uint8Array,
	littleEndian = hostLittleEndian,
): Instruction[] {
	if (bytes.length % 8 !== 0) {
		throw new AsmError(`decode instructions: ${bytes.length} bytes are no multiple of 8`);
	}

	const instructions: Instruction[] = [];
	for (let slot = 0; slot < bytes.length / 8;) {
		const instruction = decodeInstruction(bytes, slot, littleEndian);
		instructions.push(instruction);
		slot += slotCount(instruction);
	}

	return instructions;
}

/**
 * The bytes of a program.
 *
 * *Throws:* `ERR_ASM` when a field is outside its bits.
 */
export function encodeInstructions(
	instructions: readonly Instruction[],
	littleEndian = hostLittleEndian,
): Uint8Array {
	const slots = instructions.reduce((count, instruction) => count + slotCount(instruction), 0);
	const bytes = new Uint8Array(slots * 8);
	const view = viewOf(bytes);
	let slot = 0;
	for (const instruction of instructions) {
		const {opcode, dst, src, offset, imm, high} = instruction;
		check(slot, 'opcode', opcode, 0, 0xff);
		check(slot, 'destination register', dst, 0, 15);
		check(slot, 'source register', src, 0, 15);
		check(slot, 'offset', offset, -0x8000, 0x7fff);
		check(slot, 'immediate', imm, -0x80000000, 0x7fffffff);
		const at = slot * 8;
		view.setUint8(at, opcode);
		view.setUint8(at + 1, littleEndian ? dst | (src << 4) : (dst << 4) | src);
		view.setInt16(at + 2, offset, littleEndian);
		view.setInt32(at + 4, imm, littleEndian);
		if (opcode === wideLoad) {
			check(slot, 'high immediate', high ?? 0, -0x80000000, 0x7fffffff);
			view.setInt32(at + 12, high ?? 0, littleEndian);
		} else if (high !== undefined) {
			throw new AsmError(
				`encode instruction ${slot}: only a 16-byte load has two halves`,
				slot,
			);
		}

		slot += slotCount(instruction);
	}

	return bytes;
}

function check(slot: number, field: string, value: number, min: number, max: number): void {
	if (Number.isInteger(value) && value >= min && value <= max) return;
	throw new AsmError(
		`encode instruction ${slot}: ${field} ${value} is outside ${min}..${max}`,
		slot,
	);
}
