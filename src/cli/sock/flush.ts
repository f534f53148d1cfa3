/** `skep sock flush`. */

import type {Command} from 'commander';

import {openMaps, requireOwn, withRoot, type RootOptions} from '../datapath-options.js';
import {example} from '../output/example.js';
import {outputOptions, printOne} from '../output/print.js';

export function addFlush(sock: Command): void {
	withRoot(sock.command('flush'))
		.description('forget sockets of services that are gone')
		.option('--all', 'every socket: applications see backends from then on')
		.option('--force', "also where another datapath's agent keeps them")
		.addHelpText('after', example('skep sock flush'))
		.action(flush);
}

interface FlushOptions extends RootOptions {
	readonly all?: boolean;
	readonly force?: boolean;
}

async function flush(options: FlushOptions, command: Command): Promise<void> {
	const {Sockets} = await import('../../datapath/index.js');
	requireOwn('flush sockets', options, options.force);
	using maps = await openMaps(options, {write: true});
	const flushed = new Sockets(maps).flush({all: options.all === true});
	await printOne({flushed}, outputOptions(command));
}
