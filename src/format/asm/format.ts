import {helperName} from '../../uapi/helpers.js';
import {pseudoCalls, pseudoLoads} from '../../uapi/pseudo.js';
import {classOf, type Instruction, jumpDistance, wideImmediate} from './instruction.js';
import {
	aluOperations,
	atomicOperations,
	classes,
	comparisons,
	fetch,
	jumpOperations,
	modes,
	sizes,
	sourceRegister,
} from './opcodes.js';

const sizeNames = new Map<number, string>(
	Object.entries(sizes).map(([name, bits]) => [bits, name]),
);
const comparisonNames = new Map<number, string>(
	Object.entries(comparisons).map(([name, bits]) => [bits, name]),
);
const arithmetic = new Map<number, string>([
	[aluOperations.add, '+='],
	[aluOperations.sub, '-='],
	[aluOperations.mul, '*='],
	[aluOperations.div, '/='],
	[aluOperations.or, '|='],
	[aluOperations.and, '&='],
	[aluOperations.lsh, '<<='],
	[aluOperations.rsh, '>>='],
	[aluOperations.mod, '%='],
	[aluOperations.xor, '^='],
	[aluOperations.mov, '='],
	[aluOperations.arsh, 's>>='],
]);

/**
 * One instruction in the words of the kernel's verifier log: `(b7) r0 = 2`.
 *
 * Where the kernel prints an address that only it knows, the reference is printed: `map[fd:5]`,
 * `map[fd:5][0]+8`, `func[pc+4]`. An opcode without meaning reads `(ff) unknown`.
 */
export function formatInstruction(instruction: Instruction): string {
	const opcode = `(${instruction.opcode.toString(16).padStart(2, '0')})`;
	return `${opcode} ${text(instruction) ?? 'unknown'}`;
}

function text(instruction: Instruction): string | undefined {
	switch (classOf(instruction)) {
		case classes.alu:
		case classes.alu64:
			return formatArithmetic(instruction);
		case classes.jmp:
		case classes.jmp32:
			return formatJump(instruction);
		case classes.ld:
			return formatLegacyLoad(instruction);
		case classes.ldx:
			return formatLoad(instruction);
		default:
			return formatStore(instruction);
	}
}

/** `+8`, `-8`, `+0`. */
export function signed(value: number): string {
	return value < 0 ? `${value}` : `+${value}`;
}

function memory(type: string, register: number, offset: number): string {
	return `(${type} *)(r${register} ${signed(offset)})`;
}

function sizeName({opcode}: Instruction): string {
	return sizeNames.get(opcode & 0x18) ?? '';
}

function formatArithmetic(instruction: Instruction): string | undefined {
	const {opcode, dst, src, offset, imm} = instruction;
	const operation = opcode & 0xf0;
	const wide = classOf(instruction) === classes.alu64;
	const fromRegister = (opcode & sourceRegister) !== 0;
	const letter = wide ? 'r' : 'w';
	const target = `${letter}${dst}`;
	if (operation === aluOperations.neg) return `${target} = -${target}`;
	if (operation === aluOperations.end) {
		const order = wide ? 'bswap' : fromRegister ? 'be' : 'le';
		return `r${dst} = ${order}${imm} r${dst}`;
	}

	const operator = arithmetic.get(operation);
	if (operator === undefined) return undefined;
	// In a division the offset asks for the signed one, in a move for a sign extension.
	const divides = operation === aluOperations.div || operation === aluOperations.mod;
	const sign = divides && offset === 1 ? 's' : '';
	if (!fromRegister) return `${target} ${sign}${operator} ${imm}`;
	if (operation === aluOperations.mov && offset !== 0) {
		if (wide && offset === 1) {
			return `r${dst} = addr_space_cast(r${src}, ${imm >>> 16}, ${imm & 0xffff})`;
		}

		if (wide && offset === -1) return `r${dst} = &(void __percpu *)(r${src})`;
		return `${target} = (s${offset})${letter}${src}`;
	}

	return `${target} ${sign}${operator} ${letter}${src}`;
}

