/** `skep prog dump`. */

import type {Command} from 'commander';

import {UsageError} from '../../base/errors.js';
import {example} from '../output/example.js';
import {outputOptions, printList, write, writeLines} from '../output/print.js';
import {openProgram} from './open.js';

export function addDump(prog: Command): void {
	prog.command('dump')
		.description('the instructions that the verifier left')
		.argument('<prog>', 'id, or path of a pin')
		.option('--raw', 'as bytes in hexadecimal')
		.addHelpText('after', example('skep prog dump 42'))
		.action(dump);
}

async function dump(text: string, options: {raw?: boolean}, command: Command): Promise<void> {
	const {disassembleProgram, hex} = await import('../../index.js');
	using program = await openProgram(text);
	const bytes = program.translated();
	if (bytes.length === 0) {
		throw new UsageError(`dump program "${program.name}": the kernel hides its instructions`);
	}

	if (options.raw === true) {
		write(`${hex(bytes, '')}\n`);
		return;
	}

	const lines = disassembleProgram(program);
	if (outputOptions(command).output === 'table') {
		writeLines(
			lines.map(({kind, text: line}) => (kind === 'instruction' ? `  ${line}` : line)),
		);
	} else {
		await printList(lines, () => ({}), outputOptions(command));
	}
}
