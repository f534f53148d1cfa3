/** `skep ipcache match`. */

import type {Command} from 'commander';

import {openMaps, withRoot, type RootOptions} from '../datapath-options.js';
import {example} from '../output/example.js';
import {outputOptions} from '../output/print.js';
import {printFound} from './open.js';

export function addMatch(ipcache: Command): void {
	withRoot(ipcache.command('match'))
		.description('the entry of exactly this prefix')
		.argument('<prefix>', 'prefix; an address is one of full length')
		.addHelpText('after', example('skep ipcache match 10.1.0.0/16'))
		.action(match);
}

async function match(text: string, options: RootOptions, command: Command): Promise<void> {
	const {Ipcache} = await import('../../datapath/index.js');
	using maps = await openMaps(options);
	const find = (prefix: string) => [...new Ipcache(maps)].find(each => each.prefix === prefix);
	await printFound('match ipcache', text, find, maps, options, outputOptions(command));
}
