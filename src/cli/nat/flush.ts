/** `skep nat flush`. */

import type {Command} from 'commander';

import {requireChoice, withFlush, type FlushOptions} from '../datapath-options.js';
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
	withFlush(withFilter(withNat(nat.command('flush'))))
		.description('forget translations; connections that live may get other ports, and end')
		.addHelpText('after', example('skep nat flush --address 10.0.0.7'))
		.action(flush);
}

async function flush(
	options: NatOptions & FilterOptions & FlushOptions,
	command: Command,
): Promise<void> {
	const filter = filterOf(options);
	requireChoice('flush translations', filter, options);
	const {maps, nat} = await openTranslations(options, {write: true});
	using _maps = maps;
	using _nat = nat;
	const deleted = await until(async signal => nat.flush(filter, {signal}));
	await printOne({deleted}, outputOptions(command));
}
