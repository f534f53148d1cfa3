/** `skep prog show`. */

import type {Command} from 'commander';

import {example} from '../output/example.js';
import {outputOptions, printOne} from '../output/print.js';
import {openProgram} from './open.js';

export function addShow(prog: Command): void {
	prog.command('show')
		.description('one program, with its maps, pins and holders')
		.argument('<prog>', 'id, or path of a pin')
		.addHelpText('after', example('skep prog show /sys/fs/bpf/lb/entry'))
		.action(show);
}

async function show(text: string, _: unknown, command: Command): Promise<void> {
	const {findHolders, listPins, readMetadata} = await import('../../index.js');
	using program = await openProgram(text);
	const info = program.info();
	const holders = findHolders('prog').get(info.id) ?? [];
	const {id} = info;
	await printOne(
		{
			...info,
			name: program.name,
			loadTime: `${(Number(info.loadTime) / 1e9).toFixed(1)} s after boot`,
			mapIds: program.mapIds(),
			...metadataOf(readMetadata(program)),
			pins: [...listPins()]
				.filter(pin => pin.kind === 'program' && pin.id === id)
				.map(pin => pin.path),
			holders: holders
				.filter(({pid}) => pid !== process.pid)
				.map(({pid, command: name}) => `${name}(${pid})`),
		},
		outputOptions(command),
	);
}

/** Most programs have none. */
function metadataOf(metadata: Readonly<Record<string, unknown>>): object {
	return Object.keys(metadata).length === 0 ? {} : {metadata};
}
