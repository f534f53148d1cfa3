import {type Helper, helperNumber} from '../../uapi/helpers.js';
import {pseudoCalls, pseudoLoads} from '../../uapi/pseudo.js';
import {AsmError} from './asm-error.js';
import {type Instruction, wideLoad} from './instruction.js';
import {
	aluOperations,
	type AtomicOperation,
	atomicOperations,
	classes,
	type Comparison,
	comparisons,
	jumpOperations,
	modes,
	type Size,
	sizes,
	sourceRegister,
} from './opcodes.js';

type Digit = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10;
/** All 64 bits of a register. */
export type WholeRegister = `r${Digit}`;
/** A register's low 32 bits; writing them clears the high ones. */
export type HalfRegister = `w${Digit}`;
export type Register = WholeRegister | HalfRegister;
/** A register, or a number that fits 32 bits. */
export type Operand = Register | number;

/** An instruction whose jump, call or reference leads to a label; `assemble` fills it in. */
export interface Unresolved extends Instruction {
	readonly label: string;
}

/** Where a jump leads: the name of a label, or slots from the jump's end. */
export type Target = string | number;

const blank = {opcode: 0, dst: 0, src: 0, offset: 0, imm: 0};

function registerNumber(register: Register): number {
	const digits = /^[rw](\d|10)$/.exec(register)?.[1];
	if (digits === undefined) throw new AsmError(`build instruction: no register "${register}"`);
	return Number(digits);
}

function isHalf(register: Register): boolean {
	return register.startsWith('w');
}

/** Accepts unsigned numbers too: `0xffffffff` is -1. */
function immediate(value: number): number {
	if (Number.isInteger(value) && value >= -0x80000000 && value <= 0xffffffff) return value | 0;
	throw new AsmError(`build instruction: immediate ${value} does not fit 32 bits`);
}

function operand(left: Register, right: Operand): Pick<Instruction, 'opcode' | 'src' | 'imm'> {
	if (typeof right === 'number') return {opcode: 0, src: 0, imm: immediate(right)};
	if (isHalf(left) !== isHalf(right)) {
		throw new AsmError(`build instruction: ${left} and ${right} have different widths`);
	}

	return {opcode: sourceRegister, src: registerNumber(right), imm: 0};
}

function arithmetic(operation: number, dst: Register, right: Operand, offset = 0): Instruction {
	const {opcode, src, imm} = operand(dst, right);
	const kind = isHalf(dst) ? classes.alu : classes.alu64;
	return {opcode: kind | operation | opcode, dst: registerNumber(dst), src, offset, imm};
}

type Arithmetic = (dst: Register, right: Operand) => Instruction;

const arithmeticWith =
	(operation: number, offset?: number): Arithmetic =>
	(dst, right) =>
		arithmetic(operation, dst, right, offset);

/** `mov('r0', 2)` is `r0 = 2`; `mov('w1', 'w2')` is `w1 = w2`. */
export const mov = arithmeticWith(aluOperations.mov);
export const add = arithmeticWith(aluOperations.add);
export const sub = arithmeticWith(aluOperations.sub);
export const mul = arithmeticWith(aluOperations.mul);
export const div = arithmeticWith(aluOperations.div);
export const mod = arithmeticWith(aluOperations.mod);
/** Signed division; *Kernel:* 6.6. */
export const sdiv = arithmeticWith(aluOperations.div, 1);
/** Remainder of the signed division; *Kernel:* 6.6. */
export const smod = arithmeticWith(aluOperations.mod, 1);
export const or = arithmeticWith(aluOperations.or);
export const and = arithmeticWith(aluOperations.and);
export const xor = arithmeticWith(aluOperations.xor);
export const lsh = arithmeticWith(aluOperations.lsh);
export const rsh = arithmeticWith(aluOperations.rsh);
/** Shift right that keeps the sign. */
export const arsh = arithmeticWith(aluOperations.arsh);

/** `dst = -dst`. */
export function neg(dst: Register): Instruction {
	return arithmetic(aluOperations.neg, dst, 0);
}

/** Move with sign extension from `bits`; *Kernel:* 6.6. */
export function movSigned(dst: Register, src: Register, bits: 8 | 16 | 32): Instruction {
	return arithmetic(aluOperations.mov, dst, src, bits);
}

/** Convert between host and wire order (`be`, `le`), or swap always (`bswap`; *Kernel:* 6.6). */
export function swap(
	order: 'be' | 'le' | 'bswap',
	dst: WholeRegister,
	bits: 16 | 32 | 64,
): Instruction {
	const kind = order === 'bswap' ? classes.alu64 : classes.alu;
	const opcode = kind | aluOperations.end | (order === 'be' ? sourceRegister : 0);
	return {...blank, opcode, dst: registerNumber(dst), imm: bits};
}

/** `load('r1', 'u32', 'r6', 4)` is `r1 = *(u32 *)(r6 +4)`. */
export function load(
	dst: WholeRegister,
	size: Size,
	base: WholeRegister,
	offset: number,
): Instruction {
	const opcode = classes.ldx | modes.mem | sizes[size];
	return {...blank, opcode, dst: registerNumber(dst), src: registerNumber(base), offset};
}

