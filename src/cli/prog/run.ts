/** `skep prog run`. */

import {readFileSync} from 'node:fs';

import type {Command} from 'commander';

import type {Program} from '../../index.js';
import {UsageError} from '../../base/errors.js';
import {hexBytes, wholeNumber} from '../arguments.js';
import {hexdump} from '../output/hexdump.js';
import {example} from '../output/example.js';
import {outputOptions, printOne, write, writeLines} from '../output/print.js';
import {openProgram} from './open.js';

export function addRun(prog: Command): void {
	prog.command('run')
		.description('run a program on a packet, without attaching it')
		.argument('<prog>', 'id, path of a pin, or FILE.o:NAME; FILE.o where it has one program')
		.option('--data <hex>', 'the packet; 64 zero bytes unless given', hexBytes)
		.option('--data-file <file>', 'the packet from a file')
		.option('--context <hex>', "the context's bytes", hexBytes)
		.option('--repeat <n>', 'how often', wholeNumber('repeat', 1, 0xffff_ffff), 1)
		.addHelpText('after', example('skep prog run lb.bpf.o:entry --repeat 1000000'))
		.action(run);
}

interface RunOptions {
	readonly data?: Uint8Array;
	readonly dataFile?: string;
	readonly context?: Uint8Array;
	readonly repeat: number;
}

async function run(text: string, options: RunOptions, command: Command): Promise<void> {
	const {loadCollection, readObject} = await import('../../index.js');
	const fromFile = /^(.+\.o)(?::(\w+))?$/.exec(text);
	if (fromFile === null) {
		using program = await openProgram(text);
		await runOne(program, options, command);
		return;
	}

	const [, file = '', named] = fromFile;
	const spec = await readObject(file);
	const [name = '', ...more] = named === undefined ? Object.keys(spec.programs) : [named];
	if (name === '' || more.length > 0) {
		const known = [name, ...more].join(', ') || 'none';
		throw new UsageError(`run program of "${file}": name one by ${file}:NAME; it has ${known}`);
	}

	// Nothing of a trial run stays behind.
	const maps = Object.entries(spec.maps).map(
		([key, map]) => [key, {...map, pinning: 'none'}] as const,
	);
	using collection = loadCollection(
		{...spec, maps: Object.fromEntries(maps)},
		{programs: [name]},
	);
	await runOne(collection.program(name), options, command);
}

async function runOne(program: Program, options: RunOptions, command: Command): Promise<void> {
	const {repeat, context} = options;
	const data = options.dataFile === undefined ? options.data : readPacket(options.dataFile);
	const result = program.run({
		repeat,
		...(data === undefined ? {} : {data}),
		...(context === undefined ? {} : {context}),
	});
	const format = outputOptions(command);
	if (format.output !== 'table') {
		await printOne(result, format);
		return;
	}

	const verdict = result.verdict === undefined ? '' : `${result.verdict} `;
	write(`${verdict}(${result.returnValue}), ${result.duration} ns a run\n`);
	writeLines(hexdump(result.data));
}

function readPacket(path: string): Uint8Array {
	try {
		return readFileSync(path);
	} catch (cause) {
		throw new UsageError(`read packet "${path}": ${(cause as Error).message}`, {cause});
	}
}
