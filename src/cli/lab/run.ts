/** `skep lab run`. */

import {statSync} from 'node:fs';
import {register} from 'node:module';
import {join, resolve} from 'node:path';
import {pathToFileURL} from 'node:url';

import type {Command} from 'commander';

import {UsageError} from '../../base/errors.js';
import {packageRoot} from '../../base/package-root.js';
import {example} from '../output/example.js';

export function addRun(lab: Command): void {
	lab.command('run')
		.description('run a TypeScript file')
		.argument('<file>', 'TypeScript, an ECMAScript module')
		.argument('[args...]', 'the rest belongs to the file: it stands in process.argv')
		.addHelpText('after', help)
		.action(run);
}

const help = `
Types are taken out, not checked. The file may import skep and skep/lab wherever
it lies, other TypeScript by relative paths, and packages of its project. The
exit status is the file's own.
${example('skep lab run latency.ts --repeat 20')}`;

async function run(file: string, args: readonly string[]): Promise<void> {
	const path = resolve(file);
	const isFile = statSync(path, {throwIfNoEntry: false})?.isFile() ?? false;
	if (!isFile) throw new UsageError(`run file "${file}": there is no such file`);

	const home = pathToFileURL(join(packageRoot, 'package.json')).href;
	register(pathToFileURL(join(packageRoot, 'dist/cli/typescript-hooks.cjs')), {data: home});
	const {importScript} = await import('./import-script.js');
	process.setSourceMapsEnabled(true);
	process.argv = [process.execPath, path, ...args];

	let isLoaded = false;
	process.on('beforeExit', () => {
		if (isLoaded) return;
		process.stderr.write(`skep: run file "${file}": it waits for what will never come\n`);
		// As node ends with a script of its own.
		process.exitCode ??= 13;
	});
	try {
		await importScript(pathToFileURL(path).href);
		isLoaded = true;
	} catch (error) {
		isLoaded = true;
		// To whom it concerns: the script's own handler, otherwise node, which prints where it was.
		queueMicrotask(() => {
			throw error;
		});
	}
}
