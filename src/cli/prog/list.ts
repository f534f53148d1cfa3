/** `skep prog list`. */

import type {Command} from 'commander';

import {example} from '../output/example.js';
import {outputOptions, printList} from '../output/print.js';

export function addList(prog: Command): void {
	prog.command('list')
		.description('all programs of this host')
		.addHelpText('after', example('skep prog list -o json'))
		.action(list);
}

async function list(_: unknown, command: Command): Promise<void> {
	const {listPins, listPrograms} = await import('../../index.js');
	const pins = new Map(
		[...listPins()].filter(pin => pin.kind === 'program').map(pin => [pin.id, pin.path]),
	);
	const programs = [...listPrograms()].map(each => ({...each, pin: pins.get(each.id)}));
	await printList(
		programs,
		each => ({
			id: each.id,
			type: each.type,
			name: each.name === '' ? '-' : each.name,
			tag: each.tag,
			insns: each.translatedSize / 8,
			pin: each.pin ?? '-',
			maps: each.mapIds.length === 0 ? '-' : each.mapIds.join(' '),
		}),
		outputOptions(command),
	);
}
