import type {Command} from 'commander';

import {wholeNumber} from '../arguments.js';
import {openMaps, requireOwn, withRoot, type RootOptions} from '../datapath-options.js';
import {example} from '../output/example.js';

export function addRemove(policy: Command): void {
	withRoot(policy.command('remove'))
		.description("take endpoints' policies away: they are not enforced any more")
		.argument('<endpoint...>', 'ids of the endpoints')
		.addHelpText('after', example('skep policy remove 11 12'))
		.action(remove);
}

async function remove(words: readonly string[], options: RootOptions): Promise<void> {
	requireOwn('remove policy', options);
	const ids = words.map(wholeNumber('endpoint'));
	const {DatapathError, Policies} = await import('../../datapath/index.js');
	using maps = await openMaps(options, {write: true});
	const removed = await new Policies(maps).remove(ids);
	if (removed > 0) return;
	throw new DatapathError('remove policy', `endpoint ${words.join(', ')}`, 'there is none');
}
