/** Programs that say themselves in which slot of which program array they belong. */

import type {LegacyMap} from './legacy-maps.js';
import type {Btf} from '../format/btf/btf.js';
import {SpecError} from './spec-error.js';
import type {MapSpec, ProgramSpec} from './types.js';

/** A declaration tag on the function (`tail:MAP/SLOT`), or a section named `ID/SLOT`. */
const tagPattern = /^tail:(.+)\/(\d+)$/;
const sectionPattern = /^(0x[0-9a-f]+|\d+)\/(0x[0-9a-f]+|\d+)$/i;

/** What is needed to find tail calls, all of one object. */
export interface TailCallParts {
	readonly types: Btf | undefined;
	/** Ids of the declaration tags among `types`. */
	readonly tags: readonly number[];
	readonly legacyMaps: readonly LegacyMap[];
	readonly maps: Record<string, MapSpec>;
	readonly programs: Record<string, ProgramSpec>;
}

/**
 * Puts programs into the slots of program arrays that they ask for, in `maps`. A program in a
 * section named by slot has no type of its own: in `programs` it gets that of the others, where
 * they agree.
 *
 * *Throws:* `ERR_SPEC` for a slot that is not there, or wanted twice.
 */
export function placeTailCalls(parts: TailCallParts): void {
	const {types, tags, maps, programs} = parts;
	if (tags.length > 0 && types !== undefined) {
		const byFunction = tagsByFunction(types, tags);
		for (const {name, functions} of Object.values(programs)) {
			for (const [map, slot] of byFunction.get(functions[0]?.typeId ?? 0) ?? []) {
				placeIn(maps, map, slot, name);
			}
		}
	}

	const arrays = parts.legacyMaps.filter(({id, map}) => id && map.type === 'prog_array');
	if (arrays.length === 0) return;
	for (const program of Object.values(programs)) {
		const [, id, slot] = sectionPattern.exec(program.section) ?? [];
		const array = id === undefined ? undefined : arrays.find(map => map.id === Number(id));
		if (array === undefined) continue;
		placeIn(maps, array.name, Number(slot), program.name);
		programs[program.name] = withTypeOfOthers(program, programs);
	}
}

function tagsByFunction(
	types: Btf,
	tags: readonly number[],
): Map<number, (readonly [map: string, slot: number])[]> {
	const found = new Map<number, (readonly [string, number])[]>();
	for (const id of tags) {
		const tag = types.type(id);
		if (tag.kind !== 'decl_tag' || tag.componentIndex !== -1) continue;
		const [, map, slot] = tagPattern.exec(tag.name) ?? [];
		if (map === undefined) continue;
		const slots = found.get(tag.typeId) ?? [];
		slots.push([map, Number(slot)]);
		found.set(tag.typeId, slots);
	}

	return found;
}

function placeIn(maps: Record<string, MapSpec>, name: string, slot: number, program: string): void {
	const map = maps[name];
	const refuse = (detail: string): SpecError =>
		new SpecError(`read program "${program}": ${detail}`, {program, map: name});
	if (map === undefined) throw refuse(`it belongs into map "${name}", which is not there`);
	if (map.type !== 'prog_array') throw refuse(`map "${name}" is ${map.type}, no prog_array`);
	if (slot >= map.maxEntries) {
		throw refuse(`slot ${slot} is outside the ${map.maxEntries} entries of map "${name}"`);
	}

	const other = map.slots?.get(slot);
	if (other !== undefined && other !== program) {
		throw refuse(`slot ${slot} of map "${name}" is wanted by "${other}", too`);
	}

	maps[name] = {...map, slots: new Map([...(map.slots ?? []), [slot, program]])};
}

function withTypeOfOthers(
	program: ProgramSpec,
	programs: Readonly<Record<string, ProgramSpec>>,
): ProgramSpec {
	const others = Object.values(programs).filter(
		({type, section}) => type !== 'unspec' && !sectionPattern.test(section),
	);
	const [first] = others;
	if (program.type !== 'unspec' || first === undefined) return program;
	const {type, attachType, flags} = first;
	const agree = others.every(
		other => other.type === type && other.attachType === attachType && other.flags === flags,
	);
	return agree ? {...program, type, attachType, flags} : program;
}
