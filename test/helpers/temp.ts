import {mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import type {ExecutionContext} from 'ava';
import {uniqueName} from './run.js';

/** An empty folder of the test's own, removed with everything in it when the test ends. */
export async function makeTempFolder(t: ExecutionContext): Promise<string> {
	const folder = await mkdtemp(join(tmpdir(), `${uniqueName()}-`));
	t.teardown(async () => rm(folder, {recursive: true, force: true}));
	return folder;
}
