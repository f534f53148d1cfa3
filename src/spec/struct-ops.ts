/** Variables of `.struct_ops`: structs of the kernel whose functions are programs. */

import type {BtfComposite} from '../format/btf/types.js';
import {type ElfSection, relocationTypes} from '../format/elf/types.js';
import {viewOf} from '../base/bytes.js';
import {mapFlags} from '../uapi/flags.js';
import type {ObjectTypes} from './fix-btf.js';
import type {NamedProgram} from './functions.js';
import {kernelName} from './names.js';
import type {ObjectFile} from './object-file.js';
import {SpecError} from './spec-error.js';
import type {Targets} from './targets.js';
import type {MapSpec, ProgramSpec} from './types.js';

/**
 * Their maps, by the variable's name. A section's name says whether they are attached by a link
 * (`.link`), and whether they are made only when asked for (`?`).
 *
 * *Throws:* `ERR_SPEC` for what is no such struct.
 */
export function readStructOps(
	object: ObjectFile,
	types: ObjectTypes,
	targets: Targets,
	programs: readonly NamedProgram[],
): [name: string, map: MapSpec][] {
	return object.structOps.flatMap(section =>
		readSection(object, section, types, targets, programs),
	);
}

function readSection(
	object: ObjectFile,
	section: ElfSection,
	{types, dataSections}: ObjectTypes,
	targets: Targets,
	programs: readonly NamedProgram[],
): [string, MapSpec][] {
	const typed = types?.type(dataSections.get(section.name) ?? 0);
	if (types === undefined || typed?.kind !== 'datasec') {
		throw new SpecError(
			`read object "${object.name}": section "${section.name}" has no types: compile with -g`,
			{section: section.name},
		);
	}

	const link = section.name.endsWith('.link');
	const autocreate = !section.name.startsWith('?');
	const variables = typed.variables.map(({typeId, offset, size}) => {
		const variable = types.type(typeId);
		const struct = types.resolve(variable.kind === 'var' ? variable.typeId : 0);
		const {name} = variable;
		if (struct.kind !== 'struct' || struct.name === '') {
			throw refusal(name, `is ${struct.kind}, not a struct of the kernel's`);
		}

		return {name, struct, offset, size, functions: new Map<string, string>()};
	});
	const names = new Map(programs.map(program => [program.function, program.name]));
	const view = viewOf(section.data);
	for (const {offset, type, symbol} of object.elf.relocations(section)) {
		if (type === relocationTypes.none) continue;
		const owner = variables.find(
			variable => offset >= variable.offset && offset + 8 <= variable.offset + variable.size,
		);
		const name = owner?.name ?? section.name;
		const member = owner && memberAt(owner.struct, offset - owner.offset);
		if (type !== relocationTypes.abs64 && type !== relocationTypes.wide) {
			throw refusal(name, `has a relocation of type ${type} at byte ${offset}`);
		}

		const target = targets.find(
			symbol,
			Number(view.getBigInt64(offset, object.elf.littleEndian)),
		);
		const program = target.kind === 'function' ? names.get(target.function) : undefined;
		if (owner === undefined || member === undefined || program === undefined) {
			throw refusal(name, `byte ${offset} holds "${symbol.name}", which is no program`);
		}

		owner.functions.set(member, program);
	}

	return variables.map(({name, struct, offset, size, functions}) => {
		// A slice of a Buffer would be a view into the file.
		const contents = Uint8Array.from(section.data.subarray(offset, offset + size));
		for (const {name, bitOffset} of struct.members) {
			// What a compiler leaves there for a linker to add to.
			if (functions.has(name)) contents.fill(0, bitOffset / 8, bitOffset / 8 + 8);
		}

		const map: MapSpec = {
			kind: 'map',
			name: kernelName(name),
			type: 'struct_ops',
			keySize: 4,
			valueSize: 0,
			maxEntries: 1,
			flags: link ? mapFlags.link : 0,
			extra: 0n,
			pinning: 'none',
			keyTypeId: 0,
			valueTypeId: 0,
			types,
			structOps: {struct: struct.name, typeId: struct.id, contents, functions, link},
		};
		return [name, autocreate ? map : {...map, autocreate}];
	});
}

function memberAt({members}: BtfComposite, offset: number): string | undefined {
	return members.find(({bitOffset}) => bitOffset === offset * 8)?.name;
}

/**
 * Tells programs in which member of which struct they are.
 *
 * *Throws:* `ERR_SPEC` for one that is in several.
 */
export function placeStructOps(
	maps: Readonly<Record<string, MapSpec>>,
	programs: Record<string, ProgramSpec>,
): void {
	for (const [name, {structOps}] of Object.entries(maps)) {
		if (structOps === undefined) continue;
		const {struct} = structOps;
		for (const [member, key] of structOps.functions) {
			const program = programs[key];
			if (program === undefined) continue;
			const before = program.structOps;
			if (before !== undefined && (before.struct !== struct || before.member !== member)) {
				throw refusal(
					name,
					`"${key}" is ${struct}.${member} here, ${before.struct}.${before.member} elsewhere`,
				);
			}

			programs[key] = {...program, structOps: {struct, member}};
		}
	}
}

function refusal(map: string, detail: string): SpecError {
	return new SpecError(`read map "${map}": ${detail}`, {map});
}
