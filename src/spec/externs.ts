/** What an object declares and leaves to the running kernel: settings, variables, functions. */

import type {Btf} from '../format/btf/btf.js';
import {specialSections} from '../format/elf/types.js';
import {mapFlags} from '../uapi/flags.js';
import type {ObjectTypes} from './fix-btf.js';
import {dataMapName, settingsSection} from './names.js';
import type {ObjectFile} from './object-file.js';
import {SpecError} from './spec-error.js';
import type {ExternSpec, MapSpec} from './types.js';

const symbolsSection = '.ksyms';

/** Externs by name, those only that code or data refers to. *Throws:* `ERR_SPEC`. */
export function readExterns(
	object: ObjectFile,
	{types, dataSections}: ObjectTypes,
): Record<string, ExternSpec> {
	const externs = Object.create(null) as Record<string, ExternSpec>;
	const sections = [settingsSection, symbolsSection].filter(name => dataSections.has(name));
	if (types === undefined || sections.length === 0) return externs;

	const weak = new Map(
		object.elf.declared
			.filter(({sectionIndex}) => sectionIndex === specialSections.undefined)
			.map(({name, binding}) => [name, binding === 'weak']),
	);
	for (const section of sections) {
		const typed = types.type(dataSections.get(section) ?? 0);
		if (typed.kind !== 'datasec') continue;
		for (const {typeId, offset, size} of typed.variables) {
			const {name} = types.type(typeId);
			const isWeak = weak.get(name);
			// Declared, and used by no code.
			if (isWeak === undefined) continue;
			const form = formOf(object, types, section, typeId);
			const place = form === 'setting' ? {offset, size} : {offset: 0, size: 0};
			externs[name] = {kind: 'extern', name, form, weak: isWeak, typeId, ...place};
		}
	}

	return externs;
}

function formOf(
	object: ObjectFile,
	types: Btf,
	section: string,
	typeId: number,
): ExternSpec['form'] {
	const type = types.type(typeId);
	if (type.kind === 'func' && section === symbolsSection) return 'function';
	if (type.kind !== 'var') {
		throw new SpecError(
			`read object "${object.name}": extern "${type.name}" of "${section}" is ${type.kind}`,
			{section, symbol: type.name},
		);
	}

	if (section === settingsSection) return 'setting';
	return types.resolve(type.typeId).kind === 'void' ? 'address' : 'variable';
}

/** The map of the settings, whose bytes are filled in when it is loaded. */
export function settingsMap(
	object: ObjectFile,
	{types, dataSections}: ObjectTypes,
	externs: Readonly<Record<string, ExternSpec>>,
): MapSpec | undefined {
	const settings = Object.values(externs).filter(({form}) => form === 'setting');
	if (types === undefined || settings.length === 0) return undefined;
	const typeId = dataSections.get(settingsSection) ?? 0;
	const typed = types.type(typeId);
	const size = typed.kind === 'datasec' ? typed.size : 0;
	return {
		kind: 'map',
		name: dataMapName(object.name, settingsSection),
		type: 'array',
		keySize: 4,
		valueSize: size,
		maxEntries: 1,
		flags: mapFlags.rdonly_prog,
		extra: 0n,
		pinning: 'none',
		keyTypeId: 0,
		valueTypeId: typeId,
		contents: new Uint8Array(size),
		frozen: true,
		types,
	};
}
