/** `skep object`: object files, from source to kernel. */

import {writeFileSync} from 'node:fs';
import {basename, join} from 'node:path';

import type {Command} from 'commander';

import {UsageError} from '../base/errors.js';
import {collect, jsonValue} from './arguments.js';
import {until} from './interrupt.js';
import {outputOptions, printList, write} from './output/print.js';

export function addObjectVerbs(object: Command): void {
	object
		.command('build')
		.description('compile BPF C with the system clang, with BTF')
		.argument('<source...>', 'files of BPF C: x.bpf.c becomes x.bpf.o')
		.option('--out <dir>', 'where the objects go; beside their sources unless given')
		.option('--clang <path>', 'which clang; $CLANG, clang-19 … clang-14, clang unless given')
		.option('-I, --include <dir>', 'a folder of headers', collect)
		.option('-D, --define <macro>', 'NAME or NAME=VALUE', collect)
		.option('--flag <flag>', "one more of clang's flags", collect)
		.option('--debug', 'keep DWARF beside BTF')
		.addHelpText('after', '\nExample:\n  skep object build -I include --out build lb.bpf.c')
		.action(build);

	object
		.command('inspect')
		.description('show programs, maps and variables; needs no privilege')
		.argument('<file>', 'object file')
		.addHelpText('after', '\nExample:\n  skep object inspect lb.bpf.o')
		.action(inspect);

	object
		.command('verify')
		.description('load every program, attach nothing, leave nothing')
		.argument('<file>', 'object file')
		.option('--program <name>', 'only this program', collect)
		.option('--log <file>', "write the verifier's whole log to a file")
		.addHelpText('after', '\nExample:\n  skep object verify lb.bpf.o --log verifier.log')
		.action(verify);

	object
		.command('load')
		.description('load maps and programs and pin them, all or nothing')
		.argument('<file>', 'object file')
		.argument('<dir>', 'folder in a bpf filesystem for the pins')
		.option('--pin-root <dir>', 'where maps are pinned; <dir>/maps unless given')
		.option(
			'--on-mismatch <policy>',
			'fail, reuse or recreate a pinned map that differs',
			'fail',
		)
		.option('--set <name=value>', 'set a variable before load', collect)
		.option('--program <name>', 'only this program', collect)
		.addHelpText(
			'after',
			'\nExample:\n  skep object load lb.bpf.o /sys/fs/bpf/lb --set node_ipv4=3221225985',
		)
		.action(load);
}

interface BuildOptions {
	readonly out?: string;
	readonly clang?: string;
	readonly include?: readonly string[];
	readonly define?: readonly string[];
	readonly flag?: readonly string[];
	readonly debug?: boolean;
}

async function build(sources: readonly string[], options: BuildOptions): Promise<void> {
	const {compileObject} = await import('../index.js');
	const {out, clang, include = [], define = [], flag: flags = [], debug = false} = options;
	const macros = define.map(word => {
		const [name = '', ...value] = word.split('=');
		return [name, value.length === 0 ? true : value.join('=')] as const;
	});
	await until(async signal => {
		for (const source of sources) {
			const name = `${basename(source).replace(/\.c$/, '')}.o`;
			const {output, warnings} = await compileObject(source, {
				include,
				define: Object.fromEntries(macros),
				flags,
				debug,
				signal,
				...(clang === undefined ? {} : {clang}),
				...(out === undefined ? {} : {output: join(out, name)}),
			});
			for (const {file, line, column, message} of warnings) {
				process.stderr.write(`${file}:${line}:${column}: warning: ${message}\n`);
			}

			write(`${output}\n`);
		}
	});
}

async function inspect(file: string, _: unknown, command: Command): Promise<void> {
	const {describeType, readObject} = await import('../index.js');
	const spec = await readObject(file);
	const options = outputOptions(command);
	const type = (id: number): string =>
		spec.types === undefined || id === 0 ? '-' : describeType(spec.types, id);
	const programs = Object.values(spec.programs).map(each => ({
		program: each.name,
		section: each.section,
		type: each.type,
		attach: each.attachType ?? '-',
		instructions: each.instructions.length / 8,
		functions: each.functions.length,
	}));
	const maps = Object.entries(spec.maps).map(([name, each]) => ({
		map: name,
		type: each.type,
		key: each.keySize,
		value: each.valueSize,
		entries: each.maxEntries,
		flags: `0x${each.flags.toString(16)}`,
		pinning: each.pinning,
		types:
			each.contents === undefined
				? `${type(each.keyTypeId)} → ${type(each.valueTypeId)}`
				: '-',
	}));
	const variables = Object.values(spec.variables).map(each => ({
		variable: each.name,
		section: each.map,
		type: type(each.typeId),
		bytes: each.size,
		value: each.get(),
	}));
	if (options.output !== 'table') {
		const {name, byteOrder, license} = spec;
		await printList(
			[{name, byteOrder, license, programs, maps, variables}],
			() => ({}),
			options,
		);
		return;
	}

	const {cellText} = await import('./output/print.js');
	const license = spec.license === '' ? 'no license' : `license ${spec.license}`;
	write(`${spec.name}: ${spec.byteOrder}-endian, ${license}\n`);
	const tables = [
		programs,
		maps,
		variables.map(each => ({...each, value: cellText(each.value)})),
	];
	for (const rows of tables) {
		if (rows.length > 0) write('\n');
		await printList<Record<string, string | number>>(rows, each => each, options);
	}
}

