/** `skep prog`: programs in the kernel. */

import {readFileSync} from 'node:fs';

import type {Command} from 'commander';

import type {Program} from '../index.js';
import {UsageError} from '../base/errors.js';
import {hexBytes, reference, wholeNumber} from './arguments.js';
import {hexdump} from './output/hexdump.js';
import {outputOptions, printList, printOne, write, writeLines} from './output/print.js';

const example = (text: string): string => `\nExample:\n  ${text}`;

export function addProgVerbs(prog: Command): void {
	prog.command('list')
		.description('all programs of this host')
		.addHelpText('after', example('skep prog list -o json'))
		.action(list);

	prog.command('show')
		.description('one program, with its maps, pins and holders')
		.argument('<prog>', 'id, or path of a pin')
		.addHelpText('after', example('skep prog show /sys/fs/bpf/lb/entry'))
		.action(show);

	prog.command('dump')
		.description('the instructions that the verifier left')
		.argument('<prog>', 'id, or path of a pin')
		.option('--raw', 'as bytes in hexadecimal')
		.addHelpText('after', example('skep prog dump 42'))
		.action(dump);

	prog.command('run')
		.description('run a program on a packet, without attaching it')
		.argument('<prog>', 'id, path of a pin, or FILE.o:NAME')
		.option('--data <hex>', 'the packet; 64 zero bytes unless given', hexBytes)
		.option('--data-file <file>', 'the packet from a file')
		.option('--context <hex>', "the context's bytes", hexBytes)
		.option('--repeat <n>', 'how often', wholeNumber('repeat', 1), 1)
		.addHelpText('after', example('skep prog run lb.bpf.o:entry --repeat 1000000'))
		.action(run);
}

/** Opens what an argument names; the caller closes it. */
async function open(text: string): Promise<Program> {
	const {openPinnedProgram, openProgramById} = await import('../index.js');
	const target = reference(text);
	return 'id' in target ? openProgramById(target.id) : openPinnedProgram(target.path);
}

async function list(_: unknown, command: Command): Promise<void> {
	const {listPins, listPrograms} = await import('../index.js');
	const pins = new Map(
		[...listPins()].filter(pin => pin.kind === 'program').map(pin => [pin.id, pin.path]),
	);
	const programs = [...listPrograms()].map(each => ({...each, pin: pins.get(each.id)}));
	await printList(
		programs,
		each => ({
			id: each.id,
			type: each.type,
			name: each.name === '' ? '-' : each.name,
			tag: each.tag,
			insns: each.translatedSize / 8,
			maps: each.mapIds.length === 0 ? '-' : each.mapIds.join(' '),
			pin: each.pin ?? '-',
		}),
		outputOptions(command),
	);
}

async function show(text: string, _: unknown, command: Command): Promise<void> {
	const {findHolders, listPins} = await import('../index.js');
	using program = await open(text);
	const info = program.info();
	const holders = findHolders('prog').get(info.id) ?? [];
	const {id} = info;
	await printOne(
		{
			...info,
			name: program.name,
			loadTime: `${(Number(info.loadTime) / 1e9).toFixed(1)} s after boot`,
			mapIds: program.mapIds(),
			pins: [...listPins()]
				.filter(pin => pin.kind === 'program' && pin.id === id)
				.map(pin => pin.path),
			holders: holders
				.filter(({pid}) => pid !== process.pid)
				.map(({pid, command: name}) => `${name}(${pid})`),
		},
		outputOptions(command),
	);
}

async function dump(text: string, options: {raw?: boolean}, command: Command): Promise<void> {
	const {disassemble, hex} = await import('../index.js');
	using program = await open(text);
	const bytes = program.translated();
	if (bytes.length === 0) {
		throw new UsageError(`dump program "${program.name}": the kernel hides its instructions`);
	}

	if (options.raw === true) {
		write(`${hex(bytes, '')}\n`);
		return;
	}

	const lines = disassemble(bytes, program.positions());
	if (outputOptions(command).output === 'table') {
		writeLines(
			lines.map(({kind, text: line}) => (kind === 'instruction' ? `  ${line}` : line)),
		);
	} else {
		await printList(lines, () => ({}), outputOptions(command));
	}
}

interface RunOptions {
	readonly data?: Uint8Array;
	readonly dataFile?: string;
	readonly context?: Uint8Array;
	readonly repeat: number;
}

async function run(text: string, options: RunOptions, command: Command): Promise<void> {
	const {loadCollection, readObject} = await import('../index.js');
	const fromFile = /^(.+\.o):(\w+)$/.exec(text);
	if (fromFile === null) {
		using program = await open(text);
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
