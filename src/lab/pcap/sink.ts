/** Where the bytes of a capture go. */

import {close, ftruncate, open, write} from 'node:fs';
import type {Writable} from 'node:stream';
import {finished} from 'node:stream/promises';
import {promisify} from 'node:util';

export interface Sink {
	/** Resolves when all bytes are with the operating system. */
	write(bytes: Uint8Array): Promise<void>;
	close(): Promise<void>;
}

const openFile = promisify(open);
const closeFile = promisify(close);
const cutFile = promisify(ftruncate);

/** The bytes that were written. */
async function writeSome(fd: number, bytes: Uint8Array): Promise<number> {
	return new Promise((resolve, reject) =>
		write(fd, bytes, (error, size) => (error ? reject(error) : resolve(size))),
	);
}

/** Makes a file, or empties it. */
export async function openFileSink(path: string): Promise<Sink> {
	const fd = await openFile(path, 'w');
	let size = 0;
	return {
		async write(bytes) {
			try {
				for (let at = 0; at < bytes.length;) at += await writeSome(fd, bytes.subarray(at));
			} catch (error) {
				// No half packets; a pipe cannot be cut.
				await cutFile(fd, size).catch(() => undefined);
				throw error;
			}

			size += bytes.length;
		},
		close: async () => closeFile(fd),
	};
}

/** Writes into a stream, and ends it. */
export function streamSink(stream: Writable): Sink {
	let failure: Error | undefined;
	// A stream may tell of its failure after everybody has given up on it: the listener stays.
	stream.on('error', error => (failure ??= error));
	const check = (): void => {
		failure ??= stream.errored ?? undefined;
		if (failure === undefined && (stream.destroyed || stream.writableEnded))
			failure = new Error('the stream has ended');
		if (failure !== undefined) throw failure;
	};
	return {
		async write(bytes) {
			check();
			await new Promise<void>((resolve, reject) =>
				stream.write(bytes, error => (error ? reject(error) : resolve())),
			);
		},
		async close() {
			check();
			stream.end();
			await finished(stream, {readable: false});
		},
	};
}
