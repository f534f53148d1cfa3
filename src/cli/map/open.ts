/** What the verbs of `skep map` have in common: which map, and how its keys and values are read. */

import type {Command} from 'commander';

import {isEbpfError, UsageError} from '../../base/errors.js';
import type {BpfMap, Codec, FieldCodecs} from '../../index.js';
import {collect, fieldCodecs, hexBytes, jsonValue, reference} from '../arguments.js';
import {outputOptions, printOne, write} from '../output/print.js';

export interface TypedOptions {
	readonly field?: readonly string[];
	readonly raw?: boolean;
}

export const keyHelp = 'JSON by the type of the key, or hex:0a0b0c';
export const valueHelp = 'JSON by the type of the value, or hex:0a0b0c';

/** A verb about one map. */
export function verb(map: Command, name: string, description: string): Command {
	return map.command(name).description(description).argument('<map>', 'id, or path of a pin');
}

/** The options that say how keys and values are read. */
export function typed(command: Command): Command {
	return command
		.option('--field <path=codec>', 'be16 be32 be64 ipv4 ipv6 mac string bytes hex', collect)
		.option('--raw', 'keys and values as bytes, whatever their types say');
}

/** Opens what an argument names; the caller closes it. */
export async function openMap(text: string, options: TypedOptions = {}): Promise<BpfMap> {
	const {openMapById, openPinnedMap} = await import('../../index.js');
	const codecs = fieldCodecs(options.field ?? []) as {key?: FieldCodecs; value?: FieldCodecs};
	const open = {...codecs, ...(options.raw === true ? {raw: true} : {})};
	const target = reference(text);
	return 'id' in target ? openMapById(target.id, open) : openPinnedMap(target.path, open);
}

/** A key or value of the command line as bytes; `hex:` gives them as they are. */
export function encodeWord(codec: Codec, text: string): Uint8Array {
	if (text.startsWith('hex:')) return hexBytes(text.slice(4));
	const bytes = new Uint8Array(codec.size);
	try {
		codec.encode(jsonValue(text), new DataView(bytes.buffer), 0);
	} catch (cause) {
		if (!isEbpfError(cause) || cause.code !== 'ERR_CODEC') throw cause;
		const isBytes = 'expected' in cause && /^a Uint8Array/.test(String(cause.expected));
		const message = isBytes
			? `read "${text}": no type is known for it; give its ${codec.size} bytes as hex:0a0b0c`
			: cause.message;
		throw new UsageError(message, {cause});
	}

	return bytes;
}

/** What the bytes of a codec say. */
export function decodeBytes(codec: Codec, bytes: Uint8Array): unknown {
	return codec.decode(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 0);
}

/** Prints a key or value: a struct's fields a line each. */
export async function printValue(value: unknown, command: Command): Promise<void> {
	const isStruct =
		typeof value === 'object' &&
		value !== null &&
		!Array.isArray(value) &&
		!(value instanceof Uint8Array);
	if (isStruct) {
		await printOne(value, outputOptions(command));
		return;
	}

	const {jsonOf} = await import('../../base/json.js');
	write(`${jsonOf(value)}\n`);
}

/** Ends a verb that found nothing. */
export function fail(message: string): void {
	process.stderr.write(`skep: ${message}\n`);
	process.exitCode = 1;
}
