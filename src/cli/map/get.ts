/** `skep map get`. */

import type {Command} from 'commander';

import type {BpfMap} from '../../index.js';
import {wholeNumber} from '../arguments.js';
import {example} from '../output/example.js';
import {
	decodeBytes,
	encodeWord,
	fail,
	keyHelp,
	openMap,
	printValue,
	typed,
	verb,
	type TypedOptions,
} from './open.js';

interface GetOptions extends TypedOptions {
	readonly andDelete?: boolean;
	readonly cpu?: number;
}

export function addGet(map: Command): void {
	typed(verb(map, 'get', 'one element'))
		.argument('<key>', keyHelp)
		.option('--and-delete', 'remove it in the same step')
		.option('--cpu <number>', 'the value of one CPU only', wholeNumber('CPU'))
		.addHelpText(
			'after',
			example(`skep map get 12 '{"saddr":"192.0.2.1"}' --field key.saddr=ipv4`),
		)
		.action(get);
}

async function get(
	text: string,
	key: string,
	options: GetOptions,
	command: Command,
): Promise<void> {
	using map = await openMap(text, options);
	const value = read(map, encodeWord(map.keyCodec, key), options);
	if (value === undefined) fail(`read map "${map.name}": no such key`);
	else await printValue(value, command);
}

function read(map: BpfMap, bytes: Uint8Array, {andDelete, cpu}: GetOptions): unknown {
	if (cpu !== undefined) return map.getCpu(decodeBytes(map.keyCodec, bytes), cpu);
	const value = andDelete === true ? map.raw.take(bytes) : map.raw.get(bytes);
	return value === undefined ? undefined : decodeBytes(map.valueCodec, value);
}
