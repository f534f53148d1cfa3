/** `skep affinity flush`. */

import type {Command} from 'commander';

import {UsageError} from '../../base/errors.js';
import {openMaps, requireOwn, withRoot, type RootOptions} from '../datapath-options.js';
import {example} from '../output/example.js';
import {outputOptions, printOne} from '../output/print.js';
import {filterOf, withFilter, type FilterOptions} from './filter.js';

export function addFlush(affinity: Command): void {
	withFilter(withRoot(affinity.command('flush')))
		.description('forget clients; their next flows are spread anew')
		.option('--all', 'all of them')
		.option('--force', "also where another datapath's agent keeps them")
		.addHelpText('after', example('skep affinity flush --client 192.0.2.7'))
		.action(flush);
}

interface FlushOptions extends RootOptions, FilterOptions {
	readonly all?: boolean;
	readonly force?: boolean;
}

async function flush(options: FlushOptions, command: Command): Promise<void> {
	const filter = filterOf(options);
	if (options.all !== true && Object.keys(filter).length === 0) {
		throw new UsageError('flush affinity: say which, or --all');
	}

	requireOwn('flush affinity', options, options.force);
	const {Affinity} = await import('../../datapath/index.js');
	using maps = await openMaps(options, {write: true});
	await printOne({deleted: new Affinity(maps).flush(filter)}, outputOptions(command));
}
