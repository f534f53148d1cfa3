/** A whole map as JSON, by a command: what it takes from start to end, and how much memory. */

import {join} from 'node:path';

import {output, runProcess, type ProcessCost} from './floor.js';
import {makeFlows} from './flows.js';
import {median, race} from './measure.js';
import {atLeast, figures, judge, type Figure} from './report.js';

const megabyte = 1e6;

/** Both commands on maps of `count` and of a tenth of it. */
export async function benchDumpProcess(count: number, rounds: number): Promise<Figure[]> {
	const small = await dump(count / 10, 1);
	const large = await dump(count, rounds);
	const growth = large.peak / small.peak;
	return [
		...large.figures,
		{what: `skep, ${count / 10} elements: peak memory`, median: small.peak, unit: 'MB'},
		judge(
			{what: `skep, ${count} elements: peak memory`, median: large.peak, unit: 'MB'},
			{text: '< 1.25 × that', met: () => growth < 1.25},
		),
	];
}

async function dump(count: number, rounds: number) {
	using flows = await makeFlows(count);
	const id = String(flows.map.info.id);
	const costs: ProcessCost[] = [];
	const cpuTimes: [number[], number[]] = [[], []];
	const wall = race(
		[
			[
				'wall: bpftool -j map dump',
				() => {
					const cost = runProcess('bpftool', '-j', 'map', 'dump', 'id', id);
					cpuTimes[0].push(cost.cpu);
					return cost.wall * 1e6;
				},
			],
			[
				'wall: skep map dump -o json',
				() => {
					const cost = runProcess(process.execPath, ...dumpCommand(id));
					costs.push(cost);
					cpuTimes[1].push(cost.cpu);
					return cost.wall * 1e6;
				},
			],
			[
				"wall: skep map.forEach() with consistency 'fast', objects",
				() => {
					const start = performance.now();
					let elements = 0;
					flows.map.forEach(() => elements++, {consistency: 'fast'});
					if (elements !== count) throw new Error(`${elements} of ${count} were read`);
					return (performance.now() - start) * 1e6;
				},
			],
		],
		rounds,
	);
	const [theirs, ours] = cpuTimes.map(times => times.slice(1));
	const ratios = (ours ?? []).map((time, i) => (theirs?.[i] ?? NaN) / time);
	const cpu = [
		{what: 'CPU: bpftool -j map dump', median: median(theirs ?? []) * 1e6, ratio: 1},
		{
			what: 'CPU: skep map dump -o json',
			median: median(ours ?? []) * 1e6,
			ratio: median(ratios),
		},
	];
	return {
		figures: figures([...wall, ...cpu], 'ms', {
			'wall: skep map dump -o json': atLeast(6),
			"wall: skep map.forEach() with consistency 'fast', objects": atLeast(30),
			'CPU: skep map dump -o json': atLeast(6),
		}),
		peak: median(costs.map(({peak}) => peak)) / megabyte,
	};
}

function dumpCommand(id: string): string[] {
	return [join(output, 'cli/skep.cjs'), 'map', 'dump', id, '-o', 'json'];
}
