/** What a command costs before it does anything. */

import {join} from 'node:path';

import {output, runProcess} from './floor.js';
import {race} from './measure.js';
import {below, figures, type Figure} from './report.js';

export function benchStart(rounds: number): Figure[] {
	const sample =
		(...args: string[]) =>
		() =>
			runProcess(process.execPath, ...args).wall * 1e6;
	const cli = join(output, 'src/cli/main.js');
	const timed = race(
		[
			['node -e 0', sample('-e', '0')],
			['skep --help', sample(cli, '--help')],
			['skep map list -o json', sample(cli, 'map', 'list', '-o', 'json')],
		],
		rounds,
	);
	return figures(timed, 'ms', {'skep --help': below(120, 'ms')});
}
