/** `skep ct gc`. */

import type {Command} from 'commander';

import type {GcOptions, GcPass, GcResult, Purged} from '../../datapath/index.js';
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
		.option('--loop', 'until Ctrl-C, translations too; the more go, the sooner again')
		.option('--interval <seconds>', 'with --loop: always', wholeNumber('interval', 1))
		.option('--force', "also where another datapath's agent does it")
		.addHelpText('after', example('skep ct gc --loop'))
		.action(gc);
}

interface GcWords extends CtOptions {
	readonly loop?: boolean;
	readonly interval?: number;
	readonly force?: boolean;
}

async function gc(options: GcWords, command: Command): Promise<void> {
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
	const {openNat} = await import('../../datapath/index.js');
	const isTranslating = maps.nat4 !== undefined || maps.nat6 !== undefined;
	using nat = isTranslating ? await openNat(maps, {clock: options.clock}) : undefined;
	const purge = nat && (async (given: GcOptions) => nat.purge(given));
	for await (const pass of conntrack.gcLoop({signal, ...pace, purge})) {
		const {result, purged: translations, error, next} = pass;
		if (output.output === 'json') {
			write(`${jsonOf({...result, translations, error: error?.message, next})}\n`);
		} else {
			write(`${whatOf(pass)}, next in ${secondsText(Math.round(next))}\n`);
		}
	}
}

/** `2 of 10 flows removed, 1 of 4 translations`. */
function whatOf({result, purged, error}: GcPass): string {
	const did = [];
	if (result !== undefined) did.push(`${result.deleted} of ${result.scanned} flows removed`);
	if (purged !== undefined) {
		const sum = (of: (each: Purged) => number): number =>
			purged.reduce((total, each) => total + of(each), 0);
		did.push(`${sum(each => each.deleted)} of ${sum(each => each.scanned)} translations`);
	}

	if (error !== undefined) did.push(error.message);
	return did.length === 0 ? 'no endpoints' : did.join(', ');
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
