/** `skep maglev pick`. */

import type {Command} from 'commander';

import {withRoot, type RootOptions} from '../datapath-options.js';
import {example} from '../output/example.js';
import {outputOptions, printOne, write} from '../output/print.js';
import {findService, openForReading} from '../service/open.js';
import {placeText, readBackend} from '../service/words.js';
import {tableOf, withTable, type TableChoice} from './table.js';

export function addPick(maglev: Command): void {
	withTable(withRoot(maglev.command('pick')))
		.description('the backend that a flow of a client goes to')
		.argument('<service>', 'its frontend, or its number')
		.argument('<client>', 'address and port of the client')
		.addHelpText('after', example('skep maglev pick 10.96.0.1:80 192.0.2.7:40000'))
		.action(pick);
}

async function pick(
	text: string,
	clientText: string,
	options: RootOptions & TableChoice,
	command: Command,
): Promise<void> {
	const {maglevPick} = await import('../../datapath/index.js');
	const client = readBackend(clientText);
	const {maps, services} = await openForReading(options);
	using _maps = maps;
	const service = await findService('pick backend', text, services);
	const {frontend, affinity} = service;
	const table = await tableOf(maps, service, options);
	const flow = {
		client: client.address,
		// A client with affinity has one place for all of its ports.
		clientPort: affinity === undefined ? client.port : 0,
		...{port: frontend.port, protocol: frontend.protocol},
	};
	const picked = maglevPick(table, flow, options.seed);
	const backend = service.backends.find(({id}) => id === picked?.id);
	const output = outputOptions(command);
	if (output.output === 'table') write(backend === undefined ? '-\n' : `${placeText(backend)}\n`);
	else await printOne(backend ?? {}, output);
}
