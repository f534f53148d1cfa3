/** `skep endpoint delete`. */

import type {Command} from 'commander';

import {openMaps, withOwnRoot, type RootOptions} from '../datapath-options.js';
import {example} from '../output/example.js';
import {findEndpoint} from './find.js';

export function addDelete(endpoint: Command): void {
	withOwnRoot(endpoint.command('delete'))
		.description('guard an endpoint no more: its programs, entries, policy and flows go')
		.argument('<endpoint>', 'id, or one of its addresses')
		.addHelpText('after', example('skep endpoint delete 7'))
		.action(remove);
}

async function remove(text: string, {root}: Pick<RootOptions, 'root'>): Promise<void> {
	const {Conntrack, Endpoints, Nat, Policies} = await import('../../datapath/index.js');
	using maps = await openMaps({root}, {write: true});
	const {id, addresses} = await findEndpoint('delete endpoint', text, maps);
	new Endpoints(maps).delete(id);
	await new Policies(maps).remove(id);
	await new Conntrack(maps).scrub(addresses);
	await new Nat(maps).scrub(addresses);
}
