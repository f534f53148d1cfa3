/** The kernel's own test programs, of the source that Debian packs, compiled for this kernel. */

import {existsSync} from 'node:fs';
import {mkdir, readdir, rename, writeFile} from 'node:fs/promises';
import {basename, join} from 'node:path';

import {dumpC, kernelBtf} from '../src/index.js';
import type {Candidate} from './candidate.js';
import {build} from './folders.js';
import {installPackage} from './install-package.js';
import {run} from './run.js';

const packageName = 'linux-source-6.1';
const tests = `${packageName}/tools/testing/selftests/bpf`;
const api = `${packageName}/tools/include/uapi`;

/** None where this `clang` is not installed. */
export async function kernelSelftests(clang: string, only: RegExp): Promise<Candidate[]> {
	if (!(await isInstalled(clang))) return [];
	const source = await unpackSource();
	const include = join(build, 'include');
	await writeTypes(include);
	const output = join(build, 'selftests', clang);
	await mkdir(output, {recursive: true});
	const found: Candidate[] = [];
	for (const name of (await readdir(join(source, tests, 'progs'))).sort()) {
		const object = basename(name, '.c');
		if (!name.endsWith('.c') || !only.test(object)) continue;
		const file = join(output, `${object}.bpf.o`);
		found.push(await compile(clang, {source, include, object, file}));
	}

	return found;
}

async function isInstalled(clang: string): Promise<boolean> {
	try {
		await run(clang, ['--version']);
		return true;
	} catch {
		return false;
	}
}

async function unpackSource(): Promise<string> {
	if (existsSync(join(build, tests, 'progs'))) return build;
	await installPackage(packageName);
	await mkdir(build, {recursive: true});
	process.stderr.write(`conformance: unpacking ${packageName}\n`);
	const archive = `/usr/src/${packageName}.tar.xz`;
	const {error} = await run('tar', ['-xJf', archive, '-C', build, tests, api]);
	if (error !== undefined) throw new Error(`cannot unpack ${archive}: ${error}`);
	return build;
}

/** The running kernel's types, as the command line would write them. */
async function writeTypes(folder: string): Promise<void> {
	const header = join(folder, 'vmlinux.h');
	if (existsSync(header)) return;
	await mkdir(folder, {recursive: true});
	const own = `${header}.${process.pid}`;
	await writeFile(own, [...dumpC(kernelBtf())].join(''));
	await rename(own, header);
}

interface Compilation {
	readonly source: string;
	readonly include: string;
	readonly object: string;
	readonly file: string;
}

async function compile(clang: string, job: Compilation): Promise<Candidate> {
	const {source, include, object, file} = job;
	const errors = `${file}.error`;
	if (existsSync(file)) return {object, file};
	const folder = join(source, tests);
	const args = [
		...'-g -O2 -target bpf -mcpu=v3 -mlittle-endian -Wno-everything'.split(' '),
		'-D__TARGET_ARCH_x86',
		...[`-I${include}`, `-I${folder}`, `-I${join(source, api)}`],
		...['-idirafter', '/usr/include/x86_64-linux-gnu'],
		...['-c', join(folder, 'progs', `${object}.c`), '-o', file],
	];
	const {error} = await run(clang, args);
	if (error === undefined) return {object, file};
	await writeFile(errors, error);
	return {object, error: /error: (.*)/.exec(error)?.[1] ?? error};
}
