/** `skep btf list`. */

import type {Command} from 'commander';

import {example} from '../output/example.js';
import {outputOptions, printList} from '../output/print.js';

export function addList(btf: Command): void {
	btf.command('list')
		.description('all BTF objects of this host')
		.addHelpText('after', example('skep btf list'))
		.action(list);
}

async function list(_: unknown, command: Command): Promise<void> {
	const {listBtf} = await import('../../index.js');
	await printList(
		listBtf(),
		each => ({
			id: each.id,
			name: each.name === '' ? '-' : each.name,
			bytes: each.size,
			of: each.kernel ? 'kernel' : 'program',
		}),
		outputOptions(command),
	);
}
