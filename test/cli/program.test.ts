import type {Command} from 'commander';
import test from 'ava';
import {nouns} from '../../src/cli/nouns.js';
import {createProgram} from '../../src/cli/program.js';
import {withScriptArguments} from '../../src/cli/script-arguments.js';

/** All commands, with all verbs; none does anything. */
async function wholeProgram(): Promise<Command> {
	const program = await createProgram(nouns.map(({name}) => name));
	for (const command of commandsOf(program)) command.action(() => undefined);
	return program;
}

function commandsOf(command: Command): Command[] {
	return [command, ...command.commands.flatMap(commandsOf)];
}

/** `skep object load`. */
function nameOf(command: Command): string {
	const {parent} = command;
	return parent === null ? command.name() : `${nameOf(parent)} ${command.name()}`;
}

function helpOf(command: Command): string {
	let text = '';
	command.configureOutput({
		writeOut(piece) {
			text += piece;
		},
	});
	command.outputHelp();
	return text;
}

/** The words of a line, as a shell splits them; undefined where it is not skep's alone. */
function wordsOf(line: string): string[] | undefined {
	const words = line
		.match(/'[^']*'|"[^"]*"|\S+/g)
		?.map(word => word.replace(/^(['"])(.*)\1$/, '$2'));
	return words?.[0] === 'skep' ? words.slice(1) : undefined;
}

/** What stands below `Example:`, until a line that is not indented. */
function examplesOf(help: string): string[] {
	const below = /\nExamples?:\n((?: {2}.*\n|\n(?= {2}))*)/.exec(`${help}\n`)?.[1] ?? '';
	return below
		.split('\n')
		.map(line => line.trim())
		.filter(line => line !== '');
}

const program = await wholeProgram();
const all = commandsOf(program).filter(command => command.name() !== 'words');
const helps = new Map(all.map(command => [command, helpOf(command)]));

for (const command of all) {
	const help = helps.get(command) ?? '';
	const title = nameOf(command);

	test(`the help of "${title}" has a synopsis, a description and fits a terminal`, t => {
		t.regex(help, /^Usage: skep /);
		t.regex(command.description(), /^\S.*\S$/);
		t.deepEqual(
			help.split('\n').filter(line => line.length > 80),
			[],
		);
		for (const option of command.options) t.not(option.description, '', option.flags);
		for (const argument of command.registeredArguments) {
			t.not(argument.description, '', argument.name());
		}
	});

	if (command.commands.length > 0 && command.parent !== null && command.name() !== 'completion') {
		continue;
	}

	test(`the examples of "${title}" are commands that exist`, async t => {
		const lines = examplesOf(help);
		t.true(lines.length > 0);
		for (const line of lines) {
			// A pipe's first part, or what a shell reads from a substitution.
			const own = /<\((skep [^)]*)\)/.exec(line)?.[1] ?? line.split(/ [|>] /, 1)[0] ?? '';
			const words = wordsOf(own);
			if (words === undefined) t.fail(`not a command of skep: ${line}`);
			else {
				const spoken = withScriptArguments(words);
				await t.notThrowsAsync(
					async () => program.parseAsync(spoken, {from: 'user'}),
					line,
				);
			}
		}
	});
}

test('the exit status is documented, and the environment', t => {
	const help = helps.get(program) ?? '';
	t.regex(help, /\nExit status:\n {2}0 done, 1 failed, 2 not understood/);
	t.regex(help, /\nEnvironment:\n/);
});

test('a noun that is not spoken has no verbs yet', async t => {
	const bare = await createProgram(['map']);
	const counts = Object.fromEntries(
		bare.commands.map(each => [each.name(), each.commands.length]),
	);
	t.true((counts['map'] ?? 0) > 3);
	t.is(counts['prog'], 0);
});
