/** From the bytes of an object file to the specs of what is in it. */

import {readFile} from 'node:fs/promises';
import {basename} from 'node:path';
import {EbpfError, UsageError} from '../base/errors.js';
import {parseElf} from '../format/elf/elf.js';
import type {ElfSection} from '../format/elf/types.js';
import {Bodies} from './body.js';
import {CodeInfo} from './code-info.js';
import {configVariables, dataMaps, dataVariables} from './data-sections.js';
import {readExterns, settingsMap} from './externs.js';
import {type ObjectTypes, readTypes} from './fix-btf.js';
import {findFunctions, type Functions} from './functions.js';
import {type LegacyMap, readLegacyMaps} from './legacy-maps.js';
import {Linker} from './link.js';
import {type MapDefinition, readMapDefinitions} from './map-definitions.js';
import {readSlots} from './map-slots.js';
import {settingsSection} from './names.js';
import {type ObjectFile, sortSections} from './object-file.js';
import {SpecError} from './spec-error.js';
import {placeStructOps, readStructOps} from './struct-ops.js';
import {placeTailCalls} from './tail-calls.js';
import {Targets} from './targets.js';
import type {CollectionSpec, MapSpec} from './types.js';

export interface ParseObjectOptions {
	/** Prefixes the kernel's names of data-section maps; `object` unless given. */
	readonly name?: string;
}

/**
 * Reads a BPF object that clang made, of either byte order. Needs no kernel and no privilege;
 * `bytes` must not change while the result is used.
 *
 * *Throws:* `ERR_ELF` and `ERR_BTF` for a damaged file, `ERR_SPEC` for what cannot be loaded,
 * naming the program, map or symbol.
 */
export function parseObject(bytes: Uint8Array, options: ParseObjectOptions = {}): CollectionSpec {
	for (const key of Object.keys(options)) {
		if (key !== 'name') throw new UsageError(`parse object: unknown option "${key}"`);
	}

	const {name = 'object'} = options;
	const elf = parseElf(bytes);
	const object = sortSections(elf, name, bytes.length);
	const objectTypes = readTypes(object);
	const {types} = objectTypes;
	const functions = findFunctions(object);
	const definitions = mapDefinitions(object, objectTypes);
	const legacyMaps = readLegacyMaps(object, types);
	const mapAt = mapsBySection(object, definitions, legacyMaps);
	const externs = readExterns(object, objectTypes);
	const targets = new Targets(object, functions, mapAt, externs);
	const maps = allMaps(object, objectTypes, {definitions, legacyMaps}, targets, functions);
	for (const [key, map] of readStructOps(object, objectTypes, targets, functions.programs)) {
		if (maps[key] !== undefined) {
			throw new SpecError(`read object "${name}": two maps are called "${key}"`, {map: key});
		}

		maps[key] = map;
	}

	const settings = settingsMap(object, objectTypes, externs);
	if (settings !== undefined) maps[settingsSection] = settings;
	const info = new CodeInfo(object.btfExt?.data, types);
	const linker = new Linker(object, new Bodies(elf, targets), info, types);
	const programs = linker.link(functions);
	placeTailCalls({types, tags: objectTypes.tags, legacyMaps, maps, programs});
	placeStructOps(maps, programs);
	const variables = dataVariables(object, objectTypes, maps);
	return {
		kind: 'collection',
		name,
		byteOrder: elf.littleEndian ? 'little' : 'big',
		license: object.license,
		types,
		maps,
		programs,
		variables,
		config: configVariables(variables),
		externs,
	};
}

function mapDefinitions(object: ObjectFile, {types, dataSections}: ObjectTypes): MapDefinition[] {
	const section = types?.type(dataSections.get('.maps') ?? 0);
	const definitions =
		types === undefined || section?.kind !== 'datasec'
			? []
			: readMapDefinitions(types, section);
	if (object.maps !== undefined && definitions.length === 0) {
		throw new SpecError(
			`read object "${object.name}": section ".maps" has no types: compile with -g`,
			{section: '.maps'},
		);
	}

	return definitions;
}

function mapsBySection(
	object: ObjectFile,
	definitions: readonly MapDefinition[],
	legacyMaps: readonly LegacyMap[],
): Map<ElfSection, Map<number, string>> {
	const bySection = new Map<ElfSection, Map<number, string>>();
	for (const section of object.legacyMaps) bySection.set(section, new Map());
	for (const {section, offset, name} of legacyMaps) bySection.get(section)?.set(offset, name);
	if (object.maps !== undefined) {
		bySection.set(object.maps, new Map(definitions.map(({offset, name}) => [offset, name])));
	}

	return bySection;
}

function allMaps(
	object: ObjectFile,
	types: ObjectTypes,
	{
		definitions,
		legacyMaps,
	}: {definitions: readonly MapDefinition[]; legacyMaps: readonly LegacyMap[]},
	targets: Targets,
	functions: Functions,
): Record<string, MapSpec> {
	const slots = readSlots(object, definitions, targets, functions.programs);
	const maps = Object.create(null) as Record<string, MapSpec>;
	for (const {map, name} of [...definitions, ...legacyMaps]) {
		if (maps[name] !== undefined) {
			throw new SpecError(`read object "${object.name}": two maps are called "${name}"`, {
				map: name,
			});
		}

		const own = slots.get(name);
		maps[name] = own === undefined ? map : {...map, slots: own};
	}

	for (const [index, map] of dataMaps(object, types).entries()) {
		const section = object.data[index];
		if (section !== undefined) maps[section.name] = map;
	}

	return maps;
}

/**
 * Reads an object file; its base name without `.bpf.o` or `.o` is the collection's name.
 *
 * *Throws:* `ERR_SPEC` naming the file, with the reason as `cause`.
 */
export async function readObject(path: string): Promise<CollectionSpec> {
	const name = basename(path).replace(/(\.bpf)?\.o$/, '');
	try {
		return parseObject(await readFile(path), {name});
	} catch (cause) {
		if (!(cause instanceof EbpfError) && !isSystemError(cause)) throw cause;
		// The reader knows the file by its base name only.
		const detail = cause.message.replace(`read object "${name}": `, '');
		throw new SpecError(`read object "${path}": ${detail}`, {file: path}, {cause});
	}
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
	return error instanceof Error && 'syscall' in error;
}
