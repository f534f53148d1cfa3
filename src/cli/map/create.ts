/** `skep map create`. */

import type {Command} from 'commander';

import {UsageError} from '../../base/errors.js';
import {collect, wholeNumber} from '../arguments.js';
import {example} from '../output/example.js';

/** What the kernel has 32 bits for. */
const u32 = 0xffff_ffff;

export function addCreate(map: Command): void {
	map.command('create')
		.description('make a map and pin it')
		.argument('<path>', 'path of the pin')
		.requiredOption('--type <type>', 'hash, array, lru_hash, …')
		.option('--key <bytes>', 'bytes of a key', wholeNumber('key size', 0, u32), 4)
		.option('--value <bytes>', 'bytes of a value', wholeNumber('value size', 0, u32), 4)
		.option(
			'--entries <number>',
			'elements at most',
			wholeNumber('number of entries', 0, u32),
			1,
		)
		.option('--name <name>', "the kernel's name for it; the pin's unless given")
		.option('--flag <flag>', 'no_prealloc, mmapable, rdonly_prog, …', collect)
		.option(
			'--extra <number>',
			'map_extra: hash functions of a bloom filter',
			wholeNumber('extra'),
			0,
		)
		.addHelpText(
			'after',
			example('skep map create /sys/fs/bpf/limits --type hash --key 8 --entries 1024'),
		)
		.action(create);
}

interface CreateOptions {
	readonly type: string;
	readonly key: number;
	readonly value: number;
	readonly entries: number;
	readonly name?: string;
	readonly flag?: readonly string[];
	readonly extra: number;
}

async function create(path: string, options: CreateOptions): Promise<void> {
	const {createMap, mapFlags, mapTypes, nearest} = await import('../../index.js');
	const {type, key, value, entries, extra} = options;
	if (!isName(type, mapTypes)) {
		const close = nearest(type, Object.keys(mapTypes));
		const advice = close === undefined ? '' : `; did you mean ${close}?`;
		throw new UsageError(`read type "${type}": there is no such type of map${advice}`);
	}

	let flags = 0;
	for (const flag of options.flag ?? []) {
		if (!isName(flag, mapFlags)) {
			throw new UsageError(
				`read flag "${flag}": expected ${Object.keys(mapFlags).join(', ')}`,
			);
		}

		flags |= mapFlags[flag];
	}

	using map = createMap({
		name: options.name ?? nameOf(path),
		type,
		keySize: key,
		valueSize: value,
		maxEntries: entries,
		flags,
		extra: BigInt(extra),
	});
	map.pin(path);
}

/** A pin may be called what a map may not. */
function nameOf(path: string): string {
	const pin = path.slice(path.lastIndexOf('/') + 1);
	return pin.replaceAll(/[^\w.]/g, '_').slice(0, 15);
}

function isName<T extends object>(text: string, table: T): text is keyof T & string {
	return Object.hasOwn(table, text);
}
