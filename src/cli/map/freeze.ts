/** `skep map freeze`. */

import type {Command} from 'commander';

import {example} from '../output/example.js';
import {openMap, verb} from './open.js';

export function addFreeze(map: Command): void {
	verb(map, 'freeze', 'forbid every further write from user space, for good')
		.addHelpText('after', example('skep map freeze /sys/fs/bpf/lb/maps/config'))
		.action(freeze);
}

async function freeze(text: string): Promise<void> {
	using map = await openMap(text);
	map.freeze();
}
