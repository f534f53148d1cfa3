/** `skep object build`. */

import {basename, join} from 'node:path';

import type {Command} from 'commander';

import {collect} from '../arguments.js';
import {until} from '../interrupt.js';
import {write} from '../output/print.js';

export function addBuild(object: Command): void {
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
	const {compileObject} = await import('../../index.js');
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
