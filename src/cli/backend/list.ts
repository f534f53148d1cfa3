/** `skep backend list`. */

import type {Command} from 'commander';

import type {ListedBackend} from '../../datapath/index.js';
import {ciliumOptions, layoutText, printRecords, withRoot} from '../datapath-options.js';
import type {RootOptions} from '../datapath-options.js';
import {example} from '../output/example.js';
import {outputOptions} from '../output/print.js';
import {openForReading} from '../service/open.js';
import {backendRow, placeText} from '../service/words.js';
import {watchList, withWatch, type WatchOptions} from '../watch-list.js';

export function addList(backend: Command): void {
	withWatch(withRoot(backend.command('list')))
		.description('backends, and the numbers of the services that have them')
		.addHelpText(
			'after',
			example(`skep backend list --watch\n  skep backend list ${ciliumOptions}`),
		)
		.action(list);
}

async function list(options: RootOptions & WatchOptions, command: Command): Promise<void> {
	const output = outputOptions(command);
	const {maps, services} = await openForReading(options);
	using _maps = maps;
	const first = services.backends.list();
	const found = maps.backends4 ?? maps.backends6;
	await printRecords(first, backendRow, found && layoutText(found, options), output);
	if (options.watch !== true) return;
	const shown = {
		key: ({id}: ListedBackend) => String(id),
		line: (each: ListedBackend) =>
			`${each.id} ${placeText(each)} ${each.state} services=${each.services.join(' ')}`,
	};
	await watchList(first, () => services.backends.list(), shown, options, output);
}
