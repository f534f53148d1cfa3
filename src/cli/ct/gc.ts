/** `skep ct gc`. */

import type {Command} from 'commander';

import type {GcResult} from '../../datapath/index.js';
import {jsonOf} from '../../base/json.js';
import {wholeNumber} from '../arguments.js';
import {requireOwn} from '../datapath-options.js';
import {example} from '../output/example.js';
import {outputOptions, printList, printOne, write, type OutputOptions} from '../output/print.js';
import {openFlows, withConntrack, type CtOptions} from './open.js';
import {secondsText} from './show.js';

export function addGc(ct: Command): void {
	withConntrack(ct.command('gc'))
		.description('remove flows that are over, once or again and again')
		.option('--loop', 'until Ctrl-C; the more are over, the sooner again')
		.option('--interval <seconds>', 'with --loop: always', wholeNumber('interval', 1))
		.option('--force', "also where another datapath's agent does it")
		.addHelpText('after', example('skep ct gc --loop'))
		.action(gc);
}

interface GcOptions extends CtOptions {
	readonly loop?: boolean;
	readonly interval?: number;
	readonly force?: boolean;
}

async function gc(options: GcOptions, command: Command): Promise<void> {
	requireOwn('remove flows', options, options.force);
	const output = outputOptions(command);
	const {maps, conntrack} = await openFlows(options, {write: true});
	using _maps = maps;
	using _conntrack = conntrack;
	const stop = new AbortController();
	for (const name of ['SIGINT', 'SIGTERM'] as const) {
		process.once(name, () => {
			stop.abort();
		});
	}

	const {signal} = stop;
	if (options.loop !== true) {
		await printResult(await conntrack.gc({signal}), output);
		return;
	}

	const {interval} = options;
	const pace = interval === undefined ? {} : {interval};
	for await (const {result, error, next} of conntrack.gcLoop({signal, ...pace})) {
		if (output.output === 'json') {
			write(`${jsonOf({...result, error: error?.message, next})}\n`);
			continue;
		}

		const did =
			error?.message ??
			(result === undefined
				? 'no endpoints'
				: `${result.deleted} of ${result.scanned} removed`);
		write(`${did}, next in ${secondsText(Math.round(next))}\n`);
	}
}

async function printResult(result: GcResult, output: OutputOptions): Promise<void> {
	if (output.output !== 'table') {
		await printOne(result, output);
		return;
	}

	await printList(
		result.maps,
		({map, scanned, deleted, spared, maxEntries}) => ({
			map,
			scanned,
			deleted,
			spared,
			places: maxEntries,
		}),
		output,
	);
}
