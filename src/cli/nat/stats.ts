/** `skep nat stats`. */

import type {Command} from 'commander';

import type {NatPortUse, NatStats} from '../../datapath/index.js';
import {UsageError} from '../../base/errors.js';
import {wholeNumber} from '../arguments.js';
import {endText} from '../ct/show.js';
import {example} from '../output/example.js';
import {outputOptions, printList, write} from '../output/print.js';
import {openTranslations, withNat, type NatOptions} from './open.js';

export function addStats(nat: Command): void {
	withNat(nat.command('stats'))
		.description('how full it is: entries, ports by destination, ports tried in vain')
		.option('--ports <first-last>', 'what flows get; 32768-65535 unless given')
		.option('--limit <n>', 'destinations at most; 10 unless given', wholeNumber('limit'))
		.addHelpText('after', example('skep nat stats --limit 3'))
		.action(stats);
}

interface StatsOptions extends NatOptions {
	readonly ports?: string;
	readonly limit?: number;
}

async function stats(options: StatsOptions, command: Command): Promise<void> {
	const output = outputOptions(command);
	const {limit} = options;
	const ports = portsOf(options.ports);
	const {maps, nat} = await openTranslations(options);
	using _maps = maps;
	using _nat = nat;
	const found = await nat.stats({
		...(ports === undefined ? {} : {ports}),
		...(limit === undefined ? {} : {limit}),
	});
	await printList(found, rowOf, output);
	if (output.output !== 'table') return;
	const uses = found.flatMap(each => each.ports);
	if (uses.length > 0) {
		write('\n');
		await printList(uses, useRow, output);
	}

	const tried = found.flatMap(({family, retries}) =>
		retries.flatMap((flows, inVain) => (flows === 0 ? [] : [{family, inVain, flows}])),
	);
	if (tried.length === 0) return;
	write('\n');
	await printList(
		tried,
		({family, inVain, flows}) => ({family: `IPv${family}`, 'in vain': inVain, flows}),
		output,
	);
}

/** *Throws:* `ERR_USAGE`. */
function portsOf(text: string | undefined): [number, number] | undefined {
	if (text === undefined) return undefined;
	const [, first, last] = /^(\d{1,5})-(\d{1,5})$/.exec(text) ?? [];
	if (last !== undefined && Number(first) <= Number(last)) return [Number(first), Number(last)];
	throw new UsageError(`read ports "${text}": expected 32768-65535`);
}

const percent = (value: number): string => `${value.toFixed(1)} %`;

const rowOf = (stats: NatStats) => ({
	family: `IPv${stats.family}`,
	entries: stats.entries,
	places: stats.maxEntries,
	pressure: percent(stats.pressure),
	out: stats.out,
	in: stats.in,
	node: stats.ofNode,
	unpaired: stats.unpaired,
	failed: stats.failed,
});

const useRow = (use: NatPortUse) => ({
	proto: use.protocol.toUpperCase(),
	address: use.address,
	destination: endText(use.destination, use.destinationPort),
	ports: use.used,
	used: percent(use.percent),
});
