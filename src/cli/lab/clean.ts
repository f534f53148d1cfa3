/** `skep lab clean`. */

import type {Command} from 'commander';

import {example} from '../output/example.js';
import {outputOptions, printList, write} from '../output/print.js';

export function addClean(lab: Command): void {
	lab.command('clean')
		.description('remove what labs left whose process was killed')
		.addHelpText('after', help)
		.action(clean);
}

const help = `
Removes processes, cgroups and names of namespaces, and with them the
namespaces and what is attached in them. Labs of living processes stay, and so
does whatever no lab made.
${example('skep lab clean')}`;

async function clean(_: object, command: Command): Promise<void> {
	const {cleanLabs} = await import('../../lab/index.js');
	const removed = await cleanLabs();
	const output = outputOptions(command);
	if (output.output === 'table' && removed.length === 0) {
		write('there is nothing to remove\n');
		return;
	}

	const row = ({name, pid, hosts}: (typeof removed)[number]) => ({
		removed: name,
		pid,
		hosts: hosts.map(host => host.name).join(' '),
	});
	await printList(removed, row, output);
}
