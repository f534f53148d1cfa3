/** Writing of capture files. */

import type {Writable} from 'node:stream';

import {isEbpfError} from '../../base/errors.js';
import {encoderOf, type PcapFormat, type Encoder} from './encode.js';
import type {InterfaceToWrite, PacketToWrite} from './packet.js';
import {PcapError} from './pcap-error.js';
import {openFileSink, streamSink, type Sink} from './sink.js';

/** Packets wait until there are so many bytes. */
const flushAt = 1 << 16;

/** A capture that is being written. */
export class PcapWriter {
	/** `write capture "a.pcap"`. */
	private readonly what: string;
	private readonly encoder: Encoder;
	private readonly sink: Sink;
	private waiting: Uint8Array[] = [];
	private waitingBytes = 0;
	private interfaces: number;
	/** Writes follow one another. */
	private last: Promise<void> = Promise.resolve();
	private failure: unknown;
	private closing: Promise<void> | undefined;
	private count = 0;

	/** @internal */
	constructor(what: string, encoder: Encoder, sink: Sink, interfaces: number) {
		this.what = what;
		this.encoder = encoder;
		this.sink = sink;
		this.interfaces = interfaces;
	}

	/** Packets that were given to `write`. */
	get packets(): number {
		return this.count;
	}

	/**
	 * Adds a packet, at once: its bytes can be used again. The promise waits, when more than 64 KiB
	 * have gathered, until they are written. pcap has no room for `direction` and `comment`, and
	 * leaves them out.
	 *
	 * *Throws:* `ERR_USAGE` for what the format cannot express, `ERR_PCAP` when writing fails.
	 */
	async write(packet: PacketToWrite): Promise<void> {
		this.mustBeOpen();
		this.add(this.encoder.packet(packet));
		this.count++;
		if (this.waitingBytes >= flushAt) await this.flush();
	}

	/** Adds an interface, of pcapng only; its index. *Throws:* `ERR_USAGE`, `ERR_PCAP`. */
	addInterface(one: InterfaceToWrite): number {
		this.mustBeOpen();
		this.add(this.encoder.interface(one));
		return this.interfaces++;
	}

	/**
	 * Hands over what has gathered to the operating system, in whole packets: from then on the file
	 * is readable even if this process is killed. *Throws:* `ERR_PCAP`.
	 */
	async flush(): Promise<void> {
		if (this.waitingBytes > 0) {
			const bytes = Buffer.concat(this.waiting, this.waitingBytes);
			this.waiting = [];
			this.waitingBytes = 0;
			this.last = this.last.then(async () => this.pass(bytes));
		}

		await this.last;
		if (this.failure !== undefined) throw PcapError.of(this.what, this.failure);
	}

	/** After a failure nothing more is written, so that there is no gap. */
	private async pass(bytes: Uint8Array): Promise<void> {
		if (this.failure !== undefined) return;
		try {
			await this.sink.write(bytes);
		} catch (error) {
			this.failure = error;
		}
	}

	private add(bytes: Uint8Array): void {
		this.waiting.push(bytes);
		this.waitingBytes += bytes.length;
	}

	private mustBeOpen(): void {
		if (this.closing !== undefined) throw new PcapError(`${this.what}: it is closed`);
	}

	/** Flushes, and closes the file or ends the stream. *Throws:* `ERR_PCAP`. */
	async close(): Promise<void> {
		this.closing ??= this.end();
		return this.closing;
	}

	private async end(): Promise<void> {
		try {
			await this.flush();
		} finally {
			await this.sink.close().catch((error: unknown) => {
				this.failure ??= error;
			});
		}

		if (this.failure !== undefined) throw PcapError.of(this.what, this.failure);
	}

	/** As `close`. */
	async [Symbol.asyncDispose](): Promise<void> {
		await this.close();
	}
}

/**
 * Makes a capture file, or empties it, or writes a capture into a stream. Its format is what
 * `format` says, or else pcap where the path ends with `.pcap`, and pcapng. The file's header is
 * written at once.
 *
 * *Throws:* `ERR_USAGE`, `ERR_PCAP`.
 */
export async function createPcap(
	target: string | Writable,
	options: PcapFormat = {},
): Promise<PcapWriter> {
	const named = typeof target === 'string';
	const what = named ? `write capture "${target}"` : 'write capture';
	const format = options.format ?? (named && target.endsWith('.pcap') ? 'pcap' : 'pcapng');
	const encoder = encoderOf({...options, format});
	const header = encoder.header();
	let sink: Sink | undefined;
	try {
		sink = named ? await openFileSink(target) : streamSink(target);
		await sink.write(header);
	} catch (error) {
		await sink?.close().catch(() => undefined);
		throw isEbpfError(error) ? error : PcapError.of(what, error);
	}

	return new PcapWriter(what, encoder, sink, options.interfaces?.length ?? 1);
}

/** A whole capture as bytes. *Throws:* `ERR_USAGE` for what the format cannot express. */
export function encodePcap(packets: Iterable<PacketToWrite>, options: PcapFormat = {}): Uint8Array {
	const encoder = encoderOf(options);
	const pieces = [encoder.header()];
	for (const packet of packets) pieces.push(encoder.packet(packet));
	return Buffer.concat(pieces);
}
