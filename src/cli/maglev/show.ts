/** `skep maglev show`. */

import type {Command} from 'commander';

import {jsonOf} from '../../base/json.js';
import {withRoot, type RootOptions} from '../datapath-options.js';
import {example} from '../output/example.js';
import {outputOptions, printList, writeLines} from '../output/print.js';
import {findService, openForReading} from '../service/open.js';

export function addShow(maglev: Command): void {
	withRoot(maglev.command('show'))
		.description('the table of a service, or of all: a backend id for each place')
		.argument('[service]', 'its frontend, or its number')
		.addHelpText('after', example('skep maglev show 10.96.0.1:80 | head -c 300'))
		.action(show);
}

async function show(
	text: string | undefined,
	options: RootOptions,
	command: Command,
): Promise<void> {
	const {DatapathError, readMaglevTable} = await import('../../datapath/index.js');
	const output = outputOptions(command);
	const {maps, services} = await openForReading(options);
	using _maps = maps;
	const chosen =
		text === undefined
			? services.list()
			: [await findService('show Maglev table', text, services)];
	const tables = chosen.flatMap(service => {
		const table = readMaglevTable(maps, service);
		const family = service.frontend.address.includes(':') ? 'lb6' : 'lb4';
		return table === undefined ? [] : [{id: service.id, family, backends: [...table.ids]}];
	});
	if (text !== undefined && tables.length === 0) {
		throw new DatapathError('show Maglev table', text, 'the service has none');
	}

	if (output.output === 'yaml') await printList(tables, ({id}) => ({id}), output);
	else if (output.output === 'json') writeLines(tables.map(jsonOf));
	else {
		writeLines(['SVC ID\tBACKEND IDs'].slice(tables.length === 0 ? 1 : 0));
		writeLines(
			tables.map(({id, family, backends}) => `${id}[${family}]\t[${backends.join(' ')}]`),
		);
	}
}
