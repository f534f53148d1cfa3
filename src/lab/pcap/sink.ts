/** Where the bytes of a capture go. */

import {close, ftruncate, open, write} from 'node:fs';
import {finished, type Writable} from 'node:stream';
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
	const cleanup = finished(stream, {readable: false}, error => {
		failure ??= error ?? new Error('the stream was ended');
	});
	const settle = (resolve: () => void, reject: (error: Error) => void) => {
		return (error?: Error | null) => {
			if (error) reject(error);
			else resolve();
		};
	};
	return {
		async write(bytes) {
			failure ??= stream.errored ?? undefined;
			if (failure) throw failure;
			await new Promise<void>((resolve, reject) =>
				stream.write(bytes, settle(resolve, reject)),
			);
		},
		async close() {
			try {
				if (failure) throw failure;
				await new Promise<void>((resolve, reject) => {
					finished(stream, {readable: false}, settle(resolve, reject));
					stream.end();
				});
			} finally {
				cleanup();
			}
		},
	};
}
