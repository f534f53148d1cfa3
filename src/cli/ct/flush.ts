/** `skep ct flush`. */

import type {Command} from 'commander';

import {requireOwn} from '../datapath-options.js';
import {until} from '../interrupt.js';
import {example} from '../output/example.js';
import {outputOptions, printOne} from '../output/print.js';
import {
	filterOf,
	openFlows,
	withConntrack,
	withFilter,
	type CtOptions,
	type FilterOptions,
} from './open.js';

export function addFlush(ct: Command): void {
	withFilter(withConntrack(ct.command('flush')))
		.description('forget flows; those that live open anew')
		.option('--all', 'all of them')
		.option('--force', "also where another datapath's agent keeps them")
		.addHelpText('after', example('skep ct flush --address 10.0.0.7'))
		.action(flush);
}

interface FlushOptions extends CtOptions, FilterOptions {
	readonly all?: boolean;
	readonly force?: boolean;
}

async function flush(options: FlushOptions, command: Command): Promise<void> {
	const {UsageError} = await import('../../index.js');
	const filter = filterOf(options);
	if (options.all !== true && Object.keys(filter).length === 0) {
		throw new UsageError('flush flows: say which, or --all');
	}

	requireOwn('flush flows', options, options.force);
	const {maps, conntrack} = await openFlows(options, {write: true});
	using _maps = maps;
	using _conntrack = conntrack;
	const deleted = await until(async signal => conntrack.flush(filter, {signal}));
	await printOne({deleted}, outputOptions(command));
}
