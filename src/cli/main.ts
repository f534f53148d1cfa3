/** `skep`: one file per noun; what a verb needs is loaded when it runs. */

import {readFileSync} from 'node:fs';
import {join} from 'node:path';

import {Command, CommanderError, Option} from 'commander';

import {packageRoot} from '../base/package-root.js';
import {nouns} from './nouns.js';
import {reportError} from './output/errors.js';
import {formats} from './output/print.js';

interface Manifest {
	readonly version: string;
}

function version(): string {
	const manifest = join(packageRoot, 'package.json');
	return (JSON.parse(readFileSync(manifest, 'utf8')) as Manifest).version;
}

async function createProgram(): Promise<Command> {
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
		.addHelpText(
			'after',
			'\nExample:\n  skep object verify lb.bpf.o\n  skep map dump /sys/fs/bpf/lb/maps/services -o json',
		);
	for (const {name, description, load} of nouns) {
		const noun = program.command(name).description(description);
		if (process.argv.includes(name)) (await load())(noun);
	}

	inherit(program);
	return program;
}

/** Commander copies settings to subcommands only when they are made by `command()` before. */
function inherit(parent: Command): void {
	for (const child of parent.commands) {
		child.copyInheritedSettings(parent);
		child.configureOutput({outputError: () => undefined});
		inherit(child);
	}
}

async function main(): Promise<void> {
	try {
		const program = await createProgram();
		program.configureOutput({outputError: () => undefined});
		await program.parseAsync();
	} catch (error) {
		if (error instanceof CommanderError && error.exitCode === 0) return;
		process.exitCode = reportError(error);
	}
}

main().catch((error: unknown) => {
	process.exitCode = reportError(error);
});
