/** `skep ct top`. */

import {Option, type Command} from 'commander';

import type {FlowRate, RateOrder} from '../../datapath/index.js';
import {wholeNumber} from '../arguments.js';
import {example} from '../output/example.js';
import {outputOptions, printList, write} from '../output/print.js';
import type {Row} from '../output/table.js';
import {
	filterOf,
	openFlows,
	withConntrack,
	withFilter,
	type CtOptions,
	type FilterOptions,
} from './open.js';
import {endText} from './show.js';

export function addTop(ct: Command): void {
	withFilter(withConntrack(ct.command('top')))
		.description('the busiest flows: over one interval, or until Ctrl-C')
		.addOption(
			new Option('--by <what>', 'a second').choices(['packets', 'bytes']).default('bytes'),
		)
		.option('--limit <n>', 'flows at most', wholeNumber('limit', 1), 20)
		.option('--watch', 'interval after interval')
		.option('--interval <ms>', 'milliseconds', wholeNumber('interval', 1), 1000)
		.addHelpText('after', example('skep ct top --watch --by packets --dir out'))
		.action(top);
}

interface TopOptions extends CtOptions, FilterOptions {
	readonly by: RateOrder;
	readonly limit: number;
	readonly watch?: boolean;
	readonly interval: number;
}

async function top(options: TopOptions, command: Command): Promise<void> {
	const output = outputOptions(command);
	const {maps, conntrack} = await openFlows(options);
	using _maps = maps;
	using _conntrack = conntrack;
	const stop = new AbortController();
	for (const name of ['SIGINT', 'SIGTERM'] as const) {
		process.once(name, () => {
			stop.abort();
		});
	}

	const {by, limit, interval, watch = false} = options;
	const request = {filter: filterOf(options), by, limit, interval, signal: stop.signal};
	for await (const rates of conntrack.watchTop(request)) {
		await printList(rates, rowOf, output);
		if (!watch) return;
		if (output.output === 'table') write('\n');
	}
}

function rowOf({flow, packetsPerSecond, bytesPerSecond}: FlowRate): Row {
	return {
		proto: flow.protocol.toUpperCase(),
		dir: flow.direction.toUpperCase(),
		source: endText(flow.source, flow.sourcePort),
		destination: endText(flow.destination, flow.destinationPort),
		'packets/s': packetsPerSecond.toFixed(packetsPerSecond < 10 ? 1 : 0),
		'bytes/s': bytesPerSecond.toFixed(0),
		state: flow.state,
	};
}
