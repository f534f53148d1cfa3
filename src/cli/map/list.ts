/** `skep map list`. */

import type {Command} from 'commander';

import {example} from '../output/example.js';
import {outputOptions, printList} from '../output/print.js';

export function addList(map: Command): void {
	map.command('list')
		.description('all maps of this host')
		.addHelpText('after', example('skep map list'))
		.action(list);
}

async function list(_: unknown, command: Command): Promise<void> {
	const {listMaps, listPins} = await import('../../index.js');
	const pins = new Map(
		[...listPins()].filter(pin => pin.kind === 'map').map(pin => [pin.id, pin.path]),
	);
	const maps = [...listMaps()].map(each => ({...each, pin: pins.get(each.id)}));
	await printList(
		maps,
		each => ({
			id: each.id,
			type: each.type,
			name: each.name === '' ? '-' : each.name,
			key: each.keySize,
			value: each.valueSize,
			entries: each.maxEntries,
			btf: each.btfId === 0 ? '-' : each.btfId,
			pin: each.pin ?? '-',
		}),
		outputOptions(command),
	);
}
