/** `skep lab list`. */

import type {Command} from 'commander';

import {example} from '../output/example.js';
import {outputOptions, printList} from '../output/print.js';

export function addList(lab: Command): void {
	lab.command('list')
		.description('labs on this machine, and their hosts')
		.addHelpText('after', example('skep lab list'))
		.action(list);
}

async function list(_: object, command: Command): Promise<void> {
	const {listLabs} = await import('../../lab/index.js');
	const labs = listLabs();
	const output = outputOptions(command);
	if (output.output !== 'table') {
		await printList(labs, () => ({}), output);
		return;
	}

	const rows = labs.flatMap(({name, pid, alive, hosts}) =>
		hosts.map(host => ({
			lab: name,
			host: host.name,
			pid,
			alive: alive ? 'yes' : 'no',
			processes: host.processes,
			netns: host.netns,
		})),
	);
	await printList(rows, row => row, output);
}
