/** `skep datapath status`. */

import type {Command} from 'commander';

import {defaultRoot, withOwnRoot, type RootOptions} from '../datapath-options.js';
import {outputOptions} from '../output/print.js';
import {showStatus} from './show-status.js';

export function addStatus(datapath: Command): void {
	withOwnRoot(datapath.command('status'))
		.description('what is there of the datapath, and whether all of it is')
		.addHelpText(
			'after',
			'\nExit status:\n  0 up, 1 down or not whole\n\nExample:\n  skep datapath status -o json',
		)
		.action(status);
}

async function status({root}: Pick<RootOptions, 'root'>, command: Command): Promise<void> {
	const {datapathStatus} = await import('../../datapath/index.js');
	const found = datapathStatus({root});
	await showStatus(found, outputOptions(command));
	if (found.state === 'up') return;
	process.exitCode = 1;
	const given = root === defaultRoot ? '' : ` --root ${root}`;
	process.stderr.write(
		`skep: the datapath is ${found.state === 'down' ? 'down' : 'not whole'}; "skep datapath up${given}" brings it up\n`,
	);
}
