/** `skep object verify`. */

import {writeFileSync} from 'node:fs';

import type {Command} from 'commander';

import type {Verification, Verified} from '../../index.js';
import {UsageError} from '../../base/errors.js';
import {collect} from '../arguments.js';
import {outputOptions, type OutputOptions, printList} from '../output/print.js';

export function addVerify(object: Command): void {
	object
		.command('verify')
		.description(
			'load every program, attach nothing, leave nothing; tell what changed since the last time',
		)
		.argument('<file>', 'object file')
		.option('--program <name>', 'only this program', collect)
		.option('--explain', 'of what is refused: what was known, and the way there')
		.option('--log <file>', "write the verifier's whole log to a file")
		.option('--btf <file>', 'relocate for these types, not for those of this kernel')
		.addHelpText('after', '\nExample:\n  skep object verify lb.bpf.o --log verifier.log')
		.action(verify);
}

interface VerifyOptions {
	readonly program?: readonly string[];
	readonly log?: string;
	readonly explain?: boolean;
	readonly btf?: string;
}

async function verify(file: string, options: VerifyOptions, command: Command): Promise<void> {
	await verifyFile(file, options, outputOptions(command));
}

/** Verifies the programs of an object and tells what changed since it was verified last. */
export async function verifyFile(
	file: string,
	options: VerifyOptions,
	output: OutputOptions,
): Promise<void> {
	const {readObject, verifyCollection, VerifierError} = await import('../../index.js');
	const spec = await readObject(file);
	const logs: string[] = [];
	const results = [
		...verifyCollection(spec, {
			logLevel: options.log === undefined ? 4 : 2,
			onLog: (program, log) => logs.push(`== ${program}\n${log.trimEnd()}\n`),
			...(options.program === undefined ? {} : {programs: options.program}),
			...(options.btf === undefined ? {} : {targetBtf: options.btf}),
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
		output,
	);
	await tellChanges(file, results, options.program === undefined);
	for (const {error} of results) {
		if (error === undefined) continue;
		process.exitCode = 1;
		process.stderr.write(`skep: ${error.message}\n`);
		if (!(error instanceof VerifierError)) continue;
		const {source, hint} = error;
		if (source !== undefined) process.stderr.write(`${place(source)}\n`);
		if (options.explain === true) {
			process.stderr.write(`${error.explain()}\n`);
			continue;
		}

		process.stderr.write(`${indent(error.excerpt())}\n`);
		if (hint !== undefined) process.stderr.write(`hint: ${hint}\n`);
	}
}

/** On standard error, beside whatever format the numbers are in. */
async function tellChanges(
	file: string,
	results: readonly Verification[],
	whole: boolean,
): Promise<void> {
	const {compareVerified} = await import('../../index.js');
	const accepted = results.filter(({error}) => error === undefined);
	const numbers = accepted.map(each => [
		each.program,
		{
			instructions: each.instructions,
			verified: each.verifiedInstructions ?? 0,
			states: each.statistics?.totalStates ?? 0,
		},
	]);
	// What was refused has no numbers, and is not gone for that.
	const isWhole = whole && accepted.length === results.length;
	const after = Object.fromEntries(numbers) as Record<string, Verified>;
	for (const {program, before, after: now} of compareVerified(file, after, {whole: isWhole})) {
		process.stderr.write(`${program}: ${changeText(before, now)}\n`);
	}
}

function changeText(before: Verified | undefined, after: Verified | undefined): string {
	if (after === undefined) return 'is gone';
	if (before === undefined) return 'is new';
	const parts = (['instructions', 'verified', 'states'] as const)
		.filter(name => before[name] !== after[name])
		.map(name => {
			const [old, now] = [before[name], after[name]];
			return `${name} ${old} → ${now} (${now > old ? '+' : ''}${now - old})`;
		});
	return parts.join(', ');
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
