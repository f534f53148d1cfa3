import type {Command} from 'commander';

import {ciliumOptions, openMaps, withRoot, type RootOptions} from '../datapath-options.js';
import {example} from '../output/example.js';
import {outputOptions, printList} from '../output/print.js';
import {enforcementText} from './words.js';

export function addList(policy: Command): void {
	withRoot(policy.command('list'))
		.description('endpoints that have a policy, and whether it is enforced')
		.addHelpText('after', example(`skep policy list ${ciliumOptions}`))
		.action(list);
}

async function list(options: RootOptions, command: Command): Promise<void> {
	const {Policies} = await import('../../datapath/index.js');
	using maps = await openMaps(options);
	await printList(
		new Policies(maps).list(),
		({endpointId, enforcement, entries, revision}) => ({
			endpoint: endpointId,
			'policy (ingress)': enforcementText(enforcement, 'ingress'),
			'policy (egress)': enforcementText(enforcement, 'egress'),
			entries,
			revision: revision ?? '-',
		}),
		outputOptions(command),
	);
}
