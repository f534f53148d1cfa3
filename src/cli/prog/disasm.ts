/** `skep prog disasm`. */

import type {Command} from 'commander';

import type {DisassemblyLine, JitedFunction, MachineInstruction, Program} from '../../index.js';
import {UsageError} from '../../base/errors.js';
import {example} from '../output/example.js';
import {hexdump} from '../output/hexdump.js';
import {outputOptions, printList, writeLines} from '../output/print.js';
import {openProgram} from './open.js';

export function addDisasm(prog: Command): void {
	prog.command('disasm')
		.description(
			"a program's instructions with source lines: in its object, verified, or compiled",
		)
		.argument(
			'<prog>',
			'FILE.o or FILE.o:NAME; or the id of a loaded program, or path of a pin',
		)
		.option('--jited', 'the machine code of a loaded program (by llvm-objdump)')
		.option('--no-source', 'without source lines')
		.addHelpText('after', example('skep prog disasm /sys/fs/bpf/lb/entry --jited'))
		.action(disasm);
}

interface DisasmOptions {
	readonly jited?: boolean;
	readonly source: boolean;
}

/** A line of any of the three. */
interface Line {
	readonly kind: DisassemblyLine['kind'];
	readonly text: string;
	/** Of the instruction; in machine code, bytes from the function's start. */
	readonly slot?: number;
	readonly offset?: number;
	readonly program?: string;
}

async function disasm(text: string, options: DisasmOptions, command: Command): Promise<void> {
	const lines = await linesOf(text, options);
	const shown = options.source ? lines : lines.filter(({kind}) => kind !== 'source');
	const output = outputOptions(command);
	if (output.output === 'table') writeLines(shown.map(line => indented(line)));
	else await printList(shown, () => ({}), output);
}

function indented({kind, text}: Line): string {
	return kind === 'instruction' ? `  ${text}` : text;
}

async function linesOf(text: string, {jited = false}: DisasmOptions): Promise<Line[]> {
	const {disassembleProgram} = await import('../../index.js');
	const [, file, name] = /^(.+\.o)(?::(\w+))?$/.exec(text) ?? [];
	if (file !== undefined) {
		if (jited) throw new UsageError(`disassemble "${text}": only a loaded program is compiled`);
		return linesOfObject(file, name);
	}

	using program = await openProgram(text);
	if (jited) return await linesOfMachine(program);
	const lines = disassembleProgram(program);
	if (lines.length > 0) return lines;
	throw new UsageError(
		`disassemble program "${program.name}": the kernel hides its instructions`,
	);
}

async function linesOfObject(file: string, name: string | undefined): Promise<Line[]> {
	const {disassembleSpec, readObject} = await import('../../index.js');
	const {programs} = await readObject(file);
	const names = name === undefined ? Object.keys(programs) : [name];
	return names.flatMap(each => {
		const program = programs[each];
		if (program === undefined) {
			const known = Object.keys(programs).join(', ') || 'none';
			throw new UsageError(`disassemble "${file}": no program "${each}"; it has ${known}`);
		}

		return disassembleSpec(program).map(line => ({program: each, ...line}));
	});
}

async function linesOfMachine(program: Program): Promise<Line[]> {
	const {DisassemblerError, disassembleMachine, jitedFunctions, symbolNames} =
		await import('../../index.js');
	const functions = jitedFunctions(program);
	if (functions.length === 0) {
		throw new UsageError(
			`disassemble program "${program.name}": the kernel hides its machine code, or has not compiled it`,
		);
	}

	let texts: MachineInstruction[][] | undefined;
	try {
		texts = named(await disassembleMachine(functions), symbolNames);
	} catch (error) {
		if (!(error instanceof DisassemblerError)) throw error;
		process.stderr.write(`skep: ${error.message}; bytes are shown\n`);
	}

	return functions.flatMap((each, index) => machineLines(each, texts?.[index]));
}

function machineLines(
	{name, code, lines}: JitedFunction,
	instructions: readonly {readonly offset: number; readonly text: string}[] | undefined,
): Line[] {
	const head: Line = {kind: 'function', offset: 0, text: `${name}:`};
	if (instructions === undefined) {
		const dump = [...hexdump(code)].map((text, index): Line => {
			return {kind: 'instruction', offset: index * 16, text};
		});
		return [head, ...dump];
	}

	const sources = [...lines];
	return [
		head,
		...instructions.flatMap(({offset, text}) => {
			const before: Line[] = [];
			while (sources[0] !== undefined && sources[0].offset <= offset) {
				before.push({kind: 'source', offset, text: `; ${sources.shift()?.text ?? ''}`});
			}

			const digits = offset.toString(16).padStart(4);
			return [...before, {kind: 'instruction' as const, offset, text: `${digits}: ${text}`}];
		}),
	];
}

/** Says behind addresses of the kernel what they are of. */
function named(
	functions: readonly MachineInstruction[][],
	namesOf: (addresses: Iterable<bigint>) => ReadonlyMap<bigint, string>,
): MachineInstruction[][] {
	const pattern = /0x[0-9a-f]{16}\b/g;
	const addresses = functions.flat().flatMap(({text}) => text.match(pattern) ?? []);
	const names = namesOf(addresses.map(BigInt));
	return functions.map(instructions =>
		instructions.map(({offset, text}) => {
			const shown = text.replaceAll(pattern, address => {
				const name = names.get(BigInt(address));
				return name === undefined ? address : `${address} <${name}>`;
			});
			return {offset, text: shown};
		}),
	);
}
