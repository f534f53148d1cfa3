/**
 * What an experiment has measured so far, a line of JSON each, written as soon as it is known: the
 * first line says what is measured, each further one what came out.
 */

import {
	closeSync,
	existsSync,
	openSync,
	readFileSync,
	renameSync,
	truncateSync,
	writeSync,
} from 'node:fs';

import type {Failure} from './experiment-error.js';
import type {Machine} from './machine.js';
import {keyOf, type Combination, type Parameters} from './parameters.js';
import {isOrder, type Order} from './schedule.js';

/** What is measured, and where. */
export interface Definition {
	readonly experiment: string;
	readonly parameters: Parameters;
	/** Of the measuring function's text and the files it depends on, SHA-256. */
	readonly code: string;
	readonly order: Order;
	readonly seed: number;
	/** ISO 8601. */
	readonly started: string;
	readonly machine: Machine;
}

/** One call of the measuring function. */
export interface Measurement {
	/** Counted from 0. */
	readonly round: number;
	readonly parameters: Combination;
	readonly values: Readonly<Record<string, number>>;
	/** ISO 8601, when it was finished. */
	readonly at: string;
	/** How long the call took, in milliseconds. */
	readonly took: number;
}

export interface Journal {
	readonly definition: Definition;
	readonly measurements: readonly Measurement[];
	/** Bytes up to the end of the last whole line. */
	readonly size: number;
}

const format = 1;

/**
 * Reads a journal; undefined where there is none. A line that was cut off at the end of the file,
 * as by SIGKILL, is not counted in.
 *
 * *Throws:* an error that says which line is not a journal's.
 */
export function readJournal(path: string): Journal | undefined {
	if (!existsSync(path)) return undefined;
	const bytes = readFileSync(path);
	const size = bytes.lastIndexOf(0x0a) + 1;
	if (size === 0) return undefined;
	const [first = '', ...rest] = bytes.toString('utf8', 0, size - 1).split('\n');
	const definition = readLine(first, 1, isDefinition);
	const measurements = new Map<string, Measurement>();
	for (const [i, text] of rest.entries()) {
		const entry = readLine(text, i + 2, isEntry);
		if ('message' in entry) continue;
		measurements.set(`${entry.round} ${keyOf(entry.parameters)}`, entry);
	}

	return {definition, measurements: [...measurements.values()], size};
}

function readLine<T>(text: string, number: number, is: (value: unknown) => value is T): T {
	let value: unknown;
	try {
		value = JSON.parse(text);
	} catch {
		// Said below.
	}

	if (!is(value)) throw new Error(`line ${number} is not what an experiment writes`);
	return value;
}

function isRecord(value: unknown): value is Record<string, unknown> {
	return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isDefinition(value: unknown): value is Definition {
	return (
		isRecord(value) &&
		value['format'] === format &&
		typeof value['experiment'] === 'string' &&
		typeof value['code'] === 'string' &&
		isOrder(value['order']) &&
		Number.isInteger(value['seed']) &&
		typeof value['started'] === 'string' &&
		isRecord(value['machine']) &&
		isRecord(value['parameters']) &&
		Object.values(value['parameters']).every(Array.isArray)
	);
}

function isEntry(value: unknown): value is Measurement | Failure {
	if (!isRecord(value) || !isRecord(value['parameters'])) return false;
	if (!Number.isSafeInteger(value['round']) || typeof value['at'] !== 'string') return false;
	if (typeof value['message'] === 'string') return true;
	return (
		typeof value['took'] === 'number' &&
		isRecord(value['values']) &&
		Object.values(value['values']).every(each => typeof each === 'number')
	);
}

/** Appends to a journal; each line is with the kernel when `add` returns. */
export class JournalWriter {
	readonly #fd: number;

	private constructor(fd: number) {
		this.#fd = fd;
	}

	/** A new journal, in place of the one that may be there. */
	static create(path: string, definition: Definition): JournalWriter {
		// Whole or not at all: until it is renamed, the earlier one is the journal.
		const fd = openSync(`${path}.new`, 'w');
		const writer = new JournalWriter(fd);
		writer.add({format, ...definition});
		renameSync(`${path}.new`, path);
		return writer;
	}

	/** Goes on with a journal, after its last whole line. */
	static open(path: string, {size}: Journal): JournalWriter {
		truncateSync(path, size);
		return new JournalWriter(openSync(path, 'a'));
	}

	add(entry: object): void {
		const line = Buffer.from(`${JSON.stringify(entry)}\n`);
		for (let at = 0; at < line.length;) at += writeSync(this.#fd, line, at);
	}

	close(): void {
		closeSync(this.#fd);
	}
}

/** In what two definitions differ, so that their measurements should not be mixed. */
export function changesOf(before: Definition, now: Definition): string[] {
	const changes: string[] = [];
	const names = new Set([...Object.keys(before.parameters), ...Object.keys(now.parameters)]);
	for (const name of names) {
		if (!sameValues(before.parameters[name], now.parameters[name])) {
			changes.push(`parameter "${name}"`);
		}
	}

	if (before.code !== now.code) changes.push('the measuring code');
	for (const fact of ['kernel', 'cpu', 'cpus'] as const) {
		const [old, current] = [before.machine[fact], now.machine[fact]];
		if (old !== current) changes.push(`the machine (${fact} ${old}, now ${current})`);
	}

	return changes;
}

function sameValues(a: readonly unknown[] | undefined, b: readonly unknown[] | undefined): boolean {
	if (a === undefined || b === undefined) return false;
	return a.length === b.length && a.every(value => b.includes(value));
}
