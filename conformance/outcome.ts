/** What comes of loading one object, and what two loads of it tell about each other. */

import type {Facts} from './facts.js';

/** `{error}` where the object was refused. */
export type Outcome =
	| {readonly facts: Facts; readonly error?: undefined}
	| {readonly error: string; readonly facts?: undefined};

/** What skep takes the name of a code section for. */
export interface SectionReading {
	readonly section: string;
	readonly type: string;
	readonly attachType: string;
}

/** What a child process prints. */
export interface Comparison {
	/** Undefined where it was loaded. */
	readonly libbpf: string | undefined;
	readonly skep: string | undefined;
	readonly programs: number;
	readonly maps: number;
	readonly instructions: number;
	/** What is not the same although both loaded it. */
	readonly differences: readonly string[];
	readonly sections: readonly SectionReading[];
}

export function compare(
	libbpf: Outcome,
	skep: Outcome,
	sections: readonly SectionReading[],
): Comparison {
	const facts = skep.facts ?? libbpf.facts;
	const programs = Object.values(facts?.programs ?? {});
	return {
		libbpf: libbpf.error,
		skep: skep.error,
		programs: programs.length,
		maps: facts?.maps.length ?? 0,
		instructions: programs.reduce((sum, {code}) => sum + code.length, 0),
		differences:
			libbpf.facts === undefined || skep.facts === undefined
				? []
				: differences(libbpf.facts, skep.facts),
		sections,
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
	const without = (all: readonly string[], taken: readonly string[]): string[] => {
		const left = [...taken];
		return all.filter(each => {
			const at = left.indexOf(each);
			if (at >= 0) left.splice(at, 1);
			return at < 0;
		});
	};
	return [
		...without(theirs, ours).map(each => `${what} missing: ${each}`),
		...without(ours, theirs).map(each => `${what} too many: ${each}`),
	];
}
