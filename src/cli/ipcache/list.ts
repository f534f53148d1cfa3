/** `skep ipcache list`. */

import type {Command} from 'commander';

import type {IpcacheEntry} from '../../datapath/index.js';
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
import {rowOf, sorted} from './open.js';

export function addList(ipcache: Command): void {
	withWatch(withRoot(ipcache.command('list')))
		.description('prefixes and the identities of what they cover')
		.addHelpText(
			'after',
			example(`skep ipcache list -o json\n  skep ipcache list ${ciliumOptions}`),
		)
		.action(list);
}

const shown = {
	key: ({prefix}: IpcacheEntry) => prefix,
	line: ({prefix, identity, encryptKey, tunnelEndpoint}: IpcacheEntry) =>
		`${prefix} identity=${identity} encryptkey=${encryptKey ?? 0} tunnelendpoint=${tunnelEndpoint ?? '-'}`,
};

async function list(options: RootOptions & WatchOptions, command: Command): Promise<void> {
	const {Ipcache} = await import('../../datapath/index.js');
	const output = outputOptions(command);
	using maps = await openMaps(options);
	const found = await requireMap(maps.ipcache, maps, 'ipcache');
	if (!found.known) {
		await printBytes(found.map, output);
		return;
	}

	const ipcache = new Ipcache(maps);
	const first = sorted(ipcache);
	await printRecords(first, rowOf, layoutText(found, options), output);
	if (options.watch !== true) return;
	await watchList(first, () => sorted(ipcache), shown, options, output);
}
