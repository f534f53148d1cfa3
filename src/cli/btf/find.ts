/** `skep btf find`. */

import type {Command} from 'commander';

import {UsageError} from '../../base/errors.js';
import {collect} from '../arguments.js';
import {example} from '../output/example.js';
import {outputOptions, printList} from '../output/print.js';
import {openTypes, sourceHelp} from './open.js';

export function addFind(btf: Command): void {
	btf.command('find')
		.description('types by name: which kind, which size, and where')
		.argument('<name>', 'a name, or a pattern with * and ?')
		.option('--in <btf>', `${sourceHelp}; the kernel and its modules unless given`, collect)
		.option('--kind <kind>', 'only types of this kind: struct, union, enum, typedef, func …')
		.addHelpText('after', example("skep btf find 'bpf_map_*' --kind struct"))
		.action(find);
}

interface FindOptions {
	readonly in?: readonly string[];
	readonly kind?: string;
}

async function find(pattern: string, options: FindOptions, command: Command): Promise<void> {
	const {describeType, modulesWithBtf, searchTypes} = await import('../../index.js');
	const found = [];
	for (const source of options.in ?? ['kernel', ...modulesWithBtf()]) {
		const btf = await openTypes(source);
		for (const type of searchTypes(btf, pattern)) {
			if (options.kind !== undefined && type.kind !== options.kind) continue;
			const {id, name, kind} = type;
			const bytes = 'size' in type ? type.size : undefined;
			found.push({name, kind, id, in: source, bytes, declaration: describeType(btf, id)});
		}
	}

	await printList(
		found,
		({bytes, ...rest}) => ({...rest, bytes: bytes ?? '-', declaration: rest.declaration}),
		outputOptions(command),
	);
	if (found.length === 0) {
		const kind = options.kind === undefined ? '' : ` of kind "${options.kind}"`;
		throw new UsageError(`find type "${pattern}"${kind}: there is no such type`);
	}
}
