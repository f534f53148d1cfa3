/** `skep nat list`. */

import type {Command} from 'commander';

import {jsonOf} from '../../base/json.js';
import {ciliumOptions} from '../datapath-options.js';
import {example} from '../output/example.js';
import {outputOptions, printList, writeLines} from '../output/print.js';
import {writeTable} from '../output/stream-table.js';
import {
	filterOf,
	openTranslations,
	withFilter,
	withNat,
	type FilterOptions,
	type NatOptions,
} from './open.js';
import {longText, rowOf} from './show.js';

export function addList(nat: Command): void {
	withFilter(withNat(nat.command('list')))
		.description('what packets become: their source on the way out, back again on the way in')
		.option('--long', 'all of it on one line, as "cilium-dbg bpf nat list" does')
		.addHelpText(
			'after',
			example(`skep nat list --src 10.0.1.7\n  skep nat list --long ${ciliumOptions}`),
		)
		.action(list);
}

interface ListOptions extends NatOptions, FilterOptions {
	readonly long?: boolean;
}

async function list(options: ListOptions, command: Command): Promise<void> {
	const output = outputOptions(command);
	const {maps, nat} = await openTranslations(options);
	using _maps = maps;
	using _nat = nat;
	const found = nat.list({filter: filterOf(options)});
	if (output.output === 'json') writeLines(map(found, jsonOf));
	else if (output.output === 'yaml') await printList(found, rowOf, output);
	else if (options.long === true) writeLines(map(found, longText));
	else writeTable(map(found, rowOf));
}

function* map<T, R>(items: Iterable<T>, change: (item: T) => R): Generator<R> {
	for (const item of items) yield change(item);
}
