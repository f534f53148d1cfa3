/** `skep backend set`. */

import {Argument, type Command} from 'commander';

import type {BackendState} from '../../datapath/index.js';
import {example} from '../output/example.js';
import {openForChange, withNode, type NodeOptions} from '../service/open.js';
import {backendReference} from '../service/words.js';

export function addSet(backend: Command): void {
	withNode(backend.command('set'))
		.description('say how far a backend takes part in its services')
		.argument('<backend>', 'id, or address and port')
		.addArgument(
			new Argument('<state>', 'only active ones are given new flows').choices([
				...['active', 'terminating', 'quarantined', 'maintenance'],
			]),
		)
		.addHelpText('after', example('skep backend set 10.1.0.1:8080 active'))
		.action(set);
}

async function set(text: string, state: BackendState, options: NodeOptions): Promise<void> {
	const reference = backendReference(text);
	const {maps, services} = await openForChange('set state of backend', options);
	using _maps = maps;
	await services.backends.setState(reference, state);
}
