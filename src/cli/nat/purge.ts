/** `skep nat purge`. */

import type {Command} from 'commander';

import {requireOwn} from '../datapath-options.js';
import {until} from '../interrupt.js';
import {example} from '../output/example.js';
import {outputOptions, printList} from '../output/print.js';
import {openTranslations, withNat, type NatOptions} from './open.js';

export function addPurge(nat: Command): void {
	withNat(nat.command('purge'))
		.description('remove translations whose flow is over: after "skep ct gc"')
		.option('--force', "also where another datapath's agent does it")
		.addHelpText('after', example('skep nat purge'))
		.action(purge);
}

async function purge(
	options: NatOptions & {readonly force?: boolean},
	command: Command,
): Promise<void> {
	requireOwn('remove translations', options, options.force);
	const {maps, nat} = await openTranslations(options, {write: true});
	using _maps = maps;
	using _nat = nat;
	const done = await until(async signal => nat.purge({signal}));
	await printList(
		done,
		({family, scanned, deleted, spared}) => ({
			family: `IPv${family}`,
			scanned,
			deleted,
			spared,
		}),
		outputOptions(command),
	);
}