/** A load that extends the sign; *Kernel:* 6.6. */
export function loadSigned(
	dst: WholeRegister,
	size: 's8' | 's16' | 's32',
	base: WholeRegister,
	offset: number,
): Instruction {
	const opcode = classes.ldx | modes.memsx | sizes[`u${size.slice(1)}` as Size];
	return {...blank, opcode, dst: registerNumber(dst), src: registerNumber(base), offset};
}

/** `store('u64', 'r10', -8, 'r1')` is `*(u64 *)(r10 -8) = r1`. */
export function store(
	size: Size,
	base: WholeRegister,
	offset: number,
	value: WholeRegister | number,
): Instruction {
	const {opcode: fromRegister, src, imm} = operand('r0', value);
	const kind = fromRegister === 0 ? classes.st : classes.stx;
	return {opcode: kind | modes.mem | sizes[size], dst: registerNumber(base), src, offset, imm};
}

/** An atomic operation on memory; `load_acquire` is written with the register it loads last. */
export function atomic(
	operation: AtomicOperation,
	size: Size,
	base: WholeRegister,
	offset: number,
	register: WholeRegister,
): Instruction {
	const opcode = classes.stx | modes.atomic | sizes[size];
	const imm = atomicOperations[operation];
	const [dst, src] = [registerNumber(base), registerNumber(register)];
	return operation === 'load_acquire'
		? {opcode, dst: src, src: dst, offset, imm}
		: {opcode, dst, src, offset, imm};
}

/** The old packet load of tc and socket programs: `r0` from `offset` of the skb, host order. */
export function loadPacket(size: 'u8' | 'u16' | 'u32', offset: number): Instruction {
	return {...blank, opcode: classes.ld | modes.abs | sizes[size], imm: immediate(offset)};
}

function toward(instruction: Instruction, target: Target, field: 'offset' | 'imm'): Instruction {
	if (typeof target === 'number') return {...instruction, [field]: target};
	return {...instruction, label: target} as Unresolved;
}

/** `goto`. */
export function jump(target: Target): Instruction {
	return toward({...blank, opcode: classes.jmp | jumpOperations.ja}, target, 'offset');
}

/** `gotol`, which reaches 2^31 slots; *Kernel:* 6.6. */
export function jumpFar(target: Target): Instruction {
	return toward({...blank, opcode: classes.jmp32 | jumpOperations.ja}, target, 'imm');
}

/** Goes on, or to `target` once the kernel has had enough of the loop; *Kernel:* 6.9. */
export function mayGoto(target: Target): Instruction {
	return toward({...blank, opcode: classes.jmp | jumpOperations.jcond}, target, 'offset');
}

/** `jumpIf('r1', '==', 0, 'out')` is `if r1 == 0 goto out`. */
export function jumpIf(
	left: Register,
	comparison: Comparison,
	right: Operand,
	target: Target,
): Instruction {
	const {opcode, src, imm} = operand(left, right);
	const kind = isHalf(left) ? classes.jmp32 : classes.jmp;
	const dst = registerNumber(left);
	const instruction = {...blank, opcode: kind | comparisons[comparison] | opcode, dst, src, imm};
	return toward(instruction, target, 'offset');
}

const callOpcode = classes.jmp | jumpOperations.call;

/** Call a helper function by name or number. */
export function call(helper: Helper | number): Instruction {
	const imm = typeof helper === 'number' ? helper : helperNumber(helper);
	return {...blank, opcode: callOpcode, src: pseudoCalls.helper, imm};
}

/** Call another function of the same program. */
export function callSubprogram(target: Target): Instruction {
	return toward({...blank, opcode: callOpcode, src: pseudoCalls.subprogram}, target, 'imm');
}

/** Call a kernel function by its id in the kernel's BTF; *Kernel:* 5.13. */
export function callKfunc(typeId: number): Instruction {
	return {...blank, opcode: callOpcode, src: pseudoCalls.kfunc, imm: typeId};
}

export function exit(): Instruction {
	return {...blank, opcode: classes.jmp | jumpOperations.exit};
}

function wide(dst: WholeRegister, src: number, imm: number, high: number): Instruction {
	return {opcode: wideLoad, dst: registerNumber(dst), src, offset: 0, imm, high};
}

/** Any 64-bit number, signed or not. */
export function loadNumber(dst: WholeRegister, value: bigint): Instruction {
	const low = Number(BigInt.asIntN(32, value));
	return wide(dst, pseudoLoads.number, low, Number(BigInt.asIntN(32, value >> 32n)));
}

/** A pointer to a map. */
export function loadMapFd(dst: WholeRegister, fd: number): Instruction {
	return wide(dst, pseudoLoads.map_fd, fd, 0);
}

/** A pointer to a byte of an array map's element 0; *Kernel:* 5.2. */
export function loadMapValue(dst: WholeRegister, fd: number, offset: number): Instruction {
	return wide(dst, pseudoLoads.map_value, fd, immediate(offset));
}

/** A pointer to a function of the same program, for helpers that call back; *Kernel:* 5.13. */
export function loadFunction(dst: WholeRegister, target: Target): Instruction {
	return toward(wide(dst, pseudoLoads.func, 0, 0), target, 'imm');
}
