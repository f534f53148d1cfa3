/** Initial elements of maps of maps and program arrays: addresses in the bytes of `.maps`. */

import {viewOf} from '../base/bytes.js';
import {relocationTypes} from '../format/elf/types.js';
import type {NamedProgram} from './functions.js';
import type {MapDefinition} from './map-definitions.js';
import type {ObjectFile} from './object-file.js';
import {SpecError} from './spec-error.js';
import type {Targets} from './targets.js';

/** Slots by the map's name. *Throws:* `ERR_SPEC` for an address that is no element. */
export function readSlots(
	object: ObjectFile,
	definitions: readonly MapDefinition[],
	targets: Targets,
	programs: readonly NamedProgram[],
): Map<string, Map<number, string>> {
	const slots = new Map<string, Map<number, string>>();
	if (object.maps === undefined) return slots;
	const byOffset = [...definitions].sort((a, b) => a.offset - b.offset);
	const relocations = [...object.elf.relocations(object.maps)];
	relocations.sort((a, b) => a.offset - b.offset);
	let current = 0;
	const view = viewOf(object.maps.data);
	const programNames = new Map(programs.map(program => [program.function, program.name]));
	for (const {offset, type, symbol} of relocations) {
		if (type === relocationTypes.none) continue;
		while ((byOffset[current + 1]?.offset ?? Infinity) <= offset) current++;
		const definition = byOffset[current];
		const name = definition?.name ?? '.maps';
		const refuse = (detail: string): SpecError =>
			new SpecError(`read map "${name}": ${detail}`, {map: name, symbol: symbol.name});
		if (type !== relocationTypes.abs64 && type !== relocationTypes.wide) {
			throw refuse(`has a relocation of type ${type} at byte ${offset} of ".maps"`);
		}

		if (definition?.valuesOffset === undefined) {
			throw refuse(`byte ${offset} of ".maps" holds an address outside of any "values"`);
		}

		const index = (offset - definition.offset - definition.valuesOffset) / 8;
		if (
			!Number.isInteger(index) ||
			index < 0 ||
			offset + 8 > definition.offset + definition.size
		) {
			throw refuse(
				`byte ${offset} of ".maps" holds an address that is no element of "values"`,
			);
		}

		if (index >= definition.map.maxEntries) {
			throw refuse(
				`element ${index} of "values" is outside its ${definition.map.maxEntries} entries`,
			);
		}

		const addend = view.getBigInt64(offset, object.elf.littleEndian);
		const target = targets.find(symbol, Number(addend));
		const own = slots.get(name) ?? new Map<number, string>();
		slots.set(name, own);
		if (target.kind === 'nothing') throw refuse(`element ${index} of "values": ${target.why}`);
		if (target.kind === 'map' && definition.map.inner !== undefined) {
			own.set(index, target.map);
			continue;
		}

		const program =
			target.kind === 'function' && definition.map.inner === undefined
				? programNames.get(target.function)
				: undefined;
		if (program === undefined) {
			throw refuse(
				`element ${index} of "values" is "${symbol.name}", which is no ${definition.map.inner === undefined ? 'program' : 'map'}`,
			);
		}

		own.set(index, program);
	}

	return slots;
}
