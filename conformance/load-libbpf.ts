/** Loads an object by `bpftool prog loadall`, in the namespaces of this process. */

import {execFile} from 'node:child_process';
import {existsSync, readdirSync} from 'node:fs';
import {join} from 'node:path';
import {promisify} from 'node:util';

import {openPinnedMap, openPinnedProgram} from '../src/index.js';
import {type Facts, mapFacts, programFacts} from './facts.js';
import type {Outcome} from './outcome.js';

const execute = promisify(execFile);

/** Makes its pins in `folder`, a bpf filesystem. */
export async function loadByLibbpf(file: string, folder: string): Promise<Outcome> {
	const programs = join(folder, 'programs');
	const maps = join(folder, 'all-maps');
	const refusal = await loadAll(file, programs, 'pinmaps', maps);
	return refusal === undefined ? {facts: readPins(programs, maps)} : {error: refusal};
}

async function loadAll(...args: string[]): Promise<string | undefined> {
	try {
		await execute('bpftool', ['prog', 'loadall', ...args], {maxBuffer: 2 ** 28});
		return undefined;
	} catch (error) {
		const {stderr, killed} = error as {stderr?: string; killed?: boolean};
		if (stderr === undefined || killed === true) throw error;
		return stderr.trim();
	}
}

function readPins(programFolder: string, mapFolder: string): Facts {
	const names = new Map<number, string>();
	for (const name of pinsIn(mapFolder)) {
		using map = openPinnedMap(join(mapFolder, name));
		names.set(map.info.id, mapFacts(map));
	}

	const maps = [...names.values()].sort();
	const programs = pinsIn(programFolder).map(name => {
		using program = openPinnedProgram(join(programFolder, name));
		return [name, programFacts(program, names)] as const;
	});
	return {programs: Object.fromEntries(programs), maps};
}

const pinsIn = (folder: string): string[] => (existsSync(folder) ? readdirSync(folder).sort() : []);
