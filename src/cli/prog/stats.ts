/** `skep prog stats`. */

import type {Command} from 'commander';

import type {ProgramRate} from '../../index.js';
import {wholeNumber} from '../arguments.js';
import {example} from '../output/example.js';
import {outputOptions, printList, write} from '../output/print.js';
import {openProgram} from './open.js';

export function addStats(prog: Command): void {
	prog.command('stats')
		.description('how often programs run and how long: over one interval, or until Ctrl-C')
		.argument('[prog...]', 'id, or path of a pin; all that run unless given')
		.option('--watch', 'interval after interval')
		.option('--interval <ms>', 'milliseconds', wholeNumber('interval', 1), 1000)
		.addHelpText('after', example('skep prog stats --watch --interval 500 -o json'))
		.action(stats);
}

interface StatsOptions {
	readonly watch?: boolean;
	readonly interval: number;
}

async function stats(
	words: readonly string[],
	options: StatsOptions,
	command: Command,
): Promise<void> {
	const {watchPrograms} = await import('../../index.js');
	const ids: number[] = [];
	for (const word of words) {
		using program = await openProgram(word);
		ids.push(program.info().id);
	}

	const stop = new AbortController();
	for (const name of ['SIGINT', 'SIGTERM'] as const) {
		process.once(name, () => {
			stop.abort();
		});
	}

	process.stderr.write('skep: the kernel counts runs while this lasts, some 20 ns a run\n');
	const {watch = false, interval} = options;
	const output = outputOptions(command);
	const named = words.length === 0 ? {} : {ids};
	for await (const rates of watchPrograms({...named, interval, signal: stop.signal})) {
		const shown = words.length === 0 ? rates.filter(({runs}) => runs > 0n) : rates;
		const busiest = shown.toSorted((a, b) => Number(b.time - a.time));
		await printList(busiest, each => rowOf(each), output);
		if (!watch) return;
		if (output.output === 'table' && busiest.length > 0) write('\n');
	}
}

function rowOf(rate: ProgramRate): Record<string, string | number | bigint> {
	const {id, type, name, runs, runsPerSecond, timePerRun, time, interval, totalRuns} = rate;
	return {
		id,
		type,
		name: name === '' ? '-' : name,
		runs,
		'runs/s': runsPerSecond.toFixed(runsPerSecond < 10 ? 1 : 0),
		'ns/run': timePerRun?.toFixed(timePerRun < 10 ? 1 : 0) ?? '-',
		'cpu%': (Number(time) / interval / 1e4).toFixed(2),
		total: totalRuns,
	};
}
