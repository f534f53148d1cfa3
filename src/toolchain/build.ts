/** Compiles what is stale. */

import {createHash} from 'node:crypto';
import {readFile, stat} from 'node:fs/promises';
import {resolve} from 'node:path';

import {type Clang, findClang} from './clang.js';
import {compileFlags, compileObject, type CompileOptions, objectPath} from './compile.js';
import type {Diagnostic} from './diagnostics.js';
import {readRecord, writeRecord} from './records.js';

/** What is built, and how. */
export interface BuildOptions extends CompileOptions {
	/** Compiles in any case. */
	readonly force?: boolean;
	/** Where it is noted what objects were made from; the user's cache unless given. */
	readonly cache?: string;
}

/** What a build made. */
export interface BuildResult {
	readonly output: string;
	/** Why it was compiled: `limit.h changed`; undefined where the object was up to date. */
	readonly reason: string | undefined;
	/** Of this compilation. */
	readonly warnings: readonly Diagnostic[];
	readonly clang: Clang;
	/** The source and every header it included. */
	readonly dependencies: readonly string[];
}

interface FileState {
	readonly path: string;
	readonly size: number;
	/** Nanoseconds, as text. */
	readonly modified: string;
	readonly hash: string;
}

interface Record {
	readonly format: 1;
	/** The compiler, its version, all flags, and where it ran. */
	readonly command: string;
	readonly object: FileState;
	readonly dependencies: readonly FileState[];
}

const kind = 'build';

/**
 * Compiles a source unless its object is what the same compiler with the same flags would make of
 * the same files: the source and all it includes, system headers as well. A header that is new and
 * would be found before another is not noticed.
 *
 * *Throws:* as `compileObject`.
 */
export async function buildObject(
	source: string,
	options: BuildOptions = {},
): Promise<BuildResult> {
	const {force = false, cache, ...compileOptions} = options;
	const clang = await findClang(options.clang, options.signal);
	const output = objectPath(source, compileOptions);
	const command = JSON.stringify([
		clang.path,
		clang.version,
		compileFlags(compileOptions),
		options.debug ?? false,
		process.cwd(),
		source,
	]);
	const known = readRecord(kind, resolve(output), cache) as Partial<Record> | undefined;
	const reason = force ? 'asked for' : await staleness(known, command, output);
	if (reason === undefined) {
		const dependencies = known?.dependencies?.map(({path}) => path) ?? [];
		return {output, reason, warnings: [], clang, dependencies};
	}

	// Files that change while the compiler reads them are older than their states, and so stale.
	const began = BigInt(Date.now()) * 1_000_000n;
	const {warnings, dependencies} = await compileObject(source, compileOptions);
	const states = await Promise.all(dependencies.map(async path => stateOf(path)));
	const object = await stateOf(output);
	const isSettled = states.every(state => state !== undefined && BigInt(state.modified) < began);
	if (isSettled && object !== undefined) {
		const record = {format: 1, command, object, dependencies: states};
		writeRecord(kind, resolve(output), record, cache);
	}

	return {output, reason, warnings, clang, dependencies};
}

async function staleness(
	known: Partial<Record> | undefined,
	command: string,
	output: string,
): Promise<string | undefined> {
	const {format, object, dependencies} = known ?? {};
	if (format !== 1 || object === undefined || dependencies === undefined) return 'not built yet';
	if (known?.command !== command) return 'the compiler or its flags changed';
	if (await hasChanged(object)) return `${output} is not what was built`;
	const changed = await Promise.all(dependencies.map(async each => hasChanged(each)));
	const first = dependencies[changed.indexOf(true)];
	return first === undefined ? undefined : `${first.path} changed`;
}

async function hasChanged(state: FileState): Promise<boolean> {
	try {
		const {size, mtimeNs} = await stat(state.path, {bigint: true});
		if (Number(size) === state.size && String(mtimeNs) === state.modified) return false;
		return (await hashOf(state.path)) !== state.hash;
	} catch {
		return true;
	}
}

async function stateOf(path: string): Promise<FileState | undefined> {
	try {
		const {size, mtimeNs} = await stat(path, {bigint: true});
		return {path, size: Number(size), modified: String(mtimeNs), hash: await hashOf(path)};
	} catch {
		return undefined;
	}
}

async function hashOf(path: string): Promise<string> {
	return createHash('sha256')
		.update(await readFile(path))
		.digest('hex');
}
