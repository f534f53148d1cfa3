import type {Frame} from '../../kernel/sys/packet-socket.js';
import type {Capture, CaptureOptions} from '../host/capture.js';
import type {Host} from '../host/host.js';
import {createPcap, type PcapWriter} from './writer.js';

/** How a host's interface is captured into a file. */
export interface CaptureToFileOptions extends CaptureOptions {
	/** pcap where the path ends with `.pcap`, and pcapng, unless given. */
	readonly format?: 'pcap' | 'pcapng';
}

/** A capture of a host's interface into a file, until it is closed. */
export class FileCapture {
	readonly path: string;
	private readonly capture: Capture;
	private readonly writer: PcapWriter;
	private readonly running: Promise<void>;
	private failure: unknown;
	private closing: Promise<void> | undefined;

	/** @internal */
	constructor(path: string, capture: Capture, writer: PcapWriter) {
		this.path = path;
		this.capture = capture;
		this.writer = writer;
		this.running = this.run().catch((error: unknown) => {
			this.failure ??= error;
		});
	}

	/** Frames that were written so far. */
	get packets(): number {
		return this.writer.packets;
	}

	/** Frames that were lost because they came faster than they were written. */
	get lost(): number {
		return this.capture.lost;
	}

	/** Frames are in the file as soon as there are no more at once. */
	private async run(): Promise<void> {
		for await (const first of this.capture) {
			await this.write([first, ...this.capture.read()]);
			await this.writer.flush();
		}
	}

	private async write(frames: readonly Frame[]): Promise<void> {
		for (const {at, bytes, length, direction} of frames)
			await this.writer.write({at, bytes, originalLength: length, direction});
	}

	/**
	 * Writes the frames that passed until now, ends the capture and closes the file. *Throws:*
	 * `ERR_PCAP` when any of it could not be written, `ERR_NAMESPACE` when the interface went away.
	 */
	async close(): Promise<void> {
		this.closing ??= this.end();
		return this.closing;
	}

	private async end(): Promise<void> {
		try {
			this.capture.close();
		} catch (error) {
			this.failure ??= error;
		}

		await this.running;
		await this.writer.close().catch((error: unknown) => {
			this.failure ??= error;
		});
		if (this.failure !== undefined) throw this.failure as Error;
	}

	/** As `close`. */
	async [Symbol.asyncDispose](): Promise<void> {
		await this.close();
	}
}

/**
 * Captures the frames of a host's interface into a file, from now on until it is closed; the kernel
 * keeps those that pass while the file is written. The file is readable at any time.
 *
 * *Throws:* `ERR_PCAP`, `ERR_USAGE`, `ERR_HOST`, `ERR_NAMESPACE`.
 */
export async function captureToFile(
	host: Host,
	interfaceName: string,
	path: string,
	{format, ...options}: CaptureToFileOptions = {},
): Promise<FileCapture> {
	const capture = host.capture(interfaceName, options);
	try {
		const writer = await createPcap(path, {
			...(format && {format}),
			interfaces: [{name: interfaceName, description: `host ${host.name}`}],
		});
		return new FileCapture(path, capture, writer);
	} catch (error) {
		capture.close();
		throw error;
	}
}
