/** `skep prog run`. */

import {readFileSync, writeFileSync} from 'node:fs';

import type {Command} from 'commander';

import type {Program} from '../../index.js';
import {UsageError} from '../../base/errors.js';
import {jsonOf} from '../../base/json.js';
import {hexBytes, jsonValue, wholeNumber} from '../arguments.js';
import {hexdump} from '../output/hexdump.js';
import {example} from '../output/example.js';
import {outputOptions, printOne, write, writeLines} from '../output/print.js';
import {openProgram} from './open.js';

export function addRun(prog: Command): void {
	prog.command('run')
		.description('run a program on a packet, without attaching it')
		.argument('<prog>', 'id, path of a pin, or FILE.o:NAME')
		.option('--data <hex>', 'the packet; 64 zero bytes unless given', hexBytes)
		.option('--data-file <file>', 'the packet from a file')
		.option('--context <hex|json>', "the context's bytes, or its fields as JSON", contextValue)
		.option('--repeat <n>', 'how often', wholeNumber('repeat', 1), 1)
		.option('--cpu <n>', 'the CPU to run on (raw tracepoints)', wholeNumber('cpu'))
		.option('--live', 'let the packets of an XDP program loose')
		.option('--batch <n>', 'live packets at a time', wholeNumber('batch', 1))
		.option('--data-out <file>', 'write the packet that comes out to a file')
		.addHelpText('after', example('skep prog run lb.bpf.o:entry --repeat 1000000'))
		.action(run);
}

interface RunOptions {
	readonly data?: Uint8Array;
	readonly dataFile?: string;
	readonly context?: Uint8Array | Readonly<Record<string, unknown>>;
	readonly repeat: number;
	readonly cpu?: number;
	readonly live?: boolean;
	readonly batch?: number;
	readonly dataOut?: string;
}

/** `{"ingress_ifindex": 3}`, or pairs of hexadecimal digits. */
function contextValue(text: string): Uint8Array | Readonly<Record<string, unknown>> {
	return text.trimStart().startsWith('{')
		? (jsonValue(text) as Readonly<Record<string, unknown>>)
		: hexBytes(text);
}

async function run(text: string, options: RunOptions, command: Command): Promise<void> {
	const {loadCollection, readObject} = await import('../../index.js');
	const fromFile = /^(.+\.o):(\w+)$/.exec(text);
	if (fromFile === null) {
		using program = await openProgram(text);
		await runOne(program, options, command);
		return;
	}

	const [, file = '', name = ''] = fromFile;
	const spec = await readObject(file);
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
	const {repeat, context, cpu, live, batch, dataOut} = options;
	const data = options.dataFile === undefined ? options.data : readPacket(options.dataFile);
	const result = await program.runAsync({
		repeat,
		...(cpu === undefined ? {} : {cpu}),
		...(live === undefined ? {} : {live}),
		...(batch === undefined ? {} : {batchSize: batch}),
		...(data === undefined ? {} : {data}),
		...(context === undefined ? {} : {context}),
	});
	if (dataOut !== undefined) writePacket(dataOut, result.data);
	const format = outputOptions(command);
	if (format.output !== 'table') {
		await printOne(result, format);
		return;
	}

	const verdict = result.verdict === undefined ? '' : `${result.verdict} `;
	write(`${verdict}(${result.returnValue}), ${result.duration} ns a run\n`);
	writeLines(hexdump(result.data));
	const {contextFields} = result;
	if (typeof contextFields !== 'object' || contextFields === null) return;
	const set = Object.entries(contextFields).filter(([, value]) => isSet(value));
	writeLines(set.map(([name, value]) => `${name}: ${jsonOf(value)}`));
}

/** Contexts have many fields that nobody has set. */
function isSet(value: unknown): boolean {
	return Array.isArray(value) ? value.some(isSet) : value !== 0 && value !== 0n;
}

function writePacket(path: string, data: Uint8Array): void {
	try {
		writeFileSync(path, data);
	} catch (cause) {
		throw new UsageError(`write packet "${path}": ${(cause as Error).message}`, {cause});
	}
}

function readPacket(path: string): Uint8Array {
	try {
		return readFileSync(path);
	} catch (cause) {
		throw new UsageError(`read packet "${path}": ${(cause as Error).message}`, {cause});
	}
}
