/** `skep endpoint list`. */

import type {Command} from 'commander';

import {
	ciliumOptions,
	layoutText,
	openMaps,
	printBytes,
	printRecords,
	requireMap,
	withRoot,
	type RootOptions,
} from '../datapath-options.js';
import {example} from '../output/example.js';
import {outputOptions} from '../output/print.js';
import {watchList, withWatch, type WatchOptions} from '../watch-list.js';
import {addressRows, policyOf, rowOf} from './find.js';

export function addList(endpoint: Command): void {
	withWatch(withRoot(endpoint.command('list')))
		.description('endpoints of this node and its own addresses')
		.addHelpText(
			'after',
			example(`skep endpoint list --watch\n  skep endpoint list ${ciliumOptions}`),
		)
		.action(list);
}

async function list(options: RootOptions & WatchOptions, command: Command): Promise<void> {
	const {Endpoints} = await import('../../datapath/index.js');
	const output = outputOptions(command);
	using maps = await openMaps(options);
	const found = await requireMap(maps.endpoints, maps, 'lxc');
	if (!found.known) {
		await printBytes(found.map, output);
		return;
	}

	const endpoints = new Endpoints(maps);
	const first = endpoints.list();
	const layout = layoutText(found, options);
	if (output.output === 'table') {
		await printRecords(addressRows(first), rowOf, layout, output);
	} else {
		await printRecords(first, each => ({id: each.id}), layout, output);
	}

	if (options.watch !== true) return;
	const shown = {
		key: ({id, ifindex}: (typeof first)[number]) => `${id}/${ifindex}`,
		line: (each: (typeof first)[number]) =>
			`endpoint ${each.id} sec_id=${each.identity} policy=${policyOf(each)} ifindex=${each.ifindex} ${each.addresses.join(' ')}`,
	};
	await watchList(first, () => endpoints.list(), shown, options, output);
}
