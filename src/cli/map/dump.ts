/** `skep map dump`. */

import type {Command} from 'commander';

import {example} from '../output/example.js';
import {cellText, outputOptions, printList, write} from '../output/print.js';
import {writeTable} from '../output/stream-table.js';
import type {Row} from '../output/table.js';
import {openMap, typed, verb, type TypedOptions} from './open.js';

export function addDump(map: Command): void {
	typed(verb(map, 'dump', 'all elements, decoded through BTF'))
		.addHelpText('after', example('skep map dump 12 --field key.saddr=ipv4 -o json'))
		.action(dump);
}

async function dump(text: string, options: TypedOptions, command: Command): Promise<void> {
	using map = await openMap(text, options);
	const format = outputOptions(command);
	let isComplete;
	if (format.output === 'table') {
		const entries = map.entries();
		writeTable(tableRows(entries));
		isComplete = entries.complete;
	} else if (format.output === 'json') {
		const pieces = map.jsonBytes();
		for (const piece of pieces) write(piece);
		isComplete = pieces.complete;
	} else {
		const entries = map.entries();
		await printList(
			[...entries].map(([key, value]) => ({key, value})),
			() => ({}),
			format,
		);
		isComplete = entries.complete;
	}

	if (!isComplete) {
		process.stderr.write(
			'skep: the map changed faster than it could be read; some elements may be missing\n',
		);
	}
}

function* tableRows(entries: Iterable<[unknown, unknown]>): Generator<Row> {
	for (const [key, value] of entries) yield {...cells('key', key), ...cells('value', value)};
}

/** A struct's fields each in a column of their own. */
function cells(name: string, value: unknown): Row {
	if (value instanceof Uint8Array) return {[name]: Buffer.from(value).toString('hex')};
	if (typeof value !== 'object' || value === null || Array.isArray(value)) {
		return {[name]: cellText(value)};
	}

	return Object.fromEntries(
		Object.entries(value).map(([field, each]) => [`${name}.${field}`, cellText(each)]),
	);
}
