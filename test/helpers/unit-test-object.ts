import {writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import type {ExecutionContext} from 'ava';
import {compileObject} from '../../src/toolchain/compile.js';
import {makeTempFolder} from './temp.js';

const project = fileURLToPath(new URL('../../..', import.meta.url));

/** The headers that authors of tests in C include, as they lie in the package. */
export const testHeaders = join(project, 'bpf');

/** Compiles a fixture of `test/fixtures/lab` as its author would: from its file, with our headers. */
export async function unitTestObject(t: ExecutionContext, name: string): Promise<string> {
	const source = join(project, `test/fixtures/lab/${name}.bpf.c`);
	return compileInto(await makeTempFolder(t), name, source);
}

/** Compiles C that includes what it needs. */
export async function unitTestSource(t: ExecutionContext, text: string): Promise<string> {
	const folder = await makeTempFolder(t);
	const source = join(folder, 'source.bpf.c');
	await writeFile(source, `${text}\nchar _license[] SEC("license") = "Dual BSD/GPL";\n`);
	return compileInto(folder, 'source', source);
}

async function compileInto(folder: string, name: string, source: string): Promise<string> {
	const output = join(folder, `${name}.bpf.o`);
	await compileObject(source, {
		output,
		include: [testHeaders],
		flags: ['-Wall', '-Wextra', '-Wno-unused-parameter', '-Werror'],
	});
	return output;
}
