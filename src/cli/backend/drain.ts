/** `skep backend drain`. */

import type {Command} from 'commander';

import {example} from '../output/example.js';
import {openForChange, withNode, type NodeOptions} from '../service/open.js';
import {backendReference} from '../service/words.js';

export function addDrain(backend: Command): void {
	withNode(backend.command('drain'))
		.description('give backends no more new flows; running ones stay')
		.argument('<backend...>', 'id, or address and port')
		.addHelpText('after', example('skep backend drain 10.1.0.1:8080'))
		.action(drain);
}

async function drain(texts: readonly string[], options: NodeOptions): Promise<void> {
	const references = texts.map(backendReference);
	const {maps, services} = await openForChange('drain backend', options);
	using _maps = maps;
	for (const reference of references) await services.backends.drain(reference);
}
