/** `skep object gen`. */

import {writeFileSync} from 'node:fs';
import {dirname, relative, resolve} from 'node:path';

import type {Command} from 'commander';

import {UsageError} from '../../base/errors.js';
import {collect} from '../arguments.js';
import {example} from '../output/example.js';
import {write} from '../output/print.js';

export function addGen(object: Command): void {
	object
		.command('gen')
		.description("write a TypeScript module with the types of an object's maps and variables")
		.argument('<file>', 'object file')
		.option('--out <file>', 'the module; standard output unless given')
		.option('--type <name>', 'one more C type to write', collect)
		.option('--from <module>', 'what the module imports skep from', 'skep')
		.addHelpText('after', example('skep object gen lb.bpf.o --out lb.ts'))
		.action(gen);
}

interface GenOptions {
	readonly out?: string;
	readonly type?: readonly string[];
	readonly from: string;
}

async function gen(file: string, options: GenOptions): Promise<void> {
	const {generateModule, readObject} = await import('../../index.js');
	const {out, type: types = [], from} = options;
	const spec = await readObject(file);
	const folder = out === undefined ? '.' : dirname(resolve(out));
	const path = relative(folder, resolve(file));
	const object = path.startsWith('.') ? path : `./${path}`;
	const text = generateModule(spec, {object, types, from});
	if (out === undefined) {
		write(text);
		return;
	}

	try {
		writeFileSync(out, text);
	} catch (cause) {
		throw new UsageError(`write module "${out}": ${(cause as Error).message}`, {cause});
	}
}
