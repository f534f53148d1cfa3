/** `skep identity allocate`. */

import type {Command} from 'commander';

import {openMaps, withOwnRoot, type RootOptions} from '../datapath-options.js';
import {example} from '../output/example.js';
import {outputOptions, printOne} from '../output/print.js';
import {labelsOf} from './find.js';

export function addAllocate(identity: Command): void {
	withOwnRoot(identity.command('allocate'))
		.description('the number that stands for labels; rules that name them follow')
		.argument('<label...>', 'labels, k8s:app=web; of a prefix: cidr:10.0.0.0/8')
		.addHelpText('after', example('skep identity allocate k8s:app=web k8s:tier=front'))
		.action(allocate);
}

async function allocate(
	words: readonly string[],
	{root}: Pick<RootOptions, 'root'>,
	command: Command,
): Promise<void> {
	const {Policies} = await import('../../datapath/index.js');
	using maps = await openMaps({root}, {write: true});
	const identity = await new Policies(maps).allocate(labelsOf(words));
	await printOne(identity, outputOptions(command));
}
