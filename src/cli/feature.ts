/** `skep feature`: what the running kernel has, found out by trying. */

import type {Command} from 'commander';

import {outputOptions, printList} from './output/print.js';

export function addFeature(noun: Command): void {
	noun.argument('[name...]', 'features, or beginnings of their names up to a colon or slash')
		.option('--check', 'exit with 1 unless the kernel has all of them')
		.addHelpText('after', help)
		.action(feature);
}

const help = `
Groups of names are program, map, link, btf, code, call and helper; helpers are
shown only where they are asked for, by program type.

Example:
  skep feature
  skep feature map link:tcx
  skep feature helper:xdp -o json
  skep feature --check program:xdp link:xdp`;

async function feature(
	names: string[],
	options: {readonly check?: true},
	command: Command,
): Promise<void> {
	const {probeFeatures} = await import('../index.js');
	const reports = probeFeatures(names.length === 0 ? {} : {names});
	await printList(
		reports,
		({name, support, since, reason}) => ({
			feature: name,
			support,
			since: since ?? '-',
			reason: reason ?? '-',
		}),
		outputOptions(command),
	);
	if (options.check && reports.some(({support}) => support !== 'yes')) process.exitCode = 1;
}
