/** `skep sock choose`, `unchoose` and `chosen`. */

import type {Command} from 'commander';

import {openMaps, withOwnRoot, type RootOptions} from '../datapath-options.js';
import {portNumber} from '../arguments.js';
import {example} from '../output/example.js';
import {outputOptions, printList} from '../output/print.js';

const portText = 'of a service or a server';
const addressText = 'its address; every address unless given';

export function addChoose(sock: Command): void {
	withOwnRoot(sock.command('choose'))
		.description(
			'connections between sockets of this node skip the stack, from the next one on',
		)
		.argument('<port>', portText, portNumber)
		.option('--address <address>', addressText)
		.addHelpText('after', example('skep sock choose 6379 --address 10.96.0.10'))
		.action(choose);

	withOwnRoot(sock.command('unchoose'))
		.description('leave connections to the stack, the running ones too')
		.argument('<port>', portText, portNumber)
		.option('--address <address>', addressText)
		.addHelpText('after', example('skep sock unchoose 6379 --address 10.96.0.10'))
		.action(unchoose);

	withOwnRoot(sock.command('chosen'))
		.description('which connections skip the stack')
		.addHelpText('after', example('skep sock chosen'))
		.action(chosen);
}

interface PortOptions extends Pick<RootOptions, 'root'> {
	readonly address?: string;
}

const portOf = (port: number, {address}: PortOptions) => ({
	port,
	...(address === undefined ? {} : {address}),
});

async function choose(port: number, options: PortOptions): Promise<void> {
	const {Sockets} = await import('../../datapath/index.js');
	using maps = await openMaps(options, {write: true});
	new Sockets(maps).choose(portOf(port, options));
}

async function unchoose(port: number, options: PortOptions): Promise<void> {
	const {DatapathError, Sockets} = await import('../../datapath/index.js');
	using maps = await openMaps(options, {write: true});
	if (new Sockets(maps).unchoose(portOf(port, options))) return;
	const detail = 'its connections were not chosen; skep sock chosen';
	throw new DatapathError('leave connections to the stack', String(port), detail);
}

async function chosen(options: Pick<RootOptions, 'root'>, command: Command): Promise<void> {
	const {Sockets} = await import('../../datapath/index.js');
	using maps = await openMaps(options);
	await printList(
		new Sockets(maps).chosen(),
		({address, port}) => ({address: address ?? 'any', port}),
		outputOptions(command),
	);
}
