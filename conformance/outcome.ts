/** What comes of loading one object, and what two loads of it tell about each other. */

import type {Facts} from './facts.js';

/** `{error}` where the object was refused. */
export type Outcome =
	| {readonly facts: Facts; readonly error?: undefined}
	| {readonly error: string; readonly facts?: undefined};

/** What the names of code sections are taken for, a line each: section, type, attach type. */
export type SectionReadings = readonly string[];

/** What a child process prints, a line for each object. */
export interface Comparison {
	/** Why it was refused; undefined where it was loaded. */
	readonly libbpf?: string;
	readonly skep?: string;
	readonly programs: number;
	readonly maps: number;
	/** What is not the same although both loaded it. */
	readonly differences: readonly string[];
}

export function compare(
	libbpf: Outcome,
	skep: Outcome,
	sections: {readonly libbpf: SectionReadings; readonly skep: SectionReadings},
): Comparison {
	const facts = skep.facts ?? libbpf.facts;
	const found = setDifference('section', sections.libbpf, sections.skep);
	if (libbpf.facts !== undefined && skep.facts !== undefined) {
		found.push(...differences(libbpf.facts, skep.facts));
	}

	return {
		...(libbpf.error === undefined ? {} : {libbpf: libbpf.error}),
		...(skep.error === undefined ? {} : {skep: skep.error}),
		programs: Object.keys(facts?.programs ?? {}).length,
		maps: facts?.maps.length ?? 0,
		differences: found,
	};
}

function differences(libbpf: Facts, skep: Facts): string[] {
	const found = setDifference('map', libbpf.maps, skep.maps);
	found.push(
		...setDifference('program', Object.keys(libbpf.programs), Object.keys(skep.programs)),
	);
	for (const [name, theirs] of Object.entries(libbpf.programs)) {
		const ours = skep.programs[name];
		if (ours === undefined) continue;
		for (const fact of ['type', 'attachBtfId', 'functions', 'lines'] as const) {
			if (theirs[fact] === ours[fact]) continue;
			found.push(`${name}: ${fact} is ${ours[fact]}, not ${theirs[fact]}`);
		}

		const length = Math.max(theirs.code.length, ours.code.length);
		const at = Array.from({length}, (_, line) => line).find(
			line => theirs.code[line] !== ours.code[line],
		);
		if (at !== undefined) {
			const [here, there] = [ours.code[at] ?? 'nothing', theirs.code[at] ?? 'nothing'];
			found.push(`${name}: instruction ${at} is ${here}, not ${there}`);
		}
	}

	return found;
}

/** Of lists in which the same may stand more than once. */
function setDifference(what: string, theirs: readonly string[], ours: readonly string[]): string[] {
	return [
		...without(theirs, ours).map(each => `${what} missing: ${each}`),
		...without(ours, theirs).map(each => `${what} too many: ${each}`),
	];
}

function without(all: readonly string[], taken: readonly string[]): string[] {
	const left = [...taken];
	return all.filter(each => {
		const at = left.indexOf(each);
		if (at >= 0) left.splice(at, 1);
		return at < 0;
	});
}
