/** Machine code as text, by the system's llvm-objdump. */

import {mkdtemp, rm, writeFile} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';

import {hostLittleEndian} from '../base/bytes.js';
import {EbpfError} from '../base/errors.js';
import {runProgram} from './run.js';

/** There is no disassembler for this machine's code, or it does not understand the code. */
export class DisassemblerError extends EbpfError {
	static {
		this.prototype.name = 'DisassemblerError';
	}

	readonly code = 'ERR_DISASSEMBLER';

	constructor(detail: string, cause?: unknown) {
		super(`disassemble machine code: ${detail}`, cause === undefined ? {} : {cause});
	}
}

/** Code and where it lies. */
export interface MachineCode {
	readonly address: bigint;
	readonly code: Uint8Array;
}

/** One instruction of the processor. */
export interface MachineInstruction {
	/** Bytes from the start of its code. */
	readonly offset: number;
	readonly text: string;
}

/** Which processor machine code is for. */
export interface MachineCodeOptions {
	/** Which llvm-objdump; llvm-objdump-19 … llvm-objdump-14, llvm-objdump unless given. */
	readonly objdump?: string;
	readonly signal?: AbortSignal;
}

/** Numbers that ELF has for machines. */
const machines: Partial<Record<NodeJS.Architecture, number>> = {
	arm64: 183,
	loong64: 258,
	ppc64: 21,
	riscv64: 243,
	s390x: 22,
	x64: 62,
};

/**
 * Instructions of each piece of this machine's code. Where they lead is an offset inside the
 * piece, or else an address.
 *
 * *Throws:* `ERR_DISASSEMBLER` when there is no llvm-objdump, or it cannot read the code.
 */
export async function disassembleMachine(
	pieces: readonly MachineCode[],
	options: MachineCodeOptions = {},
): Promise<MachineInstruction[][]> {
	const {objdump, signal} = options;
	const folder = await mkdtemp(join(tmpdir(), 'skep-code-'));
	try {
		const file = join(folder, 'code.o');
		await writeFile(file, elfOf(pieces));
		const args = ['-d', '--no-show-raw-insn', file];
		return parse(pieces, await run(objdump, args, signal));
	} finally {
		await rm(folder, {recursive: true, force: true});
	}
}

async function run(
	path: string | undefined,
	args: readonly string[],
	signal: AbortSignal | undefined,
): Promise<string> {
	const versions = Array.from({length: 6}, (_, index) => `llvm-objdump-${19 - index}`);
	const names = path === undefined ? [...versions, 'llvm-objdump'] : [path];
	let cause: unknown;
	for (const name of names) {
		let finished;
		try {
			finished = await runProgram(name, args, signal);
		} catch (error) {
			signal?.throwIfAborted();
			cause = error;
			continue;
		}

		if (finished.status === 0) return finished.stdout;
		const [line = ''] = finished.stderr.trim().split('\n');
		throw new DisassemblerError(`${name} failed: ${line}`);
	}

	const what =
		path === undefined
			? 'llvm-objdump is not installed: apt-get install llvm'
			: `no such program "${path}"`;
	throw new DisassemblerError(what, cause);
}

/** Lines are `ffffffffc0001234:       pushq   %rbp`, sections are told apart by their names. */
function parse(pieces: readonly MachineCode[], output: string): MachineInstruction[][] {
	const result: MachineInstruction[][] = pieces.map(() => []);
	let index = -1;
	for (const line of output.split('\n')) {
		const section = /^Disassembly of section code_(\d+):$/.exec(line);
		if (section !== null) index = Number(section[1]);
		const [, digits, instruction] = /^\s*([0-9a-f]+):\s+(\S.*)$/.exec(line) ?? [];
		const piece = pieces[index];
		if (piece === undefined || digits === undefined || instruction === undefined) continue;
		const offset = Number(BigInt(`0x${digits}`) - piece.address);
		// What it knows of symbols are the made-up sections.
		const plain = instruction
			.replace(/ <code_\d+[^>]*>/, '')
			.replaceAll(/\s+/g, ' ')
			.trim();
		const text = plain.replaceAll(/\b0x[0-9a-f]{9,16}\b/g, digits => {
			const inside = BigInt(digits) - piece.address;
			const isInside = inside >= 0n && inside < BigInt(piece.code.length);
			return isInside ? `0x${inside.toString(16)}` : digits;
		});
		result[index]?.push({offset, text});
	}

	return result;
}

const headerSize = 64;
const sectionSize = 64;
const executable = 6;

/** An executable with one section for each piece, at its address. */
function elfOf(pieces: readonly MachineCode[]): Uint8Array {
	const machine = machines[process.arch];
	if (machine === undefined) throw new DisassemblerError(`code of ${process.arch} is not known`);
	const names = ['', ...pieces.map((_, index) => `code_${index}`), '.shstrtab'];
	const strings = Buffer.from(`${names.join('\0')}\0`);
	const little = hostLittleEndian;
	const sizes = [...pieces.map(({code}) => code.length), strings.length];
	const codeSize = sizes.reduce((sum, size) => sum + size, 0);
	const tableAt = Math.ceil((headerSize + codeSize) / 8) * 8;
	const bytes = Buffer.alloc(tableAt + names.length * sectionSize);
	const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
	bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, little ? 1 : 2, 1]);
	const u16 = (at: number, value: number): void => view.setUint16(at, value, little);
	const u32 = (at: number, value: number): void => view.setUint32(at, value, little);
	const u64 = (at: number, value: bigint): void => view.setBigUint64(at, value, little);
	u16(16, 2);
	u16(18, machine);
	u32(20, 1);
	u64(40, BigInt(tableAt));
	u16(52, headerSize);
	u16(58, sectionSize);
	u16(60, names.length);
	u16(62, names.length - 1);
	let at = headerSize;
	let nameAt = 1;
	for (const [index, name] of names.entries()) {
		if (index === 0) continue;
		const piece = pieces[index - 1];
		const header = tableAt + index * sectionSize;
		const content = piece?.code ?? strings;
		u32(header, nameAt);
		u32(header + 4, piece === undefined ? 3 : 1);
		u64(header + 8, piece === undefined ? 0n : BigInt(executable));
		u64(header + 16, piece?.address ?? 0n);
		u64(header + 24, BigInt(at));
		u64(header + 32, BigInt(content.length));
		u64(header + 48, 1n);
		bytes.set(content, at);
		at += content.length;
		nameAt += name.length + 1;
	}

	return bytes;
}