function formatJump(instruction: Instruction): string | undefined {
	const {opcode, dst, src, imm} = instruction;
	const operation = opcode & 0xf0;
	const narrow = classOf(instruction) === classes.jmp32;
	const target = `pc${signed(jumpDistance(instruction))}`;
	if (operation === jumpOperations.ja) return narrow ? `gotol ${target}` : `goto ${target}`;
	if (operation === jumpOperations.jcond && !narrow) return `may_goto ${target}`;
	if (operation === jumpOperations.exit && !narrow) return 'exit';
	if (operation === jumpOperations.call && !narrow) return formatCall(instruction);
	const operator = comparisonNames.get(operation);
	if (operator === undefined) return undefined;
	const letter = narrow ? 'w' : 'r';
	const right =
		(opcode & sourceRegister) === 0 ? `0x${(imm >>> 0).toString(16)}` : `${letter}${src}`;
	return `if ${letter}${dst} ${operator} ${right} goto ${target}`;
}

function formatCall({opcode, dst, src, imm}: Instruction): string {
	// A helper can also be called by its address in a register, in the newest instruction sets.
	if ((opcode & sourceRegister) !== 0) return `callx r${dst}`;
	if (src === pseudoCalls.subprogram) return `call pc${signed(imm)}`;
	if (src === pseudoCalls.kfunc) return `call kernel-function#${imm}`;
	const name = helperName(imm);
	return name.startsWith('unknown') ? `call unknown#${imm}` : `call bpf_${name}#${imm}`;
}

function formatLegacyLoad(instruction: Instruction): string | undefined {
	const {opcode, dst, src, imm} = instruction;
	switch (opcode & 0xe0) {
		case modes.abs:
			return `r0 = *(${sizeName(instruction)} *)skb[${imm}]`;
		case modes.ind:
			return `r0 = *(${sizeName(instruction)} *)skb[r${src} + ${imm}]`;
		case modes.imm:
			if ((opcode & 0x18) !== sizes.u64) return undefined;
			return `r${dst} = ${formatWideImmediate(instruction)}`;
		default:
			return undefined;
	}
}

function formatWideImmediate(instruction: Instruction): string {
	const {src, imm, high = 0} = instruction;
	switch (src) {
		case pseudoLoads.map_fd:
			return `map[fd:${imm}]`;
		case pseudoLoads.map_idx:
			return `map[idx:${imm}]`;
		case pseudoLoads.map_value:
			return `map[fd:${imm}][0]${signed(high)}`;
		case pseudoLoads.map_idx_value:
			return `map[idx:${imm}][0]${signed(high)}`;
		case pseudoLoads.btf_id:
			return `btf[id:${imm}]`;
		case pseudoLoads.func:
			return `func[pc${signed(imm)}]`;
		default:
			return `0x${wideImmediate(instruction).toString(16)}`;
	}
}

function formatLoad(instruction: Instruction): string | undefined {
	const {opcode, dst, src, offset} = instruction;
	const mode = opcode & 0xe0;
	if (mode !== modes.mem && mode !== modes.memsx) return undefined;
	const size = sizeName(instruction);
	const type = mode === modes.memsx ? size.replace('u', 's') : size;
	return `r${dst} = *${memory(type, src, offset)}`;
}

function formatStore(instruction: Instruction): string | undefined {
	const {opcode, dst, src, offset, imm} = instruction;
	const place = memory(sizeName(instruction), dst, offset);
	const mode = opcode & 0xe0;
	const fromRegister = classOf(instruction) === classes.stx;
	if (mode === modes.mem) return `*${place} = ${fromRegister ? `r${src}` : imm}`;
	if (mode === modes.atomic && fromRegister) return formatAtomic(instruction, place);
	return undefined;
}

function formatAtomic(instruction: Instruction, place: string): string | undefined {
	const {opcode, src, imm} = instruction;
	const size = opcode & 0x18;
	if (imm === atomicOperations.load_acquire) {
		const from = memory(sizeName(instruction), src, instruction.offset);
		return `r${instruction.dst} = load_acquire(${from})`;
	}

	if (imm === atomicOperations.store_release) return `store_release(${place}, r${src})`;
	if (size !== sizes.u32 && size !== sizes.u64) return undefined;
	const width = size === sizes.u64 ? '64' : '';
	if (imm === atomicOperations.xchg) return `r${src} = atomic${width}_xchg(${place}, r${src})`;
	if (imm === atomicOperations.cmpxchg) {
		return `r0 = atomic${width}_cmpxchg(${place}, r0, r${src})`;
	}

	const names = ['add', 'or', 'and', 'xor'] as const;
	const name = names.find(each => atomicOperations[each] === (imm & ~fetch));
	if (name === undefined) return undefined;
	if ((imm & fetch) === 0) {
		return `lock *${place} ${arithmetic.get(aluOperations[name]) ?? ''} r${src}`;
	}

	return `r${src} = atomic${width}_fetch_${name}(${place}, r${src})`;
}
