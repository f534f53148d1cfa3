/** Objects that take long: many instructions, and the types of the kernel. */

import {execFileSync} from 'node:child_process';
import {join} from 'node:path';

import {loadCollection, parseObject} from '../src/index.js';
import {floor, output} from './floor.js';
import {compileBench} from './flows.js';
import {cpu, race} from './measure.js';
import {atLeast, below, figures, type Figure} from './report.js';

export async function benchLoadLarge(rounds: number, loads: number): Promise<Figure[]> {
	const large = await compileBench('large');
	const relocated = await compileBench('relocated');
	// A process that runs: V8 has compiled what it calls.
	for (let i = 0; i < loads / 4; i++) parseObject(large, {name: 'large'});
	for (let i = 0; i < loads; i++)
		loadCollection(parseObject(relocated, {name: 'relocated'})).close();
	const once = (work: () => void) =>
		cpu(() => {
			work();
			return 1;
		});
	const whole = race(
		[
			['24,000 instructions, whole: C libbpf', once(() => floor.loadObject(large))],
			[
				'24,000 instructions, whole: skep',
				once(() => loadCollection(parseObject(large, {name: 'large'})).close()),
			],
		],
		rounds,
	);
	const open = race(
		[
			['24,000 instructions, open only: C libbpf', once(() => floor.openObject(large))],
			[
				'24,000 instructions, open only: skep',
				once(() => parseObject(large, {name: 'large'})),
			],
		],
		rounds,
	);
	const first = (who: 'c' | 'skep') => () => {
		const child = [join(output, 'bench/load-large-child.js'), who];
		return Number(execFileSync(process.execPath, child, {encoding: 'utf8'})) * 1e6;
	};
	const cold = race(
		[
			['CO-RE, first in the process: C libbpf', first('c')],
			['CO-RE, first in the process: skep', first('skep')],
		],
		rounds,
	);
	const again = race(
		[
			['CO-RE, again: C libbpf', once(() => floor.loadObject(relocated))],
			[
				'CO-RE, again: skep',
				once(() => loadCollection(parseObject(relocated, {name: 'relocated'})).close()),
			],
		],
		rounds * 3,
	);
	return figures([...whole, ...open, ...cold, ...again], 'ms', {
		'24,000 instructions, whole: skep': atLeast(0.95),
		'24,000 instructions, open only: skep': below(5, 'ms'),
		'CO-RE, first in the process: skep': atLeast(0.46),
		'CO-RE, again: skep': below(2, 'ms'),
	});
}
