/** `skep affinity list`. */

import type {Command} from 'commander';

import type {AffinityEntry} from '../../datapath/index.js';
import {openMaps, printRecords, withRoot, type RootOptions} from '../datapath-options.js';
import {example} from '../output/example.js';
import {outputOptions} from '../output/print.js';
import type {Row} from '../output/table.js';
import {filterOf, withFilter, type FilterOptions} from './filter.js';

export function addList(affinity: Command): void {
	withFilter(withRoot(affinity.command('list')))
		.description('clients of services with session affinity')
		.addHelpText('after', example('skep affinity list --service 5'))
		.action(list);
}

async function list(options: RootOptions & FilterOptions, command: Command): Promise<void> {
	const {Affinity} = await import('../../datapath/index.js');
	using maps = await openMaps(options);
	const entries = new Affinity(maps).list(filterOf(options));
	await printRecords(entries, rowOf, undefined, outputOptions(command));
}

function rowOf({service, client, backend, backendId, lastUsed}: AffinityEntry): Row {
	const isSix = backend?.address.includes(':') === true;
	const address = isSix ? `[${backend.address}]` : backend?.address;
	return {
		client: typeof client === 'bigint' ? `cookie=${client}` : client,
		revnat_id: service,
		backend_id: backendId,
		backend: backend === undefined ? '-' : `${address}:${backend.port}`,
		'last used': lastUsed,
	};
}
