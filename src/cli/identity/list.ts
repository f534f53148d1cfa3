/** `skep identity list`. */

import type {Command} from 'commander';

import {withOwnRoot, type RootOptions} from '../datapath-options.js';
import {example} from '../output/example.js';
import {outputOptions, printList} from '../output/print.js';
import {listIdentities, rowOf} from './find.js';

export function addList(identity: Command): void {
	withOwnRoot(identity.command('list'))
		.description('reserved identities and all that were allocated')
		.addHelpText('after', example('skep identity list -o json'))
		.action(list);
}

async function list({root}: Pick<RootOptions, 'root'>, command: Command): Promise<void> {
	await printList(await listIdentities(root), rowOf, outputOptions(command));
}
