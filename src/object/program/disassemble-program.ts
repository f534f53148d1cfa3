/** Programs of the kernel as text, with the names that the kernel itself knows. */

import {hostLittleEndian, viewOf} from '../../base/bytes.js';
import {decodeInstructions} from '../../format/asm/codec.js';
import {
	disassemble,
	type DisassembleOptions,
	type DisassemblyLine,
} from '../../format/asm/disassemble.js';
import {type Instruction, isCall, slotCount, wideLoad} from '../../format/asm/instruction.js';
import {KernelSymbolError, KernelSymbols} from '../../kernel/host/kernel-symbols.js';
import {symbolNames} from '../../kernel/host/symbol-names.js';
import {addon} from '../../kernel/sys/addon.js';
import {mapInfo, programArray} from '../../kernel/sys/info.js';
import {objectFdById} from '../../kernel/sys/object.js';
import {SyscallError} from '../../kernel/sys/syscall-error.js';
import {pseudoCalls, pseudoLoads} from '../../uapi/pseudo.js';
import type {Program} from './program.js';

/** A compiled function of a program. */
export interface JitedFunction {
	readonly name: string;
	/** Where it lies in the kernel; 0 where the kernel hides it. */
	readonly address: bigint;
	readonly code: Uint8Array;
	/** Source lines by the bytes from the function's start, ascending. */
	readonly lines: readonly {readonly offset: number; readonly text: string}[];
}

/**
 * The instructions as the verifier left them: maps, helpers and functions by their names, source
 * lines in between. Empty where the kernel hides them. *Throws:* `ERR_SYSCALL`, `ERR_ASM`.
 */
export function disassembleProgram(program: Program): DisassemblyLine[] {
	const bytes = program.translated();
	const positions = program.positions();
	const instructions: {readonly slot: number; readonly instruction: Instruction}[] = [];
	let slot = 0;
	for (const instruction of decodeInstructions(bytes, hostLittleEndian)) {
		instructions.push({slot, instruction});
		slot += slotCount(instruction);
	}

	const maps = mapNames(program.mapIds());
	const references: NonNullable<DisassembleOptions['references']>[number][] = [];
	for (const {slot: at, instruction} of instructions) {
		const {opcode, src, imm, high = 0} = instruction;
		if (opcode !== wideLoad) continue;
		const map = maps.get(imm) ?? `id:${imm}`;
		if (src === pseudoLoads.map_fd) references.push({slot: at, kind: 'map', map, offset: 0});
		if (src === pseudoLoads.map_value) {
			references.push({slot: at, kind: 'map-value', map, offset: high});
		}
	}

	const jumps = withDistances(bytes, instructions, program.info().jitedSize > 0);
	return disassemble(jumps, {...positions, references, calls: kernelCalls(instructions)});
}

/** In compiled programs a call of a function holds its index, and the distance elsewhere. */
function withDistances(
	bytes: Uint8Array,
	instructions: readonly {readonly slot: number; readonly instruction: Instruction}[],
	isCompiled: boolean,
): Uint8Array {
	if (!isCompiled) return bytes;
	const copy = bytes.slice();
	const view = viewOf(copy);
	for (const {slot, instruction} of instructions) {
		if (!isCall(instruction) || instruction.src !== pseudoCalls.subprogram) continue;
		view.setInt32(slot * 8 + 4, instruction.offset, hostLittleEndian);
	}

	return copy;
}

/** Calls into the kernel hold the distance from one symbol of it. */
function kernelCalls(
	instructions: readonly {readonly slot: number; readonly instruction: Instruction}[],
): {slot: number; name: string}[] {
	const calls = instructions.filter(({instruction}) => {
		return isCall(instruction) && instruction.src !== pseudoCalls.subprogram;
	});
	if (calls.length === 0) return [];
	const base = callBase();
	if (base === undefined) return [];
	const addressOf = (imm: number): bigint => BigInt.asUintN(64, base + BigInt(imm));
	const names = symbolNames(calls.map(({instruction}) => addressOf(instruction.imm)));
	return calls.flatMap(({slot, instruction}) => {
		const name = names.get(addressOf(instruction.imm));
		return name === undefined ? [] : [{slot, name}];
	});
}

/** Undefined where the kernel does not tell. */
function callBase(): bigint | undefined {
	try {
		return new KernelSymbols().address('__bpf_call_base');
	} catch (error) {
		if (error instanceof KernelSymbolError) return undefined;
		throw error;
	}
}

function mapNames(ids: readonly number[]): Map<number, string> {
	const names = new Map<number, string>();
	for (const id of ids) {
		let fd;
		try {
			fd = objectFdById('map', id);
			const {name} = mapInfo(fd);
			if (name !== '') names.set(id, name);
		} catch (error) {
			// It may be gone, or not to be opened: its number has to do.
			if (!(error instanceof SyscallError)) throw error;
		} finally {
			if (fd !== undefined) addon.closeFd(fd);
		}
	}

	return names;
}

/**
 * The machine code of each function; empty where the kernel hides it or did not compile the
 * program. *Throws:* `ERR_SYSCALL`, `ERR_BTF_OPEN`.
 */
export function jitedFunctions(program: Program): JitedFunction[] {
	const code = program.jited();
	const {functions, lines} = program.positions();
	const u64 = (array: 'symbols' | 'jitedLines'): bigint[] => {
		const view = viewOf(programArray(program.fd, array));
		return Array.from({length: view.byteLength / 8}, (_, i) =>
			view.getBigUint64(i * 8, hostLittleEndian),
		);
	};
	const lengths = viewOf(programArray(program.fd, 'lengths'));
	const symbols = u64('symbols');
	const places = u64('jitedLines');
	const count = Math.max(1, lengths.byteLength / 4);
	let at = 0;
	return Array.from({length: code.length === 0 ? 0 : count}, (_, index) => {
		const size =
			lengths.byteLength > 0 ? lengths.getUint32(index * 4, hostLittleEndian) : code.length;
		const own = code.subarray(at, at + size);
		at += size;
		const address = symbols[index] ?? 0n;
		const texts = lines.flatMap(({text}, i) => {
			if (text === '') return [];
			const offset = Number((places[i] ?? -1n) - address);
			return offset >= 0 && offset < size && address !== 0n ? [{offset, text}] : [];
		});
		const name = functions[index]?.name ?? program.name;
		return {name, address, code: own, lines: texts.sort((a, b) => a.offset - b.offset)};
	});
}
