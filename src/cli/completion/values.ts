/** What an argument or an option's value can be, by what the help calls it. */

import {readdirSync} from 'node:fs';
import {networkInterfaces} from 'node:os';

import type {Argument, Option} from 'commander';

/** A word that can stand there, and what it is. */
export interface Candidate {
	readonly word: string;
	readonly description?: string;
}

export interface Values {
	/** What the shell adds of its own. */
	readonly shell: 'files' | 'folders' | 'nothing';
	readonly candidates: readonly Candidate[];
}

type Source = () => Promise<readonly Candidate[]>;

const nothing: Values = {shell: 'nothing', candidates: []};
const files: Values = {shell: 'files', candidates: []};
const folders: Values = {shell: 'folders', candidates: []};

const byName: Readonly<Record<string, Values | Source>> = {
	file: files,
	source: files,
	before: files,
	after: files,
	path: files,
	dir: folders,
	prog: async () => kernelObjects('program'),
	map: async () => kernelObjects('map'),
	link: async () => kernelObjects('link'),
	btf: types,
	module: async () => Promise.resolve(folder('/sys/kernel/btf')),
	device: interfaces,
	interface: interfaces,
};

/** Options whose value is of another kind than its name says. */
const byOption: Readonly<Record<string, Source>> = {
	'--netns': async () =>
		Promise.resolve(folder('/run/netns').map(({word}) => ({word: `/run/netns/${word}`}))),
};

export async function valuesOf(taker: Argument | Option): Promise<Values> {
	const choices = taker.argChoices;
	if (choices !== undefined) {
		return {shell: 'nothing', candidates: choices.map(word => ({word}))};
	}

	const known = 'flags' in taker ? ofOption(taker) : ofArgument(taker);
	if (typeof known !== 'function') return known ?? nothing;
	try {
		const isPath = known !== features && known !== interfaces;
		return {shell: isPath ? 'files' : 'nothing', candidates: await known()};
	} catch {
		// Without permission there are no ids to show, and nobody wants an error at the cursor.
		return files;
	}
}

function ofOption({flags, long = ''}: Option): Values | Source | undefined {
	const name = /[<[]([\w-]+)/.exec(flags)?.[1] ?? '';
	return byOption[long] ?? byName[name];
}

function ofArgument(argument: Argument): Values | Source | undefined {
	return argument.description.startsWith('features') ? features : byName[argument.name()];
}

async function kernelObjects(kind: 'program' | 'map' | 'link'): Promise<Candidate[]> {
	const {listLinks, listMaps, listPins, listPrograms} = await import('../../index.js');
	const described = {
		program: () => [...listPrograms()].map(({id, name, type}) => [id, name, type] as const),
		map: () => [...listMaps()].map(({id, name, type}) => [id, name, type] as const),
		link: () => [...listLinks()].map(({id, type}) => [id, '', type] as const),
	}[kind]();
	const pins = [...listPins()].filter(pin => pin.kind === kind);
	return [
		...described.map(([id, name, type]) => ({
			word: String(id),
			description: `${type} ${name}`.trim(),
		})),
		...pins.map(({path, id}) => ({word: path, description: `${kind} ${id}`})),
	];
}

async function types(): Promise<Candidate[]> {
	const {listBtf} = await import('../../index.js');
	return [...listBtf()].map(({id, name}) => ({word: String(id), description: name}));
}

async function features(): Promise<Candidate[]> {
	const {featureNames} = await import('../../index.js');
	return featureNames()
		.filter(name => !name.startsWith('helper:'))
		.map(word => ({word}));
}

async function interfaces(): Promise<Candidate[]> {
	const names = new Set([...Object.keys(networkInterfaces()), ...devices()]);
	return Promise.resolve([...names].map(word => ({word})));
}

const devices = () => folder('/sys/class/net').map(({word}) => word);

function folder(path: string): Candidate[] {
	try {
		return readdirSync(path).map(word => ({word}));
	} catch {
		return [];
	}
}
