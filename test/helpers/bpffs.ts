import {mkdtemp, rmdir} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import type {ExecutionContext} from 'ava';
import {run, uniqueName} from './run.js';

/** A bpffs of the test's own; unmounting it when the test ends removes every pin in it. */
export async function makeBpffs(t: ExecutionContext): Promise<string> {
	const folder = await mkdtemp(join(tmpdir(), `${uniqueName()}-`));
	t.teardown(async () => rmdir(folder));
	await run('mount', '-t', 'bpf', 'skep', folder);
	t.teardown(async () => {
		await run('umount', folder);
	});
	return folder;
}
