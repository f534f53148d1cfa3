/** What a command costs before it does anything, and what a short one costs. */

import {execFileSync} from 'node:child_process';
import {mkdtempSync, rmdirSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';

import {build, output, runProcess} from './floor.js';
import {compileBench} from './flows.js';
import {race} from './measure.js';
import {atLeast, figures, type Figure} from './report.js';

export async function benchStart(rounds: number): Promise<Figure[]> {
	const sample =
		(...args: string[]) =>
		() =>
			runProcess(process.execPath, ...args).wall * 1e6;
	const cli = join(output, 'cli/skep.cjs');
	await compileBench('small');
	const object = join(build, 'small.bpf.o');
	const bpffs = mkdtempSync(join(tmpdir(), 'skep-bench-'));
	execFileSync('mount', ['-t', 'bpf', 'skep', bpffs]);
	let loads = 0;
	try {
		const timed = race(
			[
				['node -e 0', sample('-e', '0')],
				['skep --help', sample(cli, '--help')],
				['skep map list -o json', sample(cli, 'map', 'list', '-o', 'json')],
				[
					'skep object load',
					() => sample(cli, 'object', 'load', object, join(bpffs, `${loads++}`))(),
				],
			],
			rounds,
		);
		return figures(timed, 'ms', {
			'skep --help': atLeast(0.38),
			'skep object load': atLeast(0.46),
		});
	} finally {
		execFileSync('umount', [bpffs]);
		rmdirSync(bpffs);
	}
}
