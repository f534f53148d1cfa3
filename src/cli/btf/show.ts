/** `skep btf show`. */

import type {Command} from 'commander';

import type {Btf, BtfType} from '../../index.js';
import {UsageError} from '../../base/errors.js';
import {example} from '../output/example.js';
import {outputOptions, printOne, writeLines} from '../output/print.js';
import {openTypes, sourceHelp} from './open.js';

export function addShow(btf: Command): void {
	btf.command('show')
		.description('a summary, or one type with its fields')
		.argument('<btf>', sourceHelp)
		.option('--name <type>', 'this type')
		.addHelpText('after', example('skep btf show kernel --name xdp_buff'))
		.action(show);
}

async function show(text: string, options: {name?: string}, command: Command): Promise<void> {
	const btf = await openTypes(text);
	const format = outputOptions(command);
	if (options.name === undefined) {
		const kinds: Record<string, number> = {};
		for (let id = 1; id < btf.typeCount; id++) {
			const {kind} = btf.type(id);
			kinds[kind] = (kinds[kind] ?? 0) + 1;
		}

		await printOne({types: btf.typeCount - 1, bytes: btf.bytes.length, ...kinds}, format);
		return;
	}

	const type = found(btf, options.name);
	if (format.output !== 'table') {
		await printOne(type, format);
	} else {
		writeLines(await declaration(btf, type));
	}
}

function found(btf: Btf, name: string): BtfType {
	const types = btf.findAll(name).map(id => btf.type(id));
	// A typedef and its struct often share a name: the one with fields says more.
	const type = types.find(({kind}) => kind === 'struct' || kind === 'union') ?? types[0];
	if (type === undefined) throw new UsageError(`find type "${name}": there is no such type`);
	return type;
}

/** A struct with its fields and their places; one line for everything else. */
async function declaration(btf: Btf, type: BtfType): Promise<string[]> {
	const {describeType} = await import('../../index.js');
	if (type.kind === 'enum' || type.kind === 'enum64') {
		return [
			`enum ${type.name} {`,
			...type.values.map(each => `\t${each.name} = ${each.value},`),
			'};',
		];
	}

	if (type.kind !== 'struct' && type.kind !== 'union') return [describeType(btf, type.id)];
	const members = type.members.map(({name, typeId, bitOffset, bitfieldSize}) => {
		const width = bitfieldSize > 0 ? ` : ${bitfieldSize}` : '';
		const place =
			bitOffset % 8 === 0
				? `${bitOffset / 8}`
				: `${Math.floor(bitOffset / 8)}.${bitOffset % 8}`;
		return [`\t${describeType(btf, typeId, name)}${width};`, `/* ${place} */`] as const;
	});
	const column = Math.max(0, ...members.map(([text]) => text.length)) + 2;
	return [
		`${type.kind} ${type.name} {  /* ${type.size} bytes */`,
		...members.map(([text, comment]) => text.padEnd(column) + comment),
		'};',
	];
}
