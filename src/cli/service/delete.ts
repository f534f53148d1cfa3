/** `skep service delete`. */

import type {Command} from 'commander';

import {example} from '../output/example.js';
import {findService, openForChange, withNode, type NodeOptions} from './open.js';
import {readFrontend} from './words.js';

export function addDelete(service: Command): void {
	withNode(service.command('delete'))
		.description('remove services, and the backends that no other one has')
		.argument('<service...>', 'frontend, in both scopes unless it ends in /i; or number')
		.addHelpText('after', example('skep service delete 10.96.0.1:80'))
		.action(remove);
}

async function remove(texts: readonly string[], options: NodeOptions): Promise<void> {
	const {maps, services} = await openForChange('delete service', options);
	using _maps = maps;
	const frontends = [];
	for (const text of texts) {
		const {frontend} = await findService('delete service', text, services);
		frontends.push(/^\d+$/.test(text) ? frontend : readFrontend(text));
	}

	await services.deleteMany(frontends);
}
