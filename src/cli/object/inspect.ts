/** `skep object inspect`. */

import type {Command} from 'commander';

import {outputOptions, printList, write} from '../output/print.js';

export function addInspect(object: Command): void {
	object
		.command('inspect')
		.description('show programs, maps, variables and externs; needs no privilege')
		.argument('<file>', 'object file')
		.addHelpText('after', '\nExample:\n  skep object inspect lb.bpf.o')
		.action(inspect);
}

async function inspect(file: string, _: unknown, command: Command): Promise<void> {
	const {describeType, readObject} = await import('../../index.js');
	const spec = await readObject(file);
	const options = outputOptions(command);
	const type = (id: number): string =>
		spec.types === undefined || id === 0 ? '-' : describeType(spec.types, id);
	const programs = Object.values(spec.programs).map(each => ({
		program: each.name,
		section: each.section,
		type: each.type,
		attach: each.attachType ?? '-',
		instructions: each.instructions.length / 8,
		functions: each.functions.length,
		relocations: each.coreRelocations.length,
	}));
	const maps = Object.entries(spec.maps).map(([name, each]) => ({
		map: name,
		type: each.type,
		key: each.keySize,
		value: each.valueSize,
		entries: each.maxEntries,
		flags: `0x${each.flags.toString(16)}`,
		pinning: each.pinning,
		types:
			each.contents === undefined
				? `${type(each.keyTypeId)} → ${type(each.valueTypeId)}`
				: '-',
	}));
	const variables = Object.values(spec.variables).map(each => ({
		variable: each.name,
		section: each.map,
		type: type(each.typeId),
		bytes: each.size,
		value: each.get(),
	}));
	const externs = Object.values(spec.externs).map(each => ({
		extern: each.name,
		form: each.form,
		weak: each.weak ? 'yes' : 'no',
		type: type(each.typeId),
	}));
	if (options.output !== 'table') {
		const {name, byteOrder, license} = spec;
		await printList(
			[{name, byteOrder, license, programs, maps, variables, externs}],
			() => ({}),
			options,
		);
		return;
	}

	const {cellText} = await import('../output/print.js');
	const license = spec.license === '' ? 'no license' : `license ${spec.license}`;
	write(`${spec.name}: ${spec.byteOrder}-endian, ${license}\n`);
	const tables = [
		programs,
		maps,
		variables.map(each => ({...each, value: cellText(each.value)})),
		externs,
	];
	for (const rows of tables) {
		if (rows.length > 0) write('\n');
		await printList<Record<string, string | number>>(rows, each => each, options);
	}
}
