/** `skep affinity flush`. */

import type {Command} from 'commander';

import {
	openMaps,
	requireChoice,
	withFlush,
	withRoot,
	type FlushOptions,
	type RootOptions,
} from '../datapath-options.js';
import {example} from '../output/example.js';
import {outputOptions, printOne} from '../output/print.js';
import {filterOf, withFilter, type FilterOptions} from './filter.js';

export function addFlush(affinity: Command): void {
	withFlush(withFilter(withRoot(affinity.command('flush'))))
		.description('forget clients; their next flows are spread anew')
		.addHelpText('after', example('skep affinity flush --client 192.0.2.7'))
		.action(flush);
}

async function flush(
	options: RootOptions & FilterOptions & FlushOptions,
	command: Command,
): Promise<void> {
	const filter = filterOf(options);
	requireChoice('flush affinity', filter, options);
	const {Affinity} = await import('../../datapath/index.js');
	using maps = await openMaps(options, {write: true});
	await printOne({deleted: new Affinity(maps).flush(filter)}, outputOptions(command));
}
