import {existsSync} from 'node:fs';
import {readFile, readdir} from 'node:fs/promises';
import {basename, join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {compile} from '../helpers/compile.js';

const fixtures = fileURLToPath(new URL('../../../test/fixtures', import.meta.url));

/** Objects of other people's making, where they are installed. */
const installed = '/usr/lib/x86_64-linux-gnu/bpf';

export interface TestObject {
	readonly name: string;
	readonly bytes: Uint8Array;
}

/** The object of `test/fixtures/FOLDER/NAME.bpf.c`. */
export async function object(
	name: string,
	extra: readonly string[] = [],
	folder = 'spec',
): Promise<Uint8Array> {
	const source = await readFile(join(fixtures, folder, `${name}.bpf.c`), 'utf8');
	return readFile(await compile(source, extra));
}

/** The object of a source that is too small for a file of its own. */
export async function objectOf(source: string, extra: readonly string[] = []): Promise<Uint8Array> {
	const prelude = '#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\n';
	return readFile(await compile(prelude + source, ['-Wno-unused-parameter', ...extra]));
}

export const bigEndian = ['-target', 'bpfeb'];

/** Every object that these tests compile, in both byte orders, and the installed ones. */
export async function corpus(): Promise<TestObject[]> {
	const objects: TestObject[] = [];
	for (const folder of ['spec', 'kernel']) {
		for (const file of (await readdir(join(fixtures, folder))).sort()) {
			if (!file.endsWith('.bpf.c')) continue;
			const name = basename(file, '.bpf.c');
			objects.push({name, bytes: await object(name, [], folder)});
			objects.push({name: `${name} (big)`, bytes: await object(name, bigEndian, folder)});
		}
	}

	for (const path of installedObjects(await names(installed))) {
		objects.push({name: basename(path), bytes: await readFile(path)});
	}

	return objects;
}

async function names(folder: string): Promise<string[]> {
	return existsSync(folder) ? readdir(folder) : [];
}

function installedObjects(files: readonly string[]): string[] {
	return files.filter(file => file.endsWith('.o')).map(file => join(installed, file));
}
