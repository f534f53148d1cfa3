/** The running kernel's types: read, indexed, and one type found. */

import {execFileSync} from 'node:child_process';
import {join} from 'node:path';

import {output} from './floor.js';
import {race} from './measure.js';
import {atLeast, below, figures, type Figure} from './report.js';

/** Each figure in a process of its own, timed inside. */
export function benchKernelBtf(rounds: number): Figure[] {
	const sample = (who: 'c' | 'skep', when: 'cold' | 'warm') => () => {
		const child = [join(output, 'bench/kernel-btf-child.js'), who, when];
		return Number(execFileSync(process.execPath, child, {encoding: 'utf8'})) * 1e6;
	};
	const cold = race(
		[
			['first in the process: C libbpf', sample('c', 'cold')],
			['first in the process: skep', sample('skep', 'cold')],
		],
		rounds,
	);
	const warm = race(
		[
			['again: C libbpf', sample('c', 'warm')],
			['again: skep', sample('skep', 'warm')],
		],
		rounds,
	);
	return figures([...cold, ...warm], 'ms', {
		'first in the process: skep': atLeast(0.6),
		'again: skep': below(10, 'ms'),
	});
}
