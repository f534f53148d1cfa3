/** `skep datapath down`. */

import type {Command} from 'commander';

import {withOwnRoot, type RootOptions} from '../datapath-options.js';
import {example} from '../output/example.js';

export function addDown(datapath: Command): void {
	withOwnRoot(datapath.command('down'))
		.description('detach everything and remove all pins; traffic passes unguarded')
		.addHelpText('after', example('skep datapath down'))
		.action(down);
}

async function down({root}: Pick<RootOptions, 'root'>): Promise<void> {
	const {datapathDown} = await import('../../datapath/index.js');
	await datapathDown({root});
}
