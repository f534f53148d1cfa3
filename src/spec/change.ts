/** Changes to a spec that touch more than one of its parts; each gives a changed copy. */

import {UsageError} from '../base/errors.js';
import {nearest} from '../base/suggest.js';
import {resizeArray} from '../format/btf/resize-array.js';
import {copyCollectionSpec} from './copy.js';
import {configVariables} from './data-sections.js';
import {kernelName} from './names.js';
import type {CollectionSpec, MapSpec, ProgramSpec} from './types.js';
import type {VariableSpec} from './variable.js';

/**
 * A copy of `spec` in which a map has another name: for the kernel, as a pin, and wherever programs
 * and other maps refer to it.
 *
 * *Throws:* `ERR_USAGE` when there is no such map, or the name is taken.
 */
export function renameMap(spec: CollectionSpec, from: string, to: string): CollectionSpec {
	const copy = copyCollectionSpec(spec);
	const map = mapOf(copy, from);
	if (to === '' || to.includes('/')) {
		throw new UsageError(`rename map "${from}": "${to}" is no name for a pin`);
	}

	if (from !== to && copy.maps[to] !== undefined) {
		throw new UsageError(`rename map "${from}": there is a map "${to}" already`);
	}

	const maps = record<MapSpec>();
	for (const [name, each] of Object.entries(copy.maps)) {
		if (name === from) maps[to] = {...map, name: kernelName(to)};
		else maps[name] = holdsMaps(each) ? withSlots(each, from, to) : each;
	}

	const programs = record<ProgramSpec>();
	for (const [name, program] of Object.entries(copy.programs)) {
		const references = program.references.map(reference =>
			reference.map === from ? {...reference, map: to} : reference,
		);
		programs[name] = {...program, references};
	}

	const variables = record<VariableSpec>();
	for (const [name, variable] of Object.entries(copy.variables)) {
		variables[name] = variable.map === from ? variable.with({map: to}) : variable;
	}

	return {...copy, maps, programs, variables, config: configVariables(variables)};
}

/**
 * A copy of `spec` in which the array `name`, the last variable of its section, has `length`
 * elements; those that are new are 0.
 *
 * *Throws:* `ERR_USAGE` for a variable that is no array, or not the last one.
 */
export function resizeVariable(spec: CollectionSpec, name: string, length: number): CollectionSpec {
	const copy = copyCollectionSpec(spec);
	const variable = copy.variables[name];
	const refuse = (detail: string): UsageError =>
		new UsageError(`resize variable "${name}": ${detail}`);
	if (variable === undefined) {
		const close = nearest(name, Object.keys(copy.variables));
		const advice = close === undefined ? '' : `; did you mean "${close}"?`;
		throw refuse(`the object has no such variable${advice}`);
	}

	const {types} = copy;
	const section = copy.maps[variable.map];
	const array = types?.resolve(variable.typeId);
	if (types === undefined || section?.contents === undefined || array?.kind !== 'array') {
		throw refuse('it is no array');
	}

	if (!Number.isInteger(length) || length < 1) throw refuse(`${length} is no number of elements`);
	const others = Object.values(copy.variables).filter(other => other.map === variable.map);
	if (others.some(other => other.offset > variable.offset)) {
		throw refuse(`it is not the last variable of "${variable.map}"`);
	}

	const size = types.sizeOf(array.elementTypeId) * length;
	const end = variable.offset + size;
	if (end > largestValue) throw refuse(`${end} bytes are more than a map's value can have`);
	const contents = new Uint8Array(end);
	contents.set(section.contents.subarray(0, Math.min(end, section.contents.length)));
	const resized = resizeArray(types, section.valueTypeId, variable.offset, length, end);
	const maps = record<MapSpec>();
	for (const [key, map] of Object.entries(copy.maps)) {
		const own = key === variable.map ? {...map, contents, valueSize: end} : map;
		maps[key] = own.types === undefined ? own : {...own, types: resized.btf};
	}

	const variables = record<VariableSpec>();
	for (const [key, each] of Object.entries(copy.variables)) {
		const own = each.map === variable.map ? each.in(contents) : each;
		const changed = key === name ? {size, typeId: resized.arrayId} : {};
		variables[key] = own.with({types: resized.btf, ...changed});
	}

	const programs = record<ProgramSpec>();
	for (const [key, program] of Object.entries(copy.programs)) {
		programs[key] = {...program, types: resized.btf};
	}

	const config = configVariables(variables);
	return {...copy, types: resized.btf, maps, programs, variables, config};
}

/** The kernel's limit for a value that can be allocated. */
const largestValue = 0x7fff_ffff;

function mapOf(spec: CollectionSpec, name: string): MapSpec {
	const map = spec.maps[name];
	if (map !== undefined) return map;
	const close = nearest(name, Object.keys(spec.maps));
	const advice = close === undefined ? '' : `; did you mean "${close}"?`;
	throw new UsageError(`rename map "${name}": the object has no such map${advice}`);
}

function holdsMaps({type}: MapSpec): boolean {
	return type === 'array_of_maps' || type === 'hash_of_maps';
}

function withSlots(map: MapSpec, from: string, to: string): MapSpec {
	if (map.slots === undefined) return map;
	const slots = [...map.slots].map(
		([index, name]) => [index, name === from ? to : name] as const,
	);
	return {...map, slots: new Map(slots)};
}

function record<T>(): Record<string, T> {
	return Object.create(null) as Record<string, T>;
}
