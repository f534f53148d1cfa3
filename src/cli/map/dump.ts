/** `skep map dump`. */

import type {Command} from 'commander';

import type {ScanOptions} from '../../index.js';
import {collect} from '../arguments.js';
import {example} from '../output/example.js';
import {cellText, outputOptions, printList, write} from '../output/print.js';
import {writeTable} from '../output/stream-table.js';
import type {Row} from '../output/table.js';
import {openMap, typed, verb, type TypedOptions} from './open.js';

const fastExample = '  skep map dump 12 --consistency fast --filter saddr=10.0.0.0/8';

export function addDump(map: Command): void {
	typed(verb(map, 'dump', 'all elements, decoded through BTF'))
		.option(
			'--consistency <kind>',
			'locked, or fast: no locks, so values may be torn, elements missed or doubled',
			'locked',
		)
		.option(
			'--filter <field=condition>',
			'with fast: a number, a range 1..9, a name, an address or prefix; all have to hold',
			collect,
		)
		.addHelpText('after', example('skep map dump 12 --field key.saddr=ipv4 -o json'))
		.addHelpText('after', fastExample)
		.action(dump);
}

interface DumpOptions extends TypedOptions {
	readonly consistency: string;
	readonly filter?: readonly string[];
}

async function scanOptions({consistency, filter}: DumpOptions): Promise<ScanOptions> {
	const {UsageError} = await import('../../index.js');
	if (consistency !== 'locked' && consistency !== 'fast') {
		throw new UsageError(`read consistency "${consistency}": expected locked or fast`);
	}

	if (filter === undefined) return {consistency};
	const conditions = filter.map(each => {
		const [, field, condition] = /^([^=]+)=(.+)$/.exec(each) ?? [];
		if (field !== undefined && condition !== undefined) return [field, condition] as const;
		throw new UsageError(`read filter "${each}": expected FIELD=CONDITION`);
	});
	return {consistency, filter: Object.fromEntries(conditions)};
}

async function dump(text: string, options: DumpOptions, command: Command): Promise<void> {
	const scan = await scanOptions(options);
	using map = await openMap(text, options);
	const format = outputOptions(command);
	let isComplete;
	if (format.output === 'table') {
		const entries = map.entries(scan);
		writeTable(tableRows(entries));
		isComplete = entries.complete;
	} else if (format.output === 'json') {
		const pieces = map.jsonBytes(scan);
		for (const piece of pieces) write(piece);
		isComplete = pieces.complete;
	} else {
		const entries = map.entries(scan);
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
