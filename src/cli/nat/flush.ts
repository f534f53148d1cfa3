/** `skep nat flush`. */

import type {Command} from 'commander';

import {requireOwn} from '../datapath-options.js';
import {until} from '../interrupt.js';
import {example} from '../output/example.js';
import {outputOptions, printOne} from '../output/print.js';
import {
	filterOf,
	openTranslations,
	withFilter,
	withNat,
	type FilterOptions,
	type NatOptions,
} from './open.js';

export function addFlush(nat: Command): void {
	withFilter(withNat(nat.command('flush')))
		.description('forget translations; connections that live may get other ports, and end')
		.option('--all', 'all of them')
		.option('--force', "also where another datapath's agent keeps them")
		.addHelpText('after', example('skep nat flush --address 10.0.0.7'))
		.action(flush);
}

interface FlushOptions extends NatOptions, FilterOptions {
	readonly all?: boolean;
	readonly force?: boolean;
}

async function flush(options: FlushOptions, command: Command): Promise<void> {
	const {UsageError} = await import('../../index.js');
	const filter = filterOf(options);
	if (options.all !== true && Object.keys(filter).length === 0) {
		throw new UsageError('flush translations: say which, or --all');
	}

	requireOwn('flush translations', options, options.force);
	const {maps, nat} = await openTranslations(options, {write: true});
	using _maps = maps;
	using _nat = nat;
	const deleted = await until(async signal => nat.flush(filter, {signal}));
	await printOne({deleted}, outputOptions(command));
}
