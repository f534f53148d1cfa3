import {alignUp} from '../base/bytes.js';
import type {Btf} from '../format/btf/btf.js';
import {SpecError} from './spec-error.js';

/** No configuration has so much text; a hostile file could ask for all of the memory. */
const largest = 1 << 20;

/** A setting's place in its section. */
export interface PlacedSetting {
	readonly typeId: number;
	readonly offset: number;
	readonly size: number;
}

/**
 * Lays out the variables of `.kconfig`, which no compiler places because nobody defines them: by
 * falling alignment, so that no bytes are lost between them, then by size and name. All loaders
 * that know the section use this order, so that programs are the same whoever loads them.
 *
 * *Throws:* `ERR_BTF` for a type without a size, `ERR_SPEC` for too many bytes.
 */
export function placeSettings(
	types: Btf,
	sectionId: number,
): {settings: PlacedSetting[]; size: number} {
	const section = types.type(sectionId);
	const variables = section.kind === 'datasec' ? section.variables : [];
	const sized = variables.map(({typeId}) => {
		const variable = types.type(typeId);
		const valueId = variable.kind === 'var' ? variable.typeId : 0;
		const size = types.sizeOf(valueId);
		return {typeId, name: variable.name, size, alignment: alignmentOf(types, valueId)};
	});
	sized.sort(
		(a, b) => b.alignment - a.alignment || a.size - b.size || (a.name < b.name ? -1 : 1),
	);
	let end = 0;
	const settings = sized.map(({typeId, size, alignment}) => {
		const offset = alignUp(end, alignment);
		end = offset + size;
		return {typeId, offset, size};
	});
	if (end > largest) throw new SpecError(`place settings: ${end} bytes are too many`);
	return {settings, size: end};
}

/** Settings are numbers, and arrays of characters. */
function alignmentOf(types: Btf, id: number): number {
	const type = types.resolve(id);
	const size = type.kind === 'array' ? types.sizeOf(type.elementTypeId) : types.sizeOf(id);
	return [1, 2, 4].includes(size) ? size : 8;
}
