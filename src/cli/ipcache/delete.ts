/** `skep ipcache delete`. */

import type {Command} from 'commander';

import {openMaps, requireOwn, withRoot, type RootOptions} from '../datapath-options.js';
import {example} from '../output/example.js';
import {canonicalPrefix} from './open.js';

export function addDelete(ipcache: Command): void {
	withRoot(ipcache.command('delete'))
		.description('remove prefixes; flows are judged again')
		.argument('<prefix...>', 'prefixes; an address is one of full length')
		.option('--force', "write to another datapath's maps too")
		.addHelpText('after', example('skep ipcache delete 10.1.0.0/16'))
		.action(remove);
}

async function remove(
	words: readonly string[],
	options: RootOptions & {readonly force?: boolean},
): Promise<void> {
	const action = 'delete ipcache';
	requireOwn(`${action} "${words.join(' ')}"`, options, options.force);
	const prefixes = words.map(text => canonicalPrefix(action, text));
	const {DatapathError, Ipcache} = await import('../../datapath/index.js');
	using maps = await openMaps(options, {write: true});
	if (new Ipcache(maps).delete(prefixes) === prefixes.length) return;
	const what = words.length === 1 ? 'there is no such prefix' : 'not all of them were there';
	throw new DatapathError(action, words.join(' '), what);
}
