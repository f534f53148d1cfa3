/** `skep backend get`. */

import type {Command} from 'commander';

import {withRoot, type RootOptions} from '../datapath-options.js';
import {example} from '../output/example.js';
import {outputOptions, printList} from '../output/print.js';
import {openForReading} from '../service/open.js';
import {backendReference, backendRow} from '../service/words.js';

export function addGet(backend: Command): void {
	withRoot(backend.command('get'))
		.description('one backend; where no protocol is said, of each that it has')
		.argument('<backend>', 'its id, or address and port')
		.addHelpText('after', example('skep backend get 10.1.0.1:8080'))
		.action(get);
}

async function get(text: string, options: RootOptions, command: Command): Promise<void> {
	const {DatapathError} = await import('../../datapath/index.js');
	const {maps, services} = await openForReading(options);
	using _maps = maps;
	const found = services.backends.get(backendReference(text));
	if (found.length === 0) {
		throw new DatapathError('get backend', text, 'there is no such backend; skep backend list');
	}

	await printList(found, backendRow, outputOptions(command));
}
