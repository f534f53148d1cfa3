/** Builds again whatever changes. */

import {type FSWatcher, watch} from 'node:fs';
import {basename, dirname, resolve} from 'node:path';
import {setTimeout} from 'node:timers/promises';

import {EbpfError} from '../base/errors.js';
import {buildObject, type BuildOptions, type BuildResult} from './build.js';

/** One build of one source: its result, or why there is none. */
export type BuildEvent =
	| {readonly source: string; readonly result: BuildResult}
	| {readonly source: string; readonly error: EbpfError};

/** Editors write a file in several steps. */
const settle = 30;

/**
 * Builds the sources, and then each again when something it is made from changes, until the signal
 * comes. Tells of the first build of each, of builds that found something stale, and of failures.
 *
 * *Throws:* what is no fault of a source (`ERR_CLANG`, `ERR_USAGE`).
 */
export async function* watchBuild(
	sources: readonly {readonly source: string; readonly options: BuildOptions}[],
	signal: AbortSignal,
): AsyncGenerator<BuildEvent, void, void> {
	using folders = new Folders();
	/** What was said last of each source: why it does not compile, or nothing. */
	const told = new Map<string, string>();
	let isRecheck = false;
	while (!signal.aborted) {
		// Changes from here on are seen, also those that come while the compiler runs.
		folders.clear();
		for (const {source, options} of sources) {
			const event = await build(source, {...options, signal});
			if (event === undefined) return;
			folders.add(source);
			if ('result' in event) for (const path of event.result.dependencies) folders.add(path);
			const last = told.get(source);
			const message = 'error' in event ? event.error.message : '';
			told.set(source, message);
			const isBuilt = 'result' in event && event.result.reason !== undefined;
			const isRepeated = message === last && (message === '' || isRecheck);
			if (isBuilt || !isRepeated) yield event;
		}

		// Folders that were not watched until now may have changed before.
		isRecheck = folders.grew;
		if (isRecheck) continue;
		if (!(await folders.change(signal))) return;
		await setTimeout(settle, undefined, {signal}).catch(() => undefined);
	}
}

async function build(source: string, options: BuildOptions): Promise<BuildEvent | undefined> {
	try {
		return {source, result: await buildObject(source, options)};
	} catch (error) {
		if (options.signal?.aborted === true) return undefined;
		if (!(error instanceof EbpfError) || error.code !== 'ERR_COMPILE') throw error;
		return {source, error};
	}
}

/** Watches folders for changes of files in them that matter. */
class Folders implements Disposable {
	private readonly watchers = new Map<string, FSWatcher>();
	private readonly files = new Set<string>();
	private isChanged = false;
	private hasGrown = false;
	private wake: (() => void) | undefined;

	/** Was a folder added since this was asked last? */
	get grew(): boolean {
		const grew = this.hasGrown;
		this.hasGrown = false;
		return grew;
	}

	/** Forgets changes, not files: a source that does not compile still has its headers. */
	clear(): void {
		this.isChanged = false;
	}

	add(path: string): void {
		const full = resolve(path);
		const folder = dirname(full);
		this.files.add(full);
		if (this.watchers.has(folder)) return;
		try {
			const watcher = watch(folder, (_, name) => {
				// A name that the system does not tell may be any.
				if (name !== null && !this.files.has(`${folder}/${basename(name)}`)) return;
				this.isChanged = true;
				this.wake?.();
			});
			watcher.on('error', () => {
				watcher.close();
				this.watchers.delete(folder);
			});
			this.watchers.set(folder, watcher);
			this.hasGrown = true;
		} catch {
			// It is gone: what needs it will say so when it is built.
		}
	}

	/** Waits for a change; false when the signal came first. */
	async change(signal: AbortSignal): Promise<boolean> {
		const {promise, resolve: wake} = defer();
		this.wake = wake;
		signal.addEventListener('abort', wake, {once: true});
		if (this.isChanged || signal.aborted) wake();
		await promise;
		signal.removeEventListener('abort', wake);
		this.wake = undefined;
		return !signal.aborted;
	}

	[Symbol.dispose](): void {
		for (const watcher of this.watchers.values()) watcher.close();
	}
}

function defer(): {promise: Promise<void>; resolve: () => void} {
	let resolve = (): void => undefined;
	const promise = new Promise<void>(settled => {
		resolve = settled;
	});
	return {promise, resolve};
}
