/** The tree of commands; a noun's verbs are loaded when the noun is spoken. */

import {readFileSync} from 'node:fs';
import {join} from 'node:path';

import {Command, Option} from 'commander';

import {packageRoot} from '../base/package-root.js';
import {nouns} from './nouns.js';
import {formats, write} from './output/print.js';

interface Manifest {
	readonly version: string;
}

function version(): string {
	const manifest = join(packageRoot, 'package.json');
	return (JSON.parse(readFileSync(manifest, 'utf8')) as Manifest).version;
}

const help = `
Exit status:
  0 done, 1 failed, 2 not understood, 130 or 143 interrupted by a signal

Environment:
  CLANG         which clang compiles, unless --clang says it
  SKEP_DEBUG=1  show where in the sources an error comes from

Example:
  skep doctor
  skep object verify lb.bpf.o
  skep object load lb.bpf.o /sys/fs/bpf/lb
  skep map dump /sys/fs/bpf/lb/maps/services -o json`;

/** All nouns, and the verbs of those among `words`. */
export async function createProgram(words: readonly string[]): Promise<Command> {
	const program = new Command('skep');
	program
		.description('Compile, verify, load, attach and inspect eBPF programs and their maps.')
		.version(version())
		.addOption(
			new Option('-o, --output <format>', 'how to print').choices(formats).default('table'),
		)
		.option('--no-color', 'print without colour')
		.configureHelp({showGlobalOptions: true, helpWidth: 80})
		.showSuggestionAfterError()
		.exitOverride()
		.addHelpText('after', help);
	for (const {name, description, load} of nouns) {
		const noun = program.command(name).description(description);
		if (words.includes(name)) (await load())(noun);
	}

	program.configureOutput({outputError: () => undefined, writeOut: write});
	inherit(program);
	return program;
}

/** Commander copies settings to subcommands only when they are made by `command()` before. */
function inherit(parent: Command): void {
	for (const child of parent.commands) {
		child.copyInheritedSettings(parent);
		inherit(child);
	}
}
