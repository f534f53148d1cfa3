/** What earlier runs left to be compared with: small files in the user's cache. */

import {createHash, randomUUID} from 'node:crypto';
import {mkdirSync, readFileSync, renameSync, rmSync, writeFileSync} from 'node:fs';
import {homedir} from 'node:os';
import {dirname, join} from 'node:path';

/** `$XDG_CACHE_HOME/skep`, or `~/.cache/skep`. */
export function cacheFolder(): string {
	const home = process.env['XDG_CACHE_HOME'];
	return join(home === undefined || home === '' ? join(homedir(), '.cache') : home, 'skep');
}

function pathOf(kind: string, key: string, folder: string): string {
	const name = createHash('sha256').update(key).digest('hex').slice(0, 32);
	return join(folder, kind, `${name}.json`);
}

/** What was written for `key`; undefined where nothing was, or it cannot be read any more. */
export function readRecord(kind: string, key: string, folder = cacheFolder()): unknown {
	try {
		const text = readFileSync(pathOf(kind, key, folder), 'utf8');
		return JSON.parse(text) as unknown;
	} catch {
		return undefined;
	}
}

/** Writes a record, whole or not at all; one that cannot be written is only missed later. */
export function writeRecord(
	kind: string,
	key: string,
	value: unknown,
	folder = cacheFolder(),
): void {
	const path = pathOf(kind, key, folder);
	const own = `${path}.${randomUUID()}`;
	try {
		mkdirSync(dirname(path), {recursive: true});
		writeFileSync(own, JSON.stringify(value));
		renameSync(own, path);
	} catch {
		removeIfThere(own);
	}
}

function removeIfThere(path: string): void {
	try {
		rmSync(path, {force: true});
	} catch {
		// Where there is no folder, there is nothing to remove.
	}
}
