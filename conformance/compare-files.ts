/** Starts children that load objects, in namespaces of their own and with a limit of time. */

import {execFile} from 'node:child_process';
import {fileURLToPath} from 'node:url';
import {promisify} from 'node:util';

import type {Comparison} from './outcome.js';

const execute = promisify(execFile);
const child = fileURLToPath(new URL('child.js', import.meta.url));
const isolation = ['--mount', '--net', '--propagation', 'private', '--kill-child'];

/** Milliseconds; a program of a million verified instructions takes a minute on a slow machine. */
const limit = 300_000;

/** By file. *Throws:* with what the child said, where it ended without a result for each. */
export async function compareFiles(files: readonly string[]): Promise<Map<string, Comparison>> {
	if (files.length === 0) return new Map();
	const {stdout} = await execute(
		'unshare',
		[...isolation, '--fork', process.execPath, child, ...files],
		{maxBuffer: 2 ** 28, timeout: limit, killSignal: 'SIGKILL'},
	);
	const lines = stdout.split('\n').filter(line => line !== '');
	return new Map(
		files.map((file, index) => [file, JSON.parse(lines[index] ?? '') as Comparison]),
	);
}
