/** `skep btf dump`. */

import type {Command} from 'commander';

import type {Btf} from '../../index.js';
import {example} from '../output/example.js';
import {outputOptions, printList, writeLines} from '../output/print.js';
import {openTypes, sourceHelp} from './open.js';

export function addDump(btf: Command): void {
	btf.command('dump')
		.description('all types, one a line')
		.argument('<btf>', sourceHelp)
		.option('--name <type>', 'only types of this name')
		.addHelpText('after', example('skep btf dump lb.bpf.o'))
		.action(dump);
}

async function dump(text: string, options: {name?: string}, command: Command): Promise<void> {
	const {describeType} = await import('../../index.js');
	const btf = await openTypes(text);
	const format = outputOptions(command);
	const ids = options.name === undefined ? allIds(btf) : btf.findAll(options.name);
	const types = (function* () {
		for (const id of ids) yield btf.type(id);
	})();
	if (format.output !== 'table') {
		await printList(types, () => ({}), format);
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

function* allIds(btf: Btf): Generator<number> {
	for (let id = 1; id < btf.typeCount; id++) yield id;
}
