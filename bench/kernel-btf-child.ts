/** Prints the milliseconds that one side takes to find a type of the kernel, cold or warm. */

import {performance} from 'node:perf_hooks';

import {Btf} from '../src/index.js';
import {readKernelBtf} from '../src/kernel/host/kernel-btf.js';
import {floor} from './floor.js';
import {median} from './measure.js';

const [, , who, when] = process.argv;

function find(): void {
	if (who === 'c') {
		floor.findKernelType();
		return;
	}

	const types = Btf.parse(readKernelBtf());
	if (types.find('task_struct', 'struct') === undefined) throw new Error('no task_struct');
}

function timed(): number {
	const start = performance.now();
	find();
	return performance.now() - start;
}

const first = timed();
const later = when === 'warm' ? median(Array.from({length: 10}, timed)) : first;
process.stdout.write(String(later));
