/** Prints what comes, changes and goes in a list that is looked at again and again. */

import {setTimeout} from 'node:timers/promises';

import type {Command} from 'commander';

import {jsonOf} from '../base/json.js';
import {wholeNumber} from './arguments.js';
import {write, type OutputOptions} from './output/print.js';

export interface WatchOptions {
	readonly watch?: boolean;
	readonly interval: number;
}

/** Adds `--watch` and `--interval`. */
export function withWatch(command: Command): Command {
	return command
		.option('--watch', 'then what is added, changed and deleted, until Ctrl-C')
		.option(
			'--interval <ms>',
			'milliseconds between two looks',
			wholeNumber('interval', 1),
			1000,
		);
}

/** How items are told apart and shown in a line. */
export interface Shown<T> {
	readonly key: (item: T) => string;
	readonly line: (item: T) => string;
}

const signs = {added: '+', changed: '~', deleted: '-'} as const;

/** Looks until the process is asked to end; what `first` holds is known already. */
export async function watchList<T extends object>(
	first: readonly T[],
	look: () => readonly T[],
	{key, line}: Shown<T>,
	{interval}: WatchOptions,
	{output}: OutputOptions,
): Promise<void> {
	const stop = new AbortController();
	for (const name of ['SIGINT', 'SIGTERM'] as const) {
		process.once(name, () => {
			stop.abort();
		});
	}

	const say = (event: keyof typeof signs, item: T): void => {
		write(
			output === 'table'
				? `${signs[event]} ${line(item)}\n`
				: `${jsonOf({event, ...item})}\n`,
		);
	};
	let known = byKey(first, key);
	while (await pause(interval, stop.signal)) {
		const found = byKey(look(), key);
		for (const [name, item] of found) {
			const before = known.get(name);
			if (before === undefined) say('added', item);
			else if (jsonOf(before) !== jsonOf(item)) say('changed', item);
		}

		for (const [name, item] of known) if (!found.has(name)) say('deleted', item);
		known = found;
	}
}

const byKey = <T>(items: readonly T[], key: (item: T) => string): Map<string, T> =>
	new Map(items.map(item => [key(item), item]));

/** False when the process is asked to end. */
async function pause(interval: number, signal: AbortSignal): Promise<boolean> {
	try {
		await setTimeout(interval, undefined, {signal});
		return true;
	} catch {
		return false;
	}
}
