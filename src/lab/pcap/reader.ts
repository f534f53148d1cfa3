/** Reading of capture files: whole, or as a stream. */

import {createReadStream} from 'node:fs';

import {decode} from './decode.js';
import {Decoding} from './decoding.js';
import {Incoming} from './incoming.js';
import type {CapturedPacket, CaptureInterface, SkippedBlocks} from './packet.js';

const nothing = new Uint8Array();

/** What reading has found out of a capture so far. */
export abstract class PcapContents {
	private readonly decoding: Decoding;

	protected constructor(decoding: Decoding) {
		this.decoding = decoding;
	}

	/** Undefined before the first packet was asked for. */
	get format(): 'pcap' | 'pcapng' | undefined {
		return this.decoding.format;
	}

	/** In pcapng, more may come until the end. */
	get interfaces(): readonly CaptureInterface[] {
		return this.decoding.interfaces;
	}

	/** What was passed over, of pcapng. */
	get skipped(): Readonly<SkippedBlocks> {
		return this.decoding.skipped;
	}
}

/** The packets of a capture that is in memory, in their order; they can be gone through once. */
export class PcapBuffer extends PcapContents implements Iterable<CapturedPacket> {
	private readonly packets: Generator<CapturedPacket, void>;

	/** @internal */
	constructor(bytes: Uint8Array) {
		const decoding = new Decoding('read capture', false);
		super(decoding);
		this.packets = decodeWhole(decoding, bytes);
	}

	/** *Throws:* `ERR_PCAP` behind the last packet that is whole. */
	[Symbol.iterator](): Generator<CapturedPacket, void> {
		return this.packets;
	}
}

/**
 * Reads a capture in memory, pcap or pcapng, packet by packet. The packets' bytes are views of
 * `bytes`. Nothing is read before the first packet is asked for.
 *
 * *Throws:* `ERR_PCAP`, while it is gone through, behind the last packet that is whole.
 */
export function readPcap(bytes: Uint8Array): PcapBuffer {
	return new PcapBuffer(bytes);
}

function* decodeWhole(decoding: Decoding, bytes: Uint8Array): Generator<CapturedPacket, void> {
	const decoder = decode(decoding);
	let at = 0;
	for (let step = decoder.next(nothing); step.done !== true;) {
		const {value} = step;
		if (typeof value !== 'number') {
			yield value;
			step = decoder.next(nothing);
			continue;
		}

		const start = at;
		at = Math.min(bytes.length, at + Math.abs(value));
		step = decoder.next(bytes.subarray(value < 0 ? at : start, at));
	}
}

/** The packets of a capture as they are read, in their order; they can be gone through once. */
export class PcapReader extends PcapContents implements AsyncIterable<CapturedPacket> {
	private readonly packets: AsyncGenerator<CapturedPacket, void>;

	/** @internal */
	constructor(what: string, open: () => AsyncIterable<unknown>) {
		const decoding = new Decoding(what, true);
		super(decoding);
		this.packets = decodeStream(decoding, open);
	}

	/** *Throws:* `ERR_PCAP` behind the last packet that is whole. */
	[Symbol.asyncIterator](): AsyncGenerator<CapturedPacket, void> {
		return this.packets;
	}
}

/**
 * Reads a capture, pcap or pcapng, from a file or from a stream of bytes, packet by packet: what it
 * holds in memory is one packet and what the stream gives at a time, and never more than the file
 * has. A file is opened when the first packet is asked for, and closed when the loop ends.
 *
 * *Throws:* `ERR_PCAP`, while it is gone through, behind the last packet that is whole.
 */
export function openPcap(source: string | AsyncIterable<Uint8Array>): PcapReader {
	if (typeof source !== 'string') return new PcapReader('read capture', () => source);
	return new PcapReader(`read capture "${source}"`, () => createReadStream(source));
}

async function* decodeStream(
	decoding: Decoding,
	open: () => AsyncIterable<unknown>,
): AsyncGenerator<CapturedPacket, void> {
	const bytes = new Incoming(decoding.what, open);
	try {
		const decoder = decode(decoding);
		for (let step = decoder.next(nothing); step.done !== true;) {
			const {value} = step;
			if (typeof value !== 'number') {
				yield value;
				step = decoder.next(nothing);
			} else if (value < 0) {
				await bytes.skip(-value);
				step = decoder.next(nothing);
			} else {
				if (bytes.held < value) await bytes.fill(value);
				step = decoder.next(bytes.take(value));
			}
		}
	} finally {
		await bytes.close();
	}
}
