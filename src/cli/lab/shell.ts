/** `skep lab shell`. */

import type {Command} from 'commander';

import {example} from '../output/example.js';

export function addShell(lab: Command): void {
	lab.command('shell')
		.description('a shell, or a command, in a host of a lab that stands')
		.argument('<host>', 'name of the host')
		.argument(
			'[command...]',
			"command and its arguments, after --; the user's shell unless given",
		)
		.option('--lab <name>', 'name of the lab, where several have such a host')
		.addHelpText('after', example('skep lab shell client -- ip route'))
		.action(shell);
}

async function shell(
	host: string,
	words: readonly string[],
	options: {readonly lab?: string},
): Promise<void> {
	const {enterHost} = await import('../../lab/index.js');
	const [program, ...args] = words;
	process.exitCode = await enterHost(host, {
		...options,
		...(program === undefined ? {} : {command: [program, ...args]}),
	});
}
