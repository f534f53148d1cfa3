/** `skep identity allocate`. */

import type {Command} from 'commander';

import {openMaps, withOwnRoot, type RootOptions} from '../datapath-options.js';
import {example} from '../output/example.js';
import {outputOptions, printOne} from '../output/print.js';
import {labelsOf} from './find.js';

export function addAllocate(identity: Command): void {
	withOwnRoot(identity.command('allocate'))
		.description('the number that stands for labels, given out where there is none')
		.argument('<label...>', 'labels, k8s:app=web; of a prefix: cidr:10.0.0.0/8')
		.addHelpText('after', example('skep identity allocate k8s:app=web k8s:tier=front'))
		.action(allocate);
}

async function allocate(
	words: readonly string[],
	{root}: Pick<RootOptions, 'root'>,
	command: Command,
): Promise<void> {
	const {Identities} = await import('../../datapath/index.js');
	(await openMaps({root})).close();
	using identities = Identities.open(root, {write: true});
	await printOne(identities.allocate(labelsOf(words)), outputOptions(command));
}
