/** `skep ipcache get`. */

import type {Command} from 'commander';

import {openMaps, withRoot, type RootOptions} from '../datapath-options.js';
import {example} from '../output/example.js';
import {outputOptions} from '../output/print.js';
import {printFound} from './open.js';

export function addGet(ipcache: Command): void {
	withRoot(ipcache.command('get'))
		.description('the longest prefix that covers an address, which decides its identity')
		.argument('<address>', 'address, or a whole prefix')
		.addHelpText('after', example('skep ipcache get 10.1.2.3'))
		.action(get);
}

async function get(text: string, options: RootOptions, command: Command): Promise<void> {
	const {Ipcache} = await import('../../datapath/index.js');
	using maps = await openMaps(options);
	const ipcache = new Ipcache(maps);
	const find = (prefix: string) => ipcache.match(prefix);
	await printFound('get ipcache', text, find, maps, options, outputOptions(command));
}
