/** `skep maglev share`. */

import type {Command} from 'commander';

import {withRoot, type RootOptions} from '../datapath-options.js';
import {example} from '../output/example.js';
import {outputOptions, printList} from '../output/print.js';
import {findService, openForReading} from '../service/open.js';
import {placeText} from '../service/words.js';
import {tableOf, withTable, type TableChoice} from './table.js';

export function addShare(maglev: Command): void {
	withTable(withRoot(maglev.command('share')))
		.description('which part of a service each backend gets')
		.argument('<service>', 'its frontend, or its number')
		.addHelpText('after', example('skep maglev share 10.96.0.1:80'))
		.action(share);
}

async function share(
	text: string,
	options: RootOptions & TableChoice,
	command: Command,
): Promise<void> {
	const {maglevShares} = await import('../../datapath/index.js');
	const {maps, services} = await openForReading(options);
	using _maps = maps;
	const service = await findService('share of Maglev table', text, services);
	const shares = maglevShares(await tableOf(maps, service, options));
	const places = new Map(service.backends.map(backend => [backend.id, placeText(backend)]));
	await printList(
		shares,
		({backend, places: count, share: part}) => ({
			id: backend.id,
			'backend address': places.get(backend.id) ?? '-',
			weight: backend.weight ?? 100,
			places: count,
			share: `${(part * 100).toFixed(2)} %`,
		}),
		outputOptions(command),
	);
}
