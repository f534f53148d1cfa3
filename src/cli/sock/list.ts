/** `skep sock list` and `direct`. */

import type {Command} from 'commander';

import type {DirectSocket, ServiceSocket} from '../../datapath/index.js';
import {
	ciliumOptions,
	openMaps,
	withOwnRoot,
	withRoot,
	type RootOptions,
} from '../datapath-options.js';
import {example} from '../output/example.js';
import {outputOptions, printList} from '../output/print.js';

export function addList(sock: Command): void {
	withRoot(sock.command('list'))
		.description('sockets that a service gave a backend')
		.addHelpText('after', example(`skep sock list\n  skep sock list ${ciliumOptions}`))
		.action(list);

	withOwnRoot(sock.command('direct'))
		.description('sockets whose messages may skip the stack, both ends of a connection')
		.addHelpText('after', example('skep sock direct -o json'))
		.action(direct);
}

async function list(options: RootOptions, command: Command): Promise<void> {
	const {Sockets} = await import('../../datapath/index.js');
	using maps = await openMaps(options);
	await printList([...new Sockets(maps)], serviceRow, outputOptions(command));
}

async function direct(options: Pick<RootOptions, 'root'>, command: Command): Promise<void> {
	const {Sockets} = await import('../../datapath/index.js');
	using maps = await openMaps(options);
	await printList([...new Sockets(maps).direct()], directRow, outputOptions(command));
}

interface Place {
	readonly address: string;
	readonly port: number;
}

const text = ({address, port}: Place): string =>
	address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;

const serviceRow = ({cookie, backend, frontend, service, stale}: ServiceSocket) => ({
	...{cookie, backend: text(backend), frontend: text(frontend), service},
	state: stale ? 'stale' : 'current',
});

const directRow = ({cookie, local, remote}: DirectSocket) => ({
	...{cookie, local: text(local), remote: text(remote)},
});
