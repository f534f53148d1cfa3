/** `skep prefilter list`. */

import type {Command} from 'commander';

import {parsePrefix} from '../../base/address.js';
import {ciliumOptions, openMaps, withRoot, type RootOptions} from '../datapath-options.js';
import {example} from '../output/example.js';
import {outputOptions, printOne, writeLines} from '../output/print.js';

export function addList(prefilter: Command): void {
	withRoot(prefilter.command('list'))
		.description('denied sources and the revision of their lists')
		.addHelpText(
			'after',
			example(`skep prefilter list\n  skep prefilter list ${ciliumOptions}`),
		)
		.action(list);
}

async function list(options: RootOptions, command: Command): Promise<void> {
	const {Prefilter} = await import('../../datapath/index.js');
	const output = outputOptions(command);
	using maps = await openMaps(options);
	const prefilter = new Prefilter(maps);
	const {revision} = prefilter;
	const prefixes = sorted(prefilter);
	if (output.output !== 'table') {
		await printOne({revision, prefixes}, output);
		return;
	}

	writeLines([`revision ${revision}`, ...prefixes]);
}

/** IPv4 before IPv6, by address, shorter prefixes first. */
function sorted(prefixes: Iterable<string>): string[] {
	return Array.from(prefixes, text => {
		const {address, length} = parsePrefix(text);
		return {text, length, bytes: Buffer.from(address)};
	})
		.sort(
			(a, b) =>
				a.bytes.length - b.bytes.length || a.bytes.compare(b.bytes) || a.length - b.length,
		)
		.map(({text}) => text);
}
