/** `skep object build`. */

import {basename, join} from 'node:path';

import type {Command} from 'commander';

import type {BuildResult, watchBuild} from '../../index.js';
import {collect} from '../arguments.js';
import {until} from '../interrupt.js';
import {outputOptions, write} from '../output/print.js';
import {verifyFile} from './verify.js';

export function addBuild(object: Command): void {
	object
		.command('build')
		.description('compile BPF C with the system clang, with BTF, where anything has changed')
		.argument('<source...>', 'files of BPF C: x.bpf.c becomes x.bpf.o')
		.option('--out <dir>', 'where the objects go; beside their sources unless given')
		.option('--clang <path>', 'which clang; $CLANG, clang-19 … clang-14, clang unless given')
		.option('-I, --include <dir>', 'a folder of headers', collect)
		.option('-D, --define <macro>', 'NAME or NAME=VALUE', collect)
		.option('--flag <flag>', "one more of clang's flags", collect)
		.option('--debug', 'keep DWARF beside BTF')
		.option('--force', 'compile what is up to date, too')
		.option('--watch', 'build again whatever changes, until Ctrl-C')
		.option('--verify', 'have the kernel verify what was built, as `object verify` does')
		.addHelpText('after', '\nExample:\n  skep object build -I include --out build lb.bpf.c')
		.action(build);
}

interface BuildOptions {
	readonly out?: string;
	readonly clang?: string;
	readonly include?: readonly string[];
	readonly define?: readonly string[];
	readonly flag?: readonly string[];
	readonly debug?: boolean;
	readonly force?: boolean;
	readonly watch?: boolean;
	readonly verify?: boolean;
}

async function build(
	sources: readonly string[],
	options: BuildOptions,
	command: Command,
): Promise<void> {
	const {buildObject} = await import('../../index.js');
	const jobs = sources.map(source => ({source, options: compilerOptions(source, options)}));
	const after = async (result: BuildResult): Promise<void> => {
		for (const {file, line, column, message} of result.warnings) {
			process.stderr.write(`${file}:${line}:${column}: warning: ${message}\n`);
		}

		write(`${result.output}\n`);
		if (options.verify === true) await verifyFile(result.output, {}, outputOptions(command));
	};
	if (options.watch === true) {
		await watch(jobs, after);
		return;
	}

	await until(async signal => {
		for (const {source, options: own} of jobs) {
			await after(await buildObject(source, {...own, signal}));
		}
	});
}

type Job = Parameters<typeof watchBuild>[0][number];

async function watch(
	jobs: readonly Job[],
	after: (result: BuildResult) => Promise<void>,
): Promise<void> {
	const {isEbpfError, watchBuild} = await import('../../index.js');
	const stop = new AbortController();
	for (const name of ['SIGINT', 'SIGTERM'] as const) {
		process.once(name, () => {
			stop.abort();
		});
	}

	for await (const event of watchBuild(jobs, stop.signal)) {
		try {
			if ('error' in event) throw event.error;
			await after(event.result);
		} catch (error) {
			// A mistake in a source is what this waits to see mended.
			if (!isEbpfError(error)) throw error;
			process.stderr.write(`skep: ${error.message}\n`);
		}
	}
}

function compilerOptions(source: string, options: BuildOptions): Job['options'] {
	const {out, clang, include = [], define = [], flag: flags = []} = options;
	const macros = define.map(word => {
		const [name = '', ...value] = word.split('=');
		return [name, value.length === 0 ? true : value.join('=')] as const;
	});
	const name = `${basename(source).replace(/\.c$/, '')}.o`;
	return {
		include,
		define: Object.fromEntries(macros),
		flags,
		debug: options.debug ?? false,
		force: options.force ?? false,
		...(clang === undefined ? {} : {clang}),
		...(out === undefined ? {} : {output: join(out, name)}),
	};
}
