/**
 * Maps declared as plain structs in the section `maps`: `struct bpf_map_def` of any loader that
 * read such, and `struct bpf_elf_map` of iproute2. Only their size tells them apart.
 */

import {viewOf} from '../base/bytes.js';
import type {Btf} from '../format/btf/btf.js';
import type {ElfSection, ElfSymbol} from '../format/elf/types.js';
import {mapFlags} from '../uapi/flags.js';
import {mapTypeName} from '../uapi/map-types.js';
import {normaliseMap} from './map-rules.js';
import {kernelName} from './names.js';
import type {ObjectFile} from './object-file.js';
import {SpecError} from './spec-error.js';
import type {MapSpec} from './types.js';

export interface LegacyMap {
	readonly map: MapSpec;
	readonly name: string;
	readonly section: ElfSection;
	/** Bytes from the start of the section. */
	readonly offset: number;
	/** By which iproute2's objects refer to it: `SEC("ID/SLOT")`, `inner_id`. */
	readonly id?: number;
}

/** The fields, each of 4 bytes; without flags in the oldest objects. */
const oldestSize = 16;
const plainSize = 20;
/** Then id and pinning. */
const pinnedSize = 28;
/** `struct bpf_elf_map`: then also inner_id and inner_idx. */
const elfMapSize = 36;

interface Draft {
	readonly name: string;
	readonly section: ElfSection;
	readonly offset: number;
	readonly fields: readonly number[];
	/** Whether what follows the first five fields is understood. */
	readonly extended: boolean;
}

/** *Throws:* `ERR_SPEC` for a symbol that declares no map, or more than is understood. */
export function readLegacyMaps(object: ObjectFile, types: Btf | undefined): LegacyMap[] {
	if (object.legacyMaps.length === 0) return [];
	const drafts = object.legacyMaps.flatMap(section => readSection(object, section));
	return drafts.map(draft => {
		const map = mapOf(draft, types);
		const inner = innerOf(draft, map, drafts, types);
		const {name, section, offset, fields, extended} = draft;
		const id = extended ? fields[5] : undefined;
		const whole = {map: {...map, ...inner}, name, section, offset};
		return id === undefined || id === 0 ? whole : {...whole, id};
	});
}

function readSection(object: ObjectFile, section: ElfSection): Draft[] {
	const symbols = object.elf.declared.filter(
		({name, type, sectionIndex}) =>
			sectionIndex === section.index && name !== '' && type !== 'section',
	);
	symbols.sort((a, b) => a.value - b.value);
	const littleEndian = object.elf.littleEndian;
	return symbols.map((symbol, index) => {
		const next = symbols[index + 1]?.value ?? section.size;
		return readDraft(symbol, section, next, littleEndian);
	});
}

/** A symbol's own size where it has one, else the room up to the next. */
function readDraft(
	symbol: ElfSymbol,
	section: ElfSection,
	next: number,
	littleEndian: boolean,
): Draft {
	const {name, value: offset} = symbol;
	const size = symbol.size > 0 ? symbol.size : next - offset;
	if (size < oldestSize) throw malformed(name, `${size} bytes in "${section.name}" are too few`);
	if (offset + size > next) {
		throw malformed(name, `its ${size} bytes in "${section.name}" reach into the next map`);
	}

	const bytes = section.data.subarray(offset, offset + size);
	const view = viewOf(bytes);
	const u32 = (at: number): number => (at + 4 <= size ? view.getUint32(at, littleEndian) : 0);
	const fields = Array.from({length: elfMapSize / 4}, (_, index) => u32(index * 4));
	const extended = size === elfMapSize || (size === pinnedSize && (fields[6] ?? 0) <= 2);
	const known = extended ? size : Math.min(size, plainSize);
	const unknown = bytes.subarray(known).findIndex(byte => byte !== 0);
	if (unknown >= 0) {
		throw malformed(
			name,
			`byte ${known + unknown} of its ${size} in "${section.name}" is not understood`,
		);
	}

	return {name, section, offset, fields, extended};
}

/** No pin, one for each object, one for all: where, the loader is told. */
const pinnings = ['none', 'by-name', 'by-name'] as const;

function mapOf({name, fields, extended}: Draft, types: Btf | undefined): MapSpec {
	const [type = 0, keySize = 0, valueSize = 0, maxEntries = 0, flags = 0, , pin = 0] = fields;
	const pinning = pinnings[extended ? pin : 0];
	if (pinning === undefined) throw malformed(name, `pinning ${pin} is not known`);
	const {key, value} = annotation(name, types, keySize, valueSize);
	const map: MapSpec = {
		kind: 'map',
		name: kernelName(name),
		type: mapTypeName(type),
		keySize,
		valueSize,
		maxEntries,
		flags: (flags & ~mapFlags.numa_node) >>> 0,
		extra: 0n,
		pinning,
		keyTypeId: key,
		valueTypeId: value,
		...(types === undefined ? {} : {types}),
	};
	return normaliseMap(map, detail => malformed(name, detail));
}

/** Types of key and value, where a struct beside the map names them for debuggers. */
function annotation(
	name: string,
	types: Btf | undefined,
	keySize: number,
	valueSize: number,
): {key: number; value: number} {
	const struct = types?.find(`____btf_map_${name}`, 'struct');
	const idOf = (member: string, size: number): number => {
		const id = struct?.members.find(({name}) => name === member)?.typeId ?? 0;
		return id !== 0 && types?.sizeOf(id) === size ? id : 0;
	};
	return {key: idOf('key', keySize), value: idOf('value', valueSize)};
}

/** What the outer map names by id is both the template of its elements and one of them. */
function innerOf(
	{name, fields, extended}: Draft,
	{type, maxEntries}: MapSpec,
	all: readonly Draft[],
	types: Btf | undefined,
): Partial<MapSpec> {
	const innerId = extended ? (fields[7] ?? 0) : 0;
	if (type !== 'array_of_maps' && type !== 'hash_of_maps') return {};
	if (innerId === 0) throw malformed(name, `a map of type ${type} needs the id of an inner map`);
	const inner = all.find(({fields, extended}) => extended && fields[5] === innerId);
	if (inner === undefined) throw malformed(name, `there is no map with the id ${innerId}`);
	const template = mapOf(inner, types);
	if (template.type === 'array_of_maps' || template.type === 'hash_of_maps') {
		throw malformed(name, 'an inner map cannot hold maps or programs');
	}

	// As a signed number: below zero it is in no slot.
	const index = (inner.fields[8] ?? 0) | 0;
	if (index >= maxEntries) {
		throw malformed(name, `element ${index} is outside its ${maxEntries} entries`);
	}

	const slots = index < 0 ? {} : {slots: new Map([[index, inner.name]])};
	return {inner: {...template, pinning: 'none'}, ...slots};
}

function malformed(map: string, detail: string): SpecError {
	return new SpecError(`read map "${map}": ${detail}`, {map});
}
