/** `skep ct list`. */

import {Option, type Command} from 'commander';

import type {Flow, FlowScanOptions} from '../../datapath/index.js';
import {jsonOf} from '../../base/json.js';
import {ciliumOptions} from '../datapath-options.js';
import {example} from '../output/example.js';
import {outputOptions, printList, writeLines} from '../output/print.js';
import {writeTable} from '../output/stream-table.js';
import {watchList, withWatch, type WatchOptions} from '../watch-list.js';
import {
	filterOf,
	openFlows,
	withConntrack,
	withFilter,
	type CtOptions,
	type FilterOptions,
} from './open.js';
import {longText, rowOf, tupleText} from './show.js';

export function addList(ct: Command): void {
	withWatch(withFilter(withConntrack(ct.command('list'))))
		.description('flows that are followed; expires: seconds from now')
		.option('--long', 'all of a flow on one line, as "cilium-dbg bpf ct list global" does')
		.addOption(
			new Option('--consistency <kind>', 'fast: without locks, some may be missed or doubled')
				.choices(['locked', 'fast'])
				.default('locked'),
		)
		.addHelpText(
			'after',
			example(
				`skep ct list --address 10.0.1.0/24 --state established\n  skep ct list --long ${ciliumOptions}`,
			),
		)
		.action(list);
}

interface ListOptions extends CtOptions, FilterOptions, WatchOptions, Required<FlowScanOptions> {
	readonly long?: boolean;
}

const shown = {
	key: tupleText,
	// Without what changes with every packet and second.
	line: (flow: Flow) => `${tupleText(flow)} ${flow.state} ${flow.flags.join(' ')}`,
};

async function list(options: ListOptions, command: Command): Promise<void> {
	const output = outputOptions(command);
	const {maps, conntrack} = await openFlows(options);
	using _maps = maps;
	using _conntrack = conntrack;
	const {consistency} = options;
	const flows = conntrack.list({filter: filterOf(options), consistency});
	if (options.watch === true) {
		const first = [...flows];
		await printList(first, rowOf, output);
		await watchList(first, () => [...flows], shown, options, output);
	} else if (output.output === 'json') {
		writeLines(map(flows, jsonOf));
	} else if (output.output === 'yaml') {
		await printList(flows, rowOf, output);
	} else if (options.long === true) {
		writeLines(map(flows, longText));
	} else {
		writeTable(map(flows, rowOf));
	}
}

function* map<T, R>(items: Iterable<T>, change: (item: T) => R): Generator<R> {
	for (const item of items) yield change(item);
}
