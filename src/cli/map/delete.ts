/** `skep map delete`. */

import type {Command} from 'commander';

import {example} from '../output/example.js';
import {encodeWord, fail, keyHelp, openMap, typed, verb, type TypedOptions} from './open.js';

export function addDelete(map: Command): void {
	typed(verb(map, 'delete', 'remove one element'))
		.argument('<key>', keyHelp)
		.addHelpText('after', example('skep map delete 12 hex:c0000201'))
		.action(remove);
}

async function remove(text: string, key: string, options: TypedOptions): Promise<void> {
	using map = await openMap(text, options);
	if (map.raw.delete(encodeWord(map.keyCodec, key))) return;
	fail(`delete from map "${map.name}": no such key`);
}
