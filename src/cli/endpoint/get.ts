/** `skep endpoint get`. */

import type {Command} from 'commander';

import {layoutText, openMaps, requireMap, withRoot, type RootOptions} from '../datapath-options.js';
import {example} from '../output/example.js';
import {outputOptions, printOne} from '../output/print.js';
import {findEndpoint, policyOf} from './find.js';

export function addGet(endpoint: Command): void {
	withRoot(endpoint.command('get'))
		.description('one endpoint')
		.argument('<endpoint>', 'id, or one of its addresses')
		.addHelpText('after', example('skep endpoint get 10.0.0.5'))
		.action(get);
}

async function get(text: string, options: RootOptions, command: Command): Promise<void> {
	using maps = await openMaps(options);
	const found = await requireMap(maps.endpoints, maps, 'lxc');
	const endpoint = await findEndpoint('get endpoint', text, maps);
	const layout = layoutText(found, options);
	const output = outputOptions(command);
	const shown = output.output === 'table' ? plain(endpoint) : endpoint;
	await printOne({...shown, ...(layout === undefined ? {} : {layout})}, output);
}

const plain = (endpoint: Awaited<ReturnType<typeof findEndpoint>>): object => {
	const {enforcement, ...rest} = endpoint;
	return {...rest, policy: policyOf({enforcement, ...rest})};
};
