/** `.rodata*`, `.data*` and `.bss*`: each is an array map of one element, its variables inside. */

import type {Btf} from '../format/btf/btf.js';
import type {BtfDataSection} from '../format/btf/types.js';
import {type ElfSection, relocationTypes, sectionTypes} from '../format/elf/types.js';
import {mapFlags} from '../uapi/flags.js';
import type {ObjectTypes} from './fix-btf.js';
import {dataMapName} from './names.js';
import type {ObjectFile} from './object-file.js';
import {SpecError} from './spec-error.js';
import type {MapSpec} from './types.js';
import {VariableSpec} from './variable.js';

/** A map for each section, by the section's name. */
export function dataMaps(object: ObjectFile, {types, dataSections}: ObjectTypes): MapSpec[] {
	return object.data.map(section => {
		refuseAddresses(object, section);
		const map: MapSpec = {
			kind: 'map',
			name: dataMapName(object.name, section.name),
			type: 'array',
			keySize: 4,
			valueSize: section.size,
			maxEntries: 1,
			flags: isConstant(section.name) ? mapFlags.rdonly_prog : 0,
			extra: 0n,
			pinning: 'none',
			keyTypeId: 0,
			valueTypeId: dataSections.get(section.name) ?? 0,
			contents:
				section.type === sectionTypes.nobits
					? new Uint8Array(section.size)
					: Uint8Array.from(section.data),
			frozen: isConstant(section.name),
		};
		return types === undefined ? map : {...map, types};
	});
}

function isConstant(section: string): boolean {
	return section.startsWith('.rodata');
}

/** An address in data would have to be that of a map's value, which no data can hold. */
function refuseAddresses(object: ObjectFile, section: ElfSection): void {
	for (const {offset, type, symbol} of object.elf.relocations(section)) {
		if (type === relocationTypes.none) continue;
		throw new SpecError(
			`read object "${object.name}": section "${section.name}" holds the address of "${symbol.name}" at byte ${offset}: not supported`,
			{section: section.name, symbol: symbol.name},
		);
	}
}

const configSection = '.rodata.config';
const configPrefix = '__config_';

/** Those of `variables` that configure the object, by their short names. */
export function configVariables(
	variables: Readonly<Record<string, VariableSpec>>,
): Record<string, VariableSpec> {
	const config = Object.create(null) as Record<string, VariableSpec>;
	for (const [name, variable] of Object.entries(variables)) {
		if (variable.map !== configSection || !name.startsWith(configPrefix)) continue;
		config[name.slice(configPrefix.length)] = variable;
	}

	return config;
}

interface Found {
	readonly name: string;
	readonly section: ElfSection;
	readonly offset: number;
	readonly size: number;
	readonly typeId: number;
	readonly global: boolean;
}

/** The variables of all data sections, bound to the bytes of `maps`. */
export function dataVariables(
	object: ObjectFile,
	{types, dataSections}: ObjectTypes,
	maps: Readonly<Record<string, MapSpec>>,
): Record<string, VariableSpec> {
	const found: Found[] = [];
	const untyped = new Map<number, ElfSection>();
	for (const section of object.data) {
		const typed = types?.type(dataSections.get(section.name) ?? 0);
		if (types === undefined || typed?.kind !== 'datasec') untyped.set(section.index, section);
		else found.push(...fromTypes(types, typed, section));
	}

	if (untyped.size > 0) found.push(...fromSymbols(object, untyped));
	const variables = Object.create(null) as Record<string, VariableSpec>;
	for (const {key, section, ...variable} of named(object, found)) {
		const contents = maps[section.name]?.contents;
		if (contents === undefined) continue;
		variables[key] = new VariableSpec({
			name: key,
			map: section.name,
			offset: variable.offset,
			size: variable.size,
			typeId: variable.typeId,
			constant: isConstant(section.name),
			types,
			contents,
			littleEndian: object.elf.littleEndian,
		});
	}

	return variables;
}

function fromTypes(types: Btf, {variables}: BtfDataSection, section: ElfSection): Found[] {
	return variables.flatMap(({typeId, offset, size}) => {
		const type = types.type(typeId);
		// Sizes and offsets were checked when they were filled in.
		if (type.kind !== 'var') return [];
		const global = type.linkage !== 'static';
		return [{name: type.name, section, offset, size, typeId: type.typeId, global}];
	});
}

function fromSymbols(object: ObjectFile, sections: ReadonlyMap<number, ElfSection>): Found[] {
	return object.elf.declared.flatMap(({name, type, sectionIndex, value, size, binding}) => {
		const section = type === 'object' ? sections.get(sectionIndex) : undefined;
		if (section === undefined || size === 0 || name === '') return [];
		return [{name, section, offset: value, size, typeId: 0, global: binding !== 'local'}];
	});
}

/** Static variables may share a name: none of them may pass for the other. */
function named(object: ObjectFile, found: readonly Found[]): (Found & {key: string})[] {
	const count = new Map<string, number>();
	for (const {name} of found) count.set(name, (count.get(name) ?? 0) + 1);
	const keys = new Set<string>();
	return found.map(variable => {
		const {name, section, offset, global} = variable;
		const own = global || count.get(name) === 1;
		const key = own ? name : `${name}@${section.name}+${offset}`;
		if (keys.has(key)) {
			throw new SpecError(`read object "${object.name}": two variables are called "${key}"`, {
				variable: key,
				section: section.name,
			});
		}

		keys.add(key);
		return {...variable, key};
	});
}
