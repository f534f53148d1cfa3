/** `skep map set`. */

import type {Command} from 'commander';

import {UsageError} from '../../base/errors.js';
import {example} from '../output/example.js';
import {encodeWord, keyHelp, openMap, typed, valueHelp, verb, type TypedOptions} from './open.js';

export function addSet(map: Command): void {
	typed(verb(map, 'set', 'write one element'))
		.argument('<key>', keyHelp)
		.argument('<value>', valueHelp)
		.option('--mode <mode>', 'any, noexist or exist', 'any')
		.addHelpText('after', example('skep map set /sys/fs/bpf/limits 0 1500'))
		.action(set);
}

interface SetOptions extends TypedOptions {
	readonly mode: string;
}

const modes = ['any', 'noexist', 'exist'] as const;

async function set(text: string, key: string, value: string, options: SetOptions): Promise<void> {
	const mode = modes.find(each => each === options.mode);
	if (mode === undefined) {
		throw new UsageError(`read mode "${options.mode}": expected ${modes.join(', ')}`);
	}

	using map = await openMap(text, options);
	const [keyBytes, valueBytes] = [
		encodeWord(map.keyCodec, key),
		encodeWord(map.valueCodec, value),
	];
	map.raw.set(keyBytes, valueBytes, modes.indexOf(mode));
}
