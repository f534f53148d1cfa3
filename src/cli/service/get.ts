/** `skep service get`. */

import type {Command} from 'commander';

import {withRoot, type RootOptions} from '../datapath-options.js';
import {example} from '../output/example.js';
import {outputOptions, printOne} from '../output/print.js';
import {findService, openForReading} from './open.js';
import {backendText, frontendText} from './words.js';

export function addGet(service: Command): void {
	withRoot(service.command('get'))
		.description('one service')
		.argument('<service>', 'its frontend, or its number')
		.addHelpText('after', example('skep service get 10.96.0.1:80'))
		.action(get);
}

async function get(text: string, options: RootOptions, command: Command): Promise<void> {
	const {maps, services} = await openForReading(options);
	using _maps = maps;
	const service = await findService('get service', text, services);
	const output = outputOptions(command);
	if (output.output !== 'table') {
		await printOne(service, output);
		return;
	}

	const {id, flags, affinity, sourceRanges, algorithm, forwardingMode, backends} = service;
	const {allow, deny} = sourceRanges ?? {};
	await printOne(
		{
			...{id, frontend: frontendText(service), flags: flags.join(', ')},
			...{algorithm, affinity: affinity && `${affinity.timeout} s`},
			...{external: service.externalTrafficPolicy, internal: service.internalTrafficPolicy},
			...{forwarding: forwardingMode, allow, deny},
			...Object.fromEntries(
				backends.map((backend, i) => [
					i === 0 ? 'backends' : ' '.repeat(i),
					backendText(backend),
				]),
			),
		},
		output,
	);
}
