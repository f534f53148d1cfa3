/** `skep map watch`. */

import type {Command} from 'commander';

import type {MapChange} from '../../index.js';
import {jsonOf} from '../../base/json.js';
import {wholeNumber} from '../arguments.js';
import {example} from '../output/example.js';
import {outputOptions, write} from '../output/print.js';
import {openMap, typed, verb, type TypedOptions} from './open.js';

interface WatchOptions extends TypedOptions {
	readonly interval: number;
	readonly all?: boolean;
}

export function addWatch(map: Command): void {
	typed(verb(map, 'watch', 'what is added, changed and deleted, until Ctrl-C'))
		.option(
			'--interval <ms>',
			'milliseconds between two looks',
			wholeNumber('interval', 1),
			1000,
		)
		.option('--all', 'begin with the elements that are there')
		.addHelpText('after', example('skep map watch 12 --interval 200 -o json'))
		.action(watch);
}

const signs = {added: '+', changed: '~', deleted: '-'} as const;

async function watch(text: string, options: WatchOptions, command: Command): Promise<void> {
	const {watchMap} = await import('../../index.js');
	using map = await openMap(text, options);
	const stop = new AbortController();
	for (const name of ['SIGINT', 'SIGTERM'] as const) {
		process.once(name, () => {
			stop.abort();
		});
	}

	const line = outputOptions(command).output === 'table' ? plainLine : jsonLine;
	const {interval, all: initial = false} = options;
	for await (const change of watchMap(map, {interval, initial, signal: stop.signal})) {
		write(`${line(change)}\n`);
	}
}

function jsonLine({kind, key, value, before}: MapChange): string {
	return jsonOf({event: kind, key, value, ...(before === undefined ? {} : {before})});
}

function plainLine({kind, key, value, before}: MapChange): string {
	const was = before === undefined ? '' : ` (was ${jsonOf(before)})`;
	return `${signs[kind]} ${jsonOf(key)} ${jsonOf(value)}${was}`;
}
