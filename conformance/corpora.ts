/** Where objects come from. */

import {existsSync} from 'node:fs';
import {mkdir, readdir} from 'node:fs/promises';
import {basename, join} from 'node:path';

import type {Candidate} from './candidate.js';
import {build, project} from './folders.js';
import {libbpfTools} from './libbpf-tools.js';
import {run} from './run.js';
import {kernelSelftests} from './selftests.js';

export interface Corpus {
	readonly name: string;
	/** Small, and there wherever the tests run. */
	readonly quick: boolean;
	readonly collect: (only: RegExp) => Promise<Candidate[]>;
}

export const corpora: readonly Corpus[] = [
	{name: 'own', quick: true, collect: ownObjects},
	{name: 'xdp-tools', quick: true, collect: xdpTools},
	{name: 'libbpf-tools', quick: false, collect: libbpfTools},
	{name: 'selftests', quick: false, collect: async only => kernelSelftests('clang', only)},
	{
		name: 'selftests-clang-19',
		quick: false,
		collect: async only => kernelSelftests('clang-19', only),
	},
];

const fixtures = ['core', 'kernel', 'kernel/refused', 'linked', 'spec'];

/** The fixtures of the tests: every convention there is, and what must be refused. */
async function ownObjects(only: RegExp): Promise<Candidate[]> {
	const output = join(build, 'own');
	await mkdir(output, {recursive: true});
	const found: Candidate[] = [];
	for (const folder of fixtures) {
		const names = await readdir(join(project, 'test/fixtures', folder));
		for (const name of names.filter(each => each.endsWith('.bpf.c')).sort()) {
			const object = `${folder}/${basename(name, '.bpf.c')}`;
			if (!only.test(object)) continue;
			const file = join(output, `${object.replaceAll('/', '-')}.bpf.o`);
			found.push(
				await compileOwn(join(project, 'test/fixtures', folder, name), object, file),
			);
		}
	}

	return found;
}

async function compileOwn(source: string, object: string, file: string): Promise<Candidate> {
	const flags = '-O2 -g -target bpf -mcpu=v3 -D__TARGET_ARCH_x86 -I/usr/include/x86_64-linux-gnu';
	const args = [...flags.split(' '), '-c', source, '-o', file];
	const {error} = await run(process.env['CLANG'] ?? 'clang', args);
	return error === undefined ? {object, file} : {object, error};
}

async function xdpTools(only: RegExp): Promise<Candidate[]> {
	for (const folder of ['/usr/lib/x86_64-linux-gnu/bpf', '/usr/lib/bpf', '/usr/lib64/bpf']) {
		if (!existsSync(folder)) continue;
		const names = (await readdir(folder)).filter(name => name.endsWith('.o')).sort();
		return names
			.map(name => ({object: basename(name, '.o'), file: join(folder, name)}))
			.filter(({object}) => only.test(object));
	}

	return [];
}
