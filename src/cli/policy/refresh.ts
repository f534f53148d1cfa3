import type {Command} from 'commander';

import {openMaps, withOwnRoot, type RootOptions} from '../datapath-options.js';
import {example} from '../output/example.js';
import {outputOptions, printOne} from '../output/print.js';

export function addRefresh(policy: Command): void {
	withOwnRoot(policy.command('refresh'))
		.description('bring rules that name labels to who has them now')
		.addHelpText(
			'after',
			`\nNeeded only where identities are changed otherwise than by these commands.\n${example('skep policy refresh')}`,
		)
		.action(refresh);
}

async function refresh({root}: Pick<RootOptions, 'root'>, command: Command): Promise<void> {
	const {Policies} = await import('../../datapath/index.js');
	using maps = await openMaps({root}, {write: true});
	const changed = await new Policies(maps).refresh();
	await printOne({changed}, outputOptions(command));
}
