/** `skep identity release`. */

import type {Command} from 'commander';

import {wholeNumber} from '../arguments.js';
import {openMaps, withOwnRoot, type RootOptions} from '../datapath-options.js';
import {example} from '../output/example.js';

export function addRelease(identity: Command): void {
	withOwnRoot(identity.command('release'))
		.description('give a number back that no endpoint has any more')
		.argument('<number>', 'of the identity', wholeNumber('identity'))
		.addHelpText('after', example('skep identity release 256'))
		.action(release);
}

async function release(id: number, {root}: Pick<RootOptions, 'root'>): Promise<void> {
	const {DatapathError, Endpoints, Policies} = await import('../../datapath/index.js');
	using maps = await openMaps({root}, {write: true});
	const user = new Endpoints(maps).list().find(({identity}) => identity === id);
	if (user !== undefined) {
		const who = user.host ? 'the host' : `endpoint ${user.id}`;
		throw new DatapathError('release identity', String(id), `${who} has it`);
	}

	if (await new Policies(maps).release(id)) return;
	throw new DatapathError('release identity', String(id), 'nobody allocated it');
}
