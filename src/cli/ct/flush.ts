/** `skep ct flush`. */

import type {Command} from 'commander';

import {requireChoice, withFlush, type FlushOptions} from '../datapath-options.js';
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
	withFlush(withFilter(withConntrack(ct.command('flush'))))
		.description('forget flows; those that live open anew')
		.addHelpText('after', example('skep ct flush --address 10.0.0.7'))
		.action(flush);
}

async function flush(
	options: CtOptions & FilterOptions & FlushOptions,
	command: Command,
): Promise<void> {
	const filter = filterOf(options);
	requireChoice('flush flows', filter, options);
	const {maps, conntrack} = await openFlows(options, {write: true});
	using _maps = maps;
	using _conntrack = conntrack;
	const deleted = await until(async signal => conntrack.flush(filter, {signal}));
	await printOne({deleted}, outputOptions(command));
}
