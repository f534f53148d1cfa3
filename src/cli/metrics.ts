/** `skep metrics`: packets by what became of them. */

import type {Command} from 'commander';

import type {MetricsRow} from '../datapath/index.js';
import {wholeNumber} from './arguments.js';
import {
	ciliumOptions,
	openMaps,
	requireOwn,
	withRoot,
	type RootOptions,
} from './datapath-options.js';
import {example} from './output/example.js';
import {outputOptions, printList, printOne, write} from './output/print.js';

export function addMetricsVerbs(noun: Command): void {
	withRoot(
		noun
			.command('list')
			.description('packets by reason and direction, and where programs count them'),
	)
		.option('--watch', 'what is added, interval after interval, until Ctrl-C')
		.option('--interval <ms>', 'milliseconds', wholeNumber('interval', 1), 1000)
		.addHelpText(
			'after',
			`\nExamples:\n  skep metrics list --watch\n  skep metrics list ${ciliumOptions}`,
		)
		.action(list);

	withRoot(noun.command('flush').description('count from 0 again'))
		.option('--force', "also where another datapath's agent reads them")
		.addHelpText('after', example('skep metrics flush'))
		.action(flush);
}

interface ListOptions extends RootOptions {
	readonly watch?: boolean;
	readonly interval: number;
}

async function list(options: ListOptions, command: Command): Promise<void> {
	const {Metrics} = await import('../datapath/index.js');
	using maps = await openMaps(options);
	const metrics = new Metrics(maps);
	const output = outputOptions(command);
	if (options.watch !== true) {
		await printList(metrics.list(), rowOf, output);
		return;
	}

	const stop = new AbortController();
	for (const name of ['SIGINT', 'SIGTERM'] as const) {
		process.once(name, () => {
			stop.abort();
		});
	}

	for await (const rows of metrics.watch({interval: options.interval, signal: stop.signal})) {
		if (rows.length === 0) continue;
		await printList(rows, rowOf, output);
		if (output.output === 'table') write('\n');
	}
}

async function flush(
	options: RootOptions & {readonly force?: boolean},
	command: Command,
): Promise<void> {
	requireOwn('flush metrics', options, options.force);
	const {Metrics} = await import('../datapath/index.js');
	using maps = await openMaps(options, {write: true});
	await printOne({deleted: new Metrics(maps).flush()}, outputOptions(command));
}

function rowOf(row: MetricsRow): Record<string, string | number | bigint> {
	const {reasonText, direction, packets, bytes, line, file} = row;
	return {
		reason: reasonText,
		direction: direction.toUpperCase(),
		packets,
		bytes,
		line: line === 0 ? '-' : line,
		file: file === '' ? '-' : file,
	};
}
