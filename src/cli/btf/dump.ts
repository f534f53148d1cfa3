/** `skep btf dump`. */

import {type Command, Option} from 'commander';

import type {Btf, BtfType} from '../../index.js';
import {UsageError} from '../../base/errors.js';
import {collect} from '../arguments.js';
import {example} from '../output/example.js';
import {outputOptions, printList, write, writeLines} from '../output/print.js';
import {openTypes, sourceHelp} from './open.js';

export function addDump(btf: Command): void {
	btf.command('dump')
		.description('types as a C header, as JSON, or one a line')
		.argument('[btf]', sourceHelp, 'kernel')
		.addOption(
			new Option('--format <format>', 'how types are written')
				.choices(['c', 'json', 'raw'])
				.default('raw'),
		)
		.option('--name <type>', 'only types of this name; as C, with all they need', collect)
		.option('--kfuncs', 'as C, also the kernel functions that programs may call')
		.option('--no-access-index', 'as C, without relocation of field accesses (CO-RE)')
		.addHelpText('after', example('skep btf dump --format c > vmlinux.h'))
		.action(dump);
}

interface DumpOptions {
	readonly format: 'c' | 'json' | 'raw';
	readonly name?: readonly string[];
	readonly kfuncs?: boolean;
	readonly accessIndex: boolean;
}

async function dump(text: string, options: DumpOptions, command: Command): Promise<void> {
	const {allIds, describeType, dumpC} = await import('../../index.js');
	const btf = await openTypes(text);
	const names = options.name;
	const ids = names?.flatMap(name => idsOf(btf, name));
	if (options.format === 'c') {
		const {kfuncs = false, accessIndex} = options;
		const types = ids === undefined ? {} : {types: ids};
		for (const piece of dumpC(btf, {kfuncs, accessIndex, ...types})) write(piece);
		return;
	}

	const types = typesOf(btf, ids ?? allIds(btf));
	const output = options.format === 'json' ? 'json' : outputOptions(command).output;
	if (output !== 'table') {
		await printList(types, () => ({}), {...outputOptions(command), output});
		return;
	}

	writeLines(
		(function* () {
			for (const type of types) {
				const size = 'size' in type ? `, ${type.size} bytes` : '';
				yield `[${type.id}] ${type.kind} ${describeType(btf, type.id)}${size}`;
			}
		})(),
	);
}

function idsOf(btf: Btf, name: string): number[] {
	const ids = btf.findAll(name);
	if (ids.length === 0) throw new UsageError(`find type "${name}": there is no such type`);
	return ids;
}

function* typesOf(btf: Btf, ids: Iterable<number>): Generator<BtfType> {
	for (const id of ids) yield btf.type(id);
}
