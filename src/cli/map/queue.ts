/** `skep map push`, `pop` and `peek`: maps without keys. */

import type {Command} from 'commander';

import {example} from '../output/example.js';
import {
	decodeBytes,
	encodeWord,
	fail,
	openMap,
	printValue,
	typed,
	valueHelp,
	verb,
	type TypedOptions,
} from './open.js';

export function addQueueVerbs(map: Command): void {
	typed(verb(map, 'push', 'append to a queue or stack, or add to a bloom filter'))
		.argument('<value>', valueHelp)
		.addHelpText('after', example('skep map push /sys/fs/bpf/work 7'))
		.action(push);

	typed(verb(map, 'pop', 'take the next element of a queue or stack'))
		.addHelpText('after', example('skep map pop /sys/fs/bpf/work'))
		.action(async (text: string, options: TypedOptions, command: Command) => {
			await next('pop', text, options, command);
		});

	typed(verb(map, 'peek', 'read the next element of a queue or stack'))
		.addHelpText('after', example('skep map peek /sys/fs/bpf/work'))
		.action(async (text: string, options: TypedOptions, command: Command) => {
			await next('peek', text, options, command);
		});
}

async function push(text: string, value: string, options: TypedOptions): Promise<void> {
	using map = await openMap(text, options);
	map.push(decodeBytes(map.valueCodec, encodeWord(map.valueCodec, value)));
}

async function next(
	how: 'pop' | 'peek',
	text: string,
	options: TypedOptions,
	command: Command,
): Promise<void> {
	using map = await openMap(text, options);
	const value = how === 'pop' ? map.pop() : map.peek();
	if (value === undefined)
		fail(`${how === 'pop' ? 'pop from' : 'peek into'} map "${map.name}": it is empty`);
	else await printValue(value, command);
}
