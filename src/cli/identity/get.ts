/** `skep identity get`. */

import type {Command} from 'commander';

import {withOwnRoot, type RootOptions} from '../datapath-options.js';
import {example} from '../output/example.js';
import {outputOptions, printOne} from '../output/print.js';
import {labelsOf, listIdentities} from './find.js';

export function addGet(identity: Command): void {
	withOwnRoot(identity.command('get'))
		.description('one identity')
		.argument('<identity...>', 'its number, or all of its labels')
		.addHelpText('after', example('skep identity get 256\n  skep identity get app=web'))
		.action(get);
}

async function get(
	words: readonly string[],
	{root}: Pick<RootOptions, 'root'>,
	command: Command,
): Promise<void> {
	const {DatapathError} = await import('../../datapath/index.js');
	const [first = ''] = words;
	const list = await listIdentities(root);
	const wanted = labelsOf(words).toSorted().join(' ');
	const found = /^\d+$/.test(first)
		? list.find(({id}) => id === Number(first))
		: list.find(({labels}) => labels.join(' ') === wanted);
	if (found === undefined) {
		throw new DatapathError('get identity', words.join(' '), 'nobody allocated it');
	}

	await printOne(found, outputOptions(command));
}
