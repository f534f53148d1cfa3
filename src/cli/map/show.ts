/** `skep map show`. */

import type {Command} from 'commander';

import {example} from '../output/example.js';
import {outputOptions, printOne} from '../output/print.js';
import {openMap, verb} from './open.js';

export function addShow(map: Command): void {
	verb(map, 'show', 'one map, with its types, pins and holders')
		.addHelpText('after', example('skep map show /sys/fs/bpf/lb/maps/services'))
		.action(show);
}

async function show(text: string, _: unknown, command: Command): Promise<void> {
	const {describeType, findHolders, flagNames, listPins, listPrograms, mapFlags} =
		await import('../../index.js');
	using map = await openMap(text);
	const {info, types} = map;
	const describe = (id: number): string =>
		types === undefined || id === 0 ? '-' : describeType(types.btf, id);
	await printOne(
		{
			id: info.id,
			type: info.type,
			name: info.name,
			key: `${info.keySize} bytes, ${describe(info.keyTypeId)}`,
			value: `${info.valueSize} bytes, ${describe(info.valueTypeId)}`,
			maxEntries: info.maxEntries,
			flags: flagNames(info.flags, mapFlags),
			btfId: info.btfId,
			programs: [...listPrograms()]
				.filter(each => each.mapIds.includes(info.id))
				.map(each => each.id),
			pins: [...listPins()]
				.filter(pin => pin.kind === 'map' && pin.id === info.id)
				.map(pin => pin.path),
			holders: (findHolders('map').get(info.id) ?? [])
				.filter(({pid}) => pid !== process.pid)
				.map(({pid, command: name}) => `${name}(${pid})`),
		},
		outputOptions(command),
	);
}
