/** What can stand where the cursor is, by the commands as they are defined. */

import type {Argument, Command, Option} from 'commander';

import {write} from '../output/print.js';
import {valuesOf, type Candidate, type Values} from './values.js';

/** `skep completion words -- WORD...`, for the shells' scripts. */
export function addWords(completion: Command): void {
	completion
		.command('words', {hidden: true})
		.argument('[words...]')
		.action(async (words: string[]) => {
			const {shell, candidates} = await complete(rootOf(completion), words);
			const lines = candidates.map(({word, description}) => `${word}\t${description ?? ''}`);
			write([shell, ...lines, ''].join('\n'));
		});
}

function rootOf(command: Command): Command {
	return command.parent === null ? command : rootOf(command.parent);
}

/** Candidates for the last of the words after `skep`, which may be empty or begun. */
export async function complete(root: Command, words: readonly string[]): Promise<Values> {
	const current = words.at(-1) ?? '';
	const {command, operands, option} = walk(root, words.slice(0, -1));
	if (option !== undefined) return begun(await valuesOf(option), current);
	if (current.startsWith('-')) return begun(options(command), current);
	const verbs = operands === 0 ? verbsOf(command) : [];
	const argument = argumentAt(command, operands);
	if (argument === undefined) return begun({shell: 'nothing', candidates: verbs}, current);
	const {shell, candidates} = await valuesOf(argument);
	return begun({shell, candidates: [...verbs, ...candidates]}, current);
}

interface Place {
	readonly command: Command;
	/** Words that were no verbs and no options. */
	readonly operands: number;
	/** The option that wants a value next. */
	readonly option: Option | undefined;
}

function walk(root: Command, words: readonly string[]): Place {
	let command = root;
	let operands = 0;
	let option: Option | undefined;
	for (const word of words) {
		if (option !== undefined) {
			option = undefined;
		} else if (word.startsWith('-')) {
			const known = optionsOf(command).find(
				({short, long}) => word === short || word === long,
			);
			option = known?.required === true ? known : undefined;
		} else {
			const verb = command.commands.find(each => each.name() === word);
			if (verb !== undefined && operands === 0) command = verb;
			else operands++;
		}
	}

	return {command, operands, option};
}

/** Those of the command and of all above it. */
function optionsOf(command: Command): Option[] {
	const {options, parent} = command;
	return parent === null ? [...options] : [...options, ...optionsOf(parent)];
}

function options(command: Command): Values {
	const all = optionsOf(command).filter(({hidden}) => !hidden);
	const candidates = all.map(({long, short, description}) => ({
		word: long ?? short ?? '',
		description,
	}));
	return {
		shell: 'nothing',
		candidates: [...candidates, {word: '--help', description: 'display help for command'}],
	};
}

function verbsOf(command: Command): Candidate[] {
	// Hidden commands have no line in the help.
	return command
		.createHelp()
		.visibleCommands(command)
		.map(each => ({word: each.name(), description: each.description()}));
}

function argumentAt({registeredArguments}: Command, index: number): Argument | undefined {
	const last = registeredArguments.at(-1);
	return registeredArguments[index] ?? (last?.variadic === true ? last : undefined);
}

function begun({shell, candidates}: Values, current: string): Values {
	return {shell, candidates: candidates.filter(({word}) => word.startsWith(current))};
}