interface VerifyOptions {
	readonly program?: readonly string[];
	readonly log?: string;
}

async function verify(file: string, options: VerifyOptions, command: Command): Promise<void> {
	const {readObject, verifyCollection, VerifierError} = await import('../index.js');
	const spec = await readObject(file);
	const logs: string[] = [];
	const results = [
		...verifyCollection(spec, {
			logLevel: options.log === undefined ? 4 : 2,
			onLog: (program, log) => logs.push(`== ${program}\n${log.trimEnd()}\n`),
			...(options.program === undefined ? {} : {programs: options.program}),
		}),
	];
	if (options.log !== undefined) writeLog(options.log, logs.join('\n'));
	await printList(
		results.map(({error, ...rest}) => ({...rest, error: error?.message})),
		each => ({
			program: each.program,
			instructions: each.instructions,
			verified: each.verifiedInstructions ?? '-',
			states: each.statistics === undefined ? '-' : states(each.statistics),
			stack: each.statistics?.stackDepths?.join('+') ?? '-',
			ms: each.time.toFixed(2),
			result: each.error === undefined ? 'ok' : 'refused',
		}),
		outputOptions(command),
	);
	for (const {error} of results) {
		if (error === undefined) continue;
		process.exitCode = 1;
		process.stderr.write(`skep: ${error.message}\n`);
		if (!(error instanceof VerifierError)) continue;
		const {source, hint} = error;
		if (source !== undefined) process.stderr.write(`${place(source)}\n`);
		process.stderr.write(`${indent(error.excerpt())}\n`);
		if (hint !== undefined) process.stderr.write(`hint: ${hint}\n`);
	}
}

function states(statistics: {totalStates: number; peakStates: number}): string {
	return `${statistics.totalStates}/${statistics.peakStates}`;
}

function place({file, line, text}: {file?: string; line?: number; text: string}): string {
	return file === undefined ? `source: ${text}` : `${file}:${line ?? '?'}: ${text}`;
}

function indent(text: string): string {
	return text.replaceAll(/^/gm, '    ');
}

function writeLog(path: string, text: string): void {
	try {
		writeFileSync(path, text);
	} catch (cause) {
		throw new UsageError(`write log "${path}": ${(cause as Error).message}`, {cause});
	}
}

interface LoadOptions {
	readonly pinRoot?: string;
	readonly onMismatch: string;
	readonly set?: readonly string[];
	readonly program?: readonly string[];
}

const policies = ['fail', 'reuse', 'recreate'] as const;

async function load(
	file: string,
	directory: string,
	options: LoadOptions,
	command: Command,
): Promise<void> {
	const {loadCollectionAsync, readObject} = await import('../index.js');
	const onMismatch = policies.find(policy => policy === options.onMismatch);
	if (onMismatch === undefined) {
		throw new UsageError(
			`read policy "${options.onMismatch}": expected ${policies.join(', ')}`,
		);
	}

	const spec = await readObject(file);
	for (const word of options.set ?? []) setVariable(spec.variables, word);
	const pinRoot = options.pinRoot ?? join(directory, 'maps');
	const pinned: {kind: string; name: string; id: number; pin: string}[] = [];
	await until(async signal => {
		using collection = await loadCollectionAsync(spec, {
			pinRoot,
			pinMaps: 'all',
			onMismatch,
			...(options.program === undefined ? {} : {programs: options.program}),
			signal,
		});
		const undo: (() => void)[] = [];
		try {
			for (const [name, program] of Object.entries(collection.programs)) {
				const pin = join(directory, name);
				program.pin(pin);
				undo.push(() => {
					program.unpin(pin);
				});
				pinned.push({kind: 'program', name, id: program.info().id, pin});
			}
		} catch (error) {
			for (const step of undo.reverse()) step();
			collection.unpin();
			throw error;
		}

		for (const {name, path, map} of collection.pins) {
			pinned.push({kind: 'map', name, id: map.info.id, pin: path});
		}
	});
	await printList(pinned, each => each, outputOptions(command));
}

function setVariable(
	variables: Readonly<Record<string, {set(value: unknown): void}>>,
	word: string,
): void {
	const at = word.indexOf('=');
	const name = at < 0 ? word : word.slice(0, at);
	const variable = variables[name];
	if (at < 1) throw new UsageError(`read variable "${word}": expected NAME=VALUE`);
	if (variable === undefined) {
		const known = Object.keys(variables).join(', ') || 'none';
		throw new UsageError(
			`set variable "${name}": the object has no such variable; it has ${known}`,
		);
	}

	variable.set(jsonValue(word.slice(at + 1)));
}
