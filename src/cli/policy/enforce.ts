import type {Command} from 'commander';

import {wholeNumber} from '../arguments.js';
import {openMaps, requireOwn, withRoot, type RootOptions} from '../datapath-options.js';
import {example} from '../output/example.js';
import {outputOptions, printOne} from '../output/print.js';
import {enforcementOptions, withEnforcement, type EnforcementWords} from './enforcement-words.js';

export function addEnforce(policy: Command): void {
	withEnforcement(withRoot(policy.command('enforce')))
		.description("make an endpoint's rules count or not")
		.argument('<endpoint>', 'id of the endpoint', wholeNumber('endpoint'))
		.addHelpText('after', example('skep policy enforce 11 --enforce both --audit'))
		.action(enforce);
}

async function enforce(
	endpoint: number,
	options: RootOptions & EnforcementWords,
	command: Command,
): Promise<void> {
	requireOwn('enforce policy', options);
	const {Policies} = await import('../../datapath/index.js');
	using maps = await openMaps(options, {write: true});
	const policies = new Policies(maps);
	await printOne(
		await policies.setEnforcement(endpoint, enforcementOptions(options)),
		outputOptions(command),
	);
}
