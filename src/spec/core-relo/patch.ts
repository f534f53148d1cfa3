/** Puts the value of a relocation into its instruction. */

import {classes, modes, sizes, sourceRegister} from '../../format/asm/opcodes.js';
import {wideLoad} from '../../format/asm/instruction.js';
import type {Value} from './value.js';

/** What is to be written, and what must stand there before. */
export interface Patch {
	/** From the object's own types. */
	readonly local: Value;
	readonly target: Value;
}

export interface Code {
	readonly view: DataView;
	readonly littleEndian: boolean;
}

/** How a patch went: the instruction is right, or cannot be run, or was never what it should be. */
export type Patched =
	| {readonly kind: 'done'}
	| {readonly kind: 'impossible'; readonly why: string}
	| {readonly kind: 'damaged'; readonly why: string};

const done: Patched = {kind: 'done'};
const impossible = (why: string): Patched => ({kind: 'impossible', why});
const damaged = (why: string): Patched => ({kind: 'damaged', why});

const [offsetAt, immediateAt, secondAt] = [2, 4, 12];
const sizeBits = 0x18;
const modeBits = 0xe0;
const bytesOf = new Map<number, number>([
	[sizes.u8, 1],
	[sizes.u16, 2],
	[sizes.u32, 4],
	[sizes.u64, 8],
]);
const bitsOf = new Map([...bytesOf].map(([bits, bytes]) => [bytes, bits]));

/** Why no relocation can be meant for the instruction; undefined where one can. */
export function refuseInstruction({view, littleEndian}: Code, slot: number): string | undefined {
	const at = slot * 8;
	if (at + 8 > view.byteLength) return 'there is no such instruction';
	const opcode = view.getUint8(at);
	const registers = view.getUint8(at + 1);
	const source = littleEndian ? registers >> 4 : registers & 0xf;
	if (opcode === wideLoad) {
		if (at + 16 > view.byteLength) return 'it is cut off';
		const isPlain = source === 0 && view.getInt16(at + 2) === 0 && view.getInt32(at + 8) === 0;
		return isPlain ? undefined : 'it loads no plain number';
	}

	switch (opcode & 7) {
		case classes.alu:
		case classes.alu64:
			if ((opcode & sourceRegister) === 0) return undefined;
			return 'its operand is a register, no number';
		case classes.ldx:
		case classes.st:
		case classes.stx:
			return undefined;
		default:
			return `opcode 0x${opcode.toString(16)} takes no relocation`;
	}
}

/** Patches an instruction that was not refused. */
export function patchInstruction(code: Code, slot: number, patch: Patch): Patched {
	const at = slot * 8;
	const opcode = code.view.getUint8(at);
	if (opcode === wideLoad) return patchWideLoad(code, at, patch);
	const isArithmetic = (opcode & 7) === classes.alu || (opcode & 7) === classes.alu64;
	return isArithmetic ? patchArithmetic(code, at, patch) : patchAccess(code, at, patch);
}

/** Makes it a call of a function that does not exist, which the verifier allows in dead code only. */
export function poisonInstruction({view, littleEndian}: Code, slot: number, number: number): void {
	const isWide = view.getUint8(slot * 8) === wideLoad;
	for (let at = slot * 8; at < (slot + (isWide ? 2 : 1)) * 8; at += 8) {
		view.setUint32(at, 0);
		view.setUint8(at, 0x85);
		view.setUint32(at + immediateAt, number, littleEndian);
	}
}

function patchArithmetic(code: Code, at: number, {local, target}: Patch): Patched {
	const {view, littleEndian} = code;
	const opcode = view.getUint8(at);
	const found = view.getInt32(at + immediateAt, littleEndian);
	if (local.isCertain && BigInt.asIntN(32, local.value) !== BigInt(found)) {
		return damaged(`its operand is ${found}, not ${local.value}`);
	}

	// 64-bit arithmetic extends the sign of its operand.
	const isWide = (opcode & 7) === classes.alu64;
	const fits = BigInt.asIntN(32, target.value) === target.value;
	if (!fits && (isWide || BigInt.asUintN(32, target.value) !== target.value)) {
		return impossible(`${target.value} does not fit an operand of 32 bits`);
	}

	view.setInt32(at + immediateAt, Number(BigInt.asIntN(32, target.value)), littleEndian);
	return done;
}

function patchAccess(code: Code, at: number, {local, target}: Patch): Patched {
	const {view, littleEndian} = code;
	const found = view.getInt16(at + offsetAt, littleEndian);
	if (local.isCertain && local.value !== BigInt(found)) {
		return damaged(`its offset is ${found}, not ${local.value}`);
	}

	if (BigInt.asIntN(16, target.value) !== target.value) {
		return impossible(`${target.value} does not fit an offset of 16 bits`);
	}

	const resized = resize(view.getUint8(at), {local, target});
	if (typeof resized !== 'number') return resized;
	view.setUint8(at, resized);
	view.setInt16(at + offsetAt, Number(target.value), littleEndian);
	return done;
}

/** The opcode that moves as many bytes as the target's field has. */
function resize(opcode: number, {local, target}: Patch): number | Patched {
	const [from, to] = [local.moved, target.moved];
	if (from?.size === to?.size) return opcode;
	if (from === undefined || to === undefined) {
		return impossible('one of both is a bit-field, and a load or store moves whole bytes');
	}

	// Loading fills up with zeros, which is right for pointers and for numbers without a sign.
	const arePointers = from.type.kind === 'ptr' && to.type.kind === 'ptr';
	const areUnsigned =
		from.type.kind === 'int' && to.type.kind === 'int' && !from.type.signed && !to.type.signed;
	if (!arePointers && !areUnsigned) {
		return impossible(
			`it has ${to.size} bytes, not ${from.size}, and is neither a pointer nor an unsigned integer`,
		);
	}

	const moves = bytesOf.get(opcode & sizeBits);
	const bits = bitsOf.get(to.size);
	if (moves !== from.size || (opcode & modeBits) !== modes.mem || bits === undefined) {
		return impossible(
			`it has ${to.size} bytes, not ${from.size}, and this instruction moves ${moves}`,
		);
	}

	return (opcode & ~sizeBits) | bits;
}

function patchWideLoad(code: Code, at: number, {local, target}: Patch): Patched {
	const {view, littleEndian} = code;
	const low = view.getUint32(at + immediateAt, littleEndian);
	const high = view.getUint32(at + secondAt, littleEndian);
	const found = (BigInt(high) << 32n) | BigInt(low);
	if (local.isCertain && BigInt.asUintN(64, local.value) !== found) {
		return damaged(`it loads ${found}, not ${local.value}`);
	}

	const bits = BigInt.asUintN(64, target.value);
	view.setUint32(at + immediateAt, Number(bits & 0xff_ff_ff_ffn), littleEndian);
	view.setUint32(at + secondAt, Number(bits >> 32n), littleEndian);
	return done;
}
