/** The objects of Debian's `libbpf-tools`, whose programs carry them in their data. */

import {lstat, mkdir, readFile, writeFile} from 'node:fs/promises';
import {basename, join} from 'node:path';

import type {Candidate} from './candidate.js';
import {build} from './folders.js';
import {installPackage} from './install-package.js';
import {run} from './run.js';

const magic = Buffer.from('\x7fELF\x02\x01', 'latin1');
const bpfMachine = 247;

export async function libbpfTools(only: RegExp): Promise<Candidate[]> {
	await installPackage('libbpf-tools');
	const {stdout} = await run('dpkg', ['-L', 'libbpf-tools']);
	const output = join(build, 'libbpf-tools');
	await mkdir(output, {recursive: true});
	const found: Candidate[] = [];
	for (const path of stdout
		.split('\n')
		.filter(line => /\/s?bin\/./.test(line))
		.sort()) {
		const object = basename(path);
		if (!only.test(object) || (await lstat(path)).isSymbolicLink()) continue;
		for (const [index, bytes] of embeddedObjects(await readFile(path)).entries()) {
			const name = index === 0 ? object : `${object}-${index}`;
			const file = join(output, `${name}.bpf.o`);
			await writeFile(file, bytes);
			found.push({object: name, file});
		}
	}

	return found;
}

/** Files of BPF code within a file. */
export function embeddedObjects(program: Buffer): Buffer[] {
	const found: Buffer[] = [];
	for (let at = program.indexOf(magic, 1); at >= 0; at = program.indexOf(magic, at + 1)) {
		const header = program.subarray(at, at + 64);
		if (header.length < 64 || header.readUInt16LE(18) !== bpfMachine) continue;
		const sections = Number(header.readBigUInt64LE(40));
		const end = sections + header.readUInt16LE(58) * header.readUInt16LE(60);
		if (at + end <= program.length) found.push(program.subarray(at, at + end));
	}

	return found;
}
