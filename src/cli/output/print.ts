/** Results as tables for people, as JSON and YAML for programs. */

import {writeSync} from 'node:fs';

import type {Command} from 'commander';

import {EbpfError} from '../../base/errors.js';
import {jsonOf} from '../../base/json.js';
import {formatTable, type Row} from './table.js';

export const formats = ['table', 'json', 'yaml'] as const;
export type Format = (typeof formats)[number];

/** What the command line says about output. */
export interface OutputOptions {
	readonly output: Format;
	readonly color: boolean;
}

export function outputOptions(command: Command): OutputOptions {
	return command.optsWithGlobals<OutputOptions>();
}

/** Standard output takes no more: a full disk. */
class OutputError extends EbpfError {
	static {
		this.prototype.name = 'OutputError';
	}

	readonly code = 'ERR_OUTPUT';
}

/** Writes all of a text, also to a slow pipe; a closed one ends the process quietly. */
export function write(text: string | Uint8Array): void {
	const bytes = typeof text === 'string' ? Buffer.from(text) : text;
	for (let at = 0; at < bytes.length;) {
		try {
			at += writeSync(1, bytes, at);
		} catch (error) {
			const {code, message} = error as NodeJS.ErrnoException;
			// The second is how a socket says it.
			if (code === 'EPIPE' || code === 'ECONNRESET') process.exit(0);
			if (code !== 'EAGAIN') {
				throw new OutputError(`write standard output: ${message}`, {cause: error});
			}

			Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
		}
	}
}

const chunkSize = 256 * 1024;

/** Writes lines as they come, many at a time: memory stays flat and calls stay few. */
export function writeLines(lines: Iterable<string>): void {
	let text = '';
	for (const line of lines) {
		text += `${line}\n`;
		if (text.length < chunkSize) continue;
		write(text);
		text = '';
	}

	write(text);
}

/**
 * Prints a list: a table, a JSON object a line, or YAML. `row` says what of an item stands in the
 * table; the other formats get all of it.
 */
export async function printList<T>(
	items: Iterable<T>,
	row: (item: T) => Row,
	{output}: OutputOptions,
): Promise<void> {
	switch (output) {
		case 'json':
			writeLines(jsonLines(items));
			return;
		case 'yaml':
			write(await toYaml([...items]));
			return;
		case 'table':
			write(formatTable([...items].map(row), tableWidth()));
	}
}

function* jsonLines(items: Iterable<unknown>): Generator<string> {
	for (const item of items) yield jsonOf(item);
}

/** Prints one thing: its fields a line each, JSON, or YAML. */
export async function printOne(item: object, {output}: OutputOptions): Promise<void> {
	if (output === 'json') {
		write(`${jsonOf(item)}\n`);
	} else if (output === 'yaml') {
		write(await toYaml(item));
	} else {
		const fields = Object.entries(item).filter(([, value]) => value !== undefined);
		const width = Math.max(...fields.map(([name]) => name.length));
		writeLines(fields.map(([name, value]) => `${name.padEnd(width)}  ${cellText(value)}`));
	}
}

/** A value on one line of a table. */
export function cellText(value: unknown): string {
	if (typeof value === 'string') return value;
	if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') {
		return String(value);
	}

	if (value === undefined || value === null) return '-';
	if (Array.isArray(value) && value.every(each => typeof each !== 'object')) {
		return value.length === 0 ? '-' : value.join(' ');
	}

	return jsonOf(value);
}

async function toYaml(value: unknown): Promise<string> {
	const {stringify} = await import('yaml');
	return stringify(value, (_, each: unknown) =>
		each instanceof Uint8Array ? Buffer.from(each).toString('hex') : each,
	);
}

/** A terminal's columns; undefined where nothing has to be cut off. */
function tableWidth(): number | undefined {
	return process.stdout.isTTY ? process.stdout.columns : undefined;
}
