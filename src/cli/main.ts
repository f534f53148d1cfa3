#!/usr/bin/env node
/** `skep`: one file per noun; what a verb needs is loaded when it runs. */

import {readFileSync} from 'node:fs';

import {Command, CommanderError, Option} from 'commander';

import {addBtfCommands} from './btf.js';
import {addLinkCommands} from './link.js';
import {addMapCommands} from './map.js';
import {addNetCommand} from './net.js';
import {addObjectCommands} from './object.js';
import {reportError} from './output/errors.js';
import {formats} from './output/print.js';
import {addProgCommands} from './prog.js';

interface Manifest {
	readonly version: string;
}

function version(): string {
	const manifest = new URL('../../../package.json', import.meta.url);
	return (JSON.parse(readFileSync(manifest, 'utf8')) as Manifest).version;
}

function createProgram(): Command {
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
	const add = [
		addObjectCommands,
		addProgCommands,
		addMapCommands,
		addLinkCommands,
		addBtfCommands,
		addNetCommand,
	];
	for (const each of add) each(program);
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

const program = createProgram();
program.configureOutput({outputError: () => undefined});
try {
	await program.parseAsync();
} catch (error) {
	if (error instanceof CommanderError && error.exitCode === 0) process.exitCode = 0;
	else process.exitCode = reportError(error);
}
