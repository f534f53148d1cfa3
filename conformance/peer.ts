/** Objects in the hands of libbpf: by bpftool, and by a program of our own where that is not enough. */

import {execFileSync} from 'node:child_process';
import {existsSync, mkdirSync, readdirSync, statSync} from 'node:fs';
import {join} from 'node:path';

import {openPinnedMap, openPinnedProgram} from '../src/index.js';
import {type Facts, mapFacts, programFacts} from './facts.js';
import {build, project} from './folders.js';
import type {Outcome, SectionReadings} from './outcome.js';
import {run} from './run.js';

const source = join(project, 'conformance/peer.c');
const peer = join(build, 'peer');

/** *Throws:* where there is no C compiler or no libbpf to build with. */
export function buildPeer(): void {
	if (existsSync(peer) && statSync(peer).mtimeMs > statSync(source).mtimeMs) return;
	mkdirSync(build, {recursive: true});
	const own = `${peer}.${process.pid}`;
	execFileSync('g++', ['-x', 'c', '-O1', '-Wall', '-Wextra', '-o', own, source, '-lbpf']);
	execFileSync('mv', [own, peer]);
}

/** How libbpf reads the names of code sections; none where it cannot open the object. */
export async function sectionsOfLibbpf(file: string): Promise<SectionReadings> {
	const {stdout} = await run(peer, [file]);
	return stdout
		.split('\n')
		.filter(line => line !== '' && !hasOwnMeaning(line))
		.map(line => line.replace(/^\?/, ''));
}

/** Attach types of these are numbers of another kind, or given before the load. */
export function hasOwnMeaning(line: string): boolean {
	const [, type = ''] = line.split('\t');
	return ['struct_ops', 'ext', 'unspec'].includes(type);
}

/** Loads an object by `bpftool prog loadall`; makes its pins in `folder`, a bpf filesystem. */
export async function loadByLibbpf(file: string, folder: string): Promise<Outcome> {
	const programs = join(folder, 'programs');
	const maps = join(folder, 'all-maps');
	const args = ['prog', 'loadall', file, programs, 'pinmaps', maps];
	const {error} = await run('bpftool', args);
	if (error === undefined) return {facts: readPins(programs, maps)};
	if (!/pin/.test(error.split('\n').slice(-4).join('\n'))) return {error};

	// It cannot pin objects of which it loads only some programs, or that pin maps themselves.
	for (const path of [programs, maps]) execFileSync('rm', ['-rf', path]);
	const again = await run(peer, [file, folder]);
	if (again.error !== undefined) return {error: again.error};
	return {facts: readPins(programs, maps)};
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
