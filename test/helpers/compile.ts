import {createHash, randomUUID} from 'node:crypto';
import {existsSync} from 'node:fs';
import {mkdir, readFile, rename, rm, writeFile} from 'node:fs/promises';
import {arch} from 'node:os';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {run} from './run.js';

/** The output folder this file runs from, and the project's own folder. */
const output = fileURLToPath(new URL('../..', import.meta.url));
const project = join(output, '..');
const cache = join(output, '.cache');

/** What is being compiled, by path. */
const running = new Map<string, Promise<string>>();

const targets: Partial<Record<NodeJS.Architecture, [kernel: string, multiarch: string]>> = {
	x64: ['x86', 'x86_64-linux-gnu'],
	arm64: ['arm64', 'aarch64-linux-gnu'],
};

function flags(): string[] {
	const target = targets[arch() as NodeJS.Architecture];
	const machine = target ? [`-D__TARGET_ARCH_${target[0]}`, `-I/usr/include/${target[1]}`] : [];
	return [...'-O2 -g -Wall -Wextra -target bpf -mcpu=v3'.split(' '), ...machine];
}

/**
 * Compiles BPF C with clang and gives the path of the object. The same source is compiled once;
 * `extra` are further flags of clang, after the project's own.
 */
export async function compile(source: string, extra: readonly string[] = []): Promise<string> {
	const clang = process.env['CLANG'] ?? 'clang';
	const all = [...flags(), ...extra];
	const hash = createHash('sha256')
		.update(JSON.stringify([clang, all, source]))
		.digest('hex');
	const object = join(cache, `${hash.slice(0, 20)}.bpf.o`);
	if (existsSync(object)) return object;
	// Tests of a file run at once and often want the same object.
	const known = running.get(object) ?? compileTo(object, [clang, ...all], source);
	running.set(object, known);
	return known;
}

async function compileTo(
	object: string,
	[clang = '', ...all]: readonly string[],
	source: string,
): Promise<string> {
	await mkdir(cache, {recursive: true});
	// Processes and threads may compile the same source at once: each writes its own, the rename
	// is atomic.
	const own = `${object}.${randomUUID()}`;
	await writeFile(`${own}.bpf.c`, source);
	await run(clang, ...all, '-c', `${own}.bpf.c`, '-o', `${own}.bpf.o`);
	await rename(`${own}.bpf.o`, object);
	await rm(`${own}.bpf.c`);
	return object;
}

/** The path of a compiled fixture: `kernel/maps` is `test/fixtures/kernel/maps.bpf.c`. */
export async function fixtureObject(name: string, extra: readonly string[] = []): Promise<string> {
	const folder = join(project, 'test/fixtures', name, '..');
	return compile(await readFile(join(project, 'test/fixtures', `${name}.bpf.c`), 'utf8'), [
		`-I${folder}`,
		...extra,
	]);
}
