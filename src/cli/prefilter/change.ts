/** `skep prefilter add`, `delete` and `replace`. */

import {readFile} from 'node:fs/promises';
import {text} from 'node:stream/consumers';

import type {Command} from 'commander';

import {UsageError} from '../../base/errors.js';
import type {PrefilterChange} from '../../datapath/index.js';
import {wholeNumber} from '../arguments.js';
import {openMaps, requireOwn, withRoot, type RootOptions} from '../datapath-options.js';
import {example} from '../output/example.js';
import {outputOptions, printOne, write} from '../output/print.js';

const help = `
The file has a prefix or an address on each line; what follows a # does not
count.
`;

const verbs = [
	['add', 'deny more sources', 'denied'],
	['delete', 'deny sources no more', 'denied no more'],
	['replace', 'deny these sources and no others, at once', 'denied'],
] as const;
type Verb = (typeof verbs)[number][0];

export function addChanges(prefilter: Command): void {
	for (const [verb, description, done] of verbs) {
		withRoot(prefilter.command(verb))
			.description(description)
			.argument('[prefix...]', 'prefixes; an address is one of full length')
			.option('-f, --file <file>', 'more of them; - for standard input')
			.option(
				'--revision <number>',
				'only while the lists have this one',
				wholeNumber('revision'),
			)
			.addHelpText('after', help + example(`skep prefilter ${verb} -f denied.txt`))
			.action(
				async (
					prefixes: readonly string[],
					options: RootOptions & ChangeOptions,
					command: Command,
				) => change(verb, done, prefixes, options, command),
			);
	}
}

interface ChangeOptions {
	readonly file?: string;
	readonly revision?: number;
}

async function change(
	verb: Verb,
	done: string,
	words: readonly string[],
	options: RootOptions & ChangeOptions,
	command: Command,
): Promise<void> {
	const {file, revision} = options;
	requireOwn(`${verb} prefilter`, options);
	if (words.length === 0 && file === undefined) {
		throw new UsageError(`${verb} prefilter: name prefixes, or a file of them by --file`);
	}

	const prefixes = [...words, ...(file === undefined ? [] : await readPrefixes(file))];
	const {Prefilter} = await import('../../datapath/index.js');
	using maps = await openMaps(options, {write: true});
	const result = await new Prefilter(maps)[verb](
		prefixes,
		revision === undefined ? {} : {revision},
	);
	const output = outputOptions(command);
	if (output.output === 'table') write(`${resultText(result, done)}\n`);
	else await printOne(result, output);
}

function resultText({changed, revision}: PrefilterChange, done: string): string {
	return `${changed} ${changed === 1 ? 'prefix' : 'prefixes'} ${done}, revision ${revision}`;
}

async function readPrefixes(file: string): Promise<string[]> {
	const content = file === '-' ? await text(process.stdin) : await readText(file);
	return content.split('\n').flatMap(line => {
		const prefix = line.split('#', 1)[0]?.trim() ?? '';
		return prefix === '' ? [] : prefix;
	});
}

async function readText(file: string): Promise<string> {
	try {
		return await readFile(file, 'utf8');
	} catch (cause) {
		const isMissing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
		const detail = isMissing ? 'there is no such file' : (cause as Error).message;
		throw new UsageError(`read prefixes "${file}": ${detail}`, {cause});
	}
}
