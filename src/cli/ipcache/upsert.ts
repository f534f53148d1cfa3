/** `skep ipcache upsert`. */

import type {Command} from 'commander';

import {wholeNumber} from '../arguments.js';
import {openMaps, requireOwn, withRoot, type RootOptions} from '../datapath-options.js';
import {example} from '../output/example.js';
import {canonicalPrefix} from './open.js';

export function addUpsert(ipcache: Command): void {
	withRoot(ipcache.command('upsert'))
		.description('say whose addresses a prefix covers; flows are judged again')
		.argument('<prefix>', 'prefix; an address is one of full length')
		.argument('<identity>', 'number of the identity', wholeNumber('identity'))
		.option('--tunnel-endpoint <address>', 'the node behind which they are')
		.option('--encrypt-key <number>', 'index of the encryption key', wholeNumber('key'))
		.option('--force', "write to another datapath's maps too")
		.addHelpText('after', example('skep ipcache upsert 10.1.0.0/16 256'))
		.action(upsert);
}

interface UpsertOptions extends RootOptions {
	readonly tunnelEndpoint?: string;
	readonly encryptKey?: number;
	readonly force?: boolean;
}

async function upsert(text: string, identity: number, options: UpsertOptions): Promise<void> {
	requireOwn(`upsert ipcache "${text}"`, options, options.force);
	const {tunnelEndpoint, encryptKey} = options;
	const prefix = canonicalPrefix('upsert ipcache', text);
	const {Ipcache} = await import('../../datapath/index.js');
	using maps = await openMaps(options, {write: true});
	new Ipcache(maps).upsert({
		prefix,
		identity,
		...(tunnelEndpoint === undefined ? {} : {tunnelEndpoint}),
		...(encryptKey === undefined ? {} : {encryptKey}),
	});
}
