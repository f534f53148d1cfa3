import type {Clock} from './clock.js';
import type {CapturedPacket, CaptureInterface, SkippedBlocks} from './packet.js';
import {PcapError} from './pcap-error.js';

/**
 * A decoder asks for bytes and gives packets. A number n asks for the next n bytes, and fewer come
 * only at the end of the file; -n passes over n bytes, and none come.
 */
export type Decoder = Generator<number | CapturedPacket, void, Uint8Array>;

/** What a decoder knows of the file. */
export class Decoding {
	/** `read capture "a.pcap"`. */
	readonly what: string;
	/** Packets keep their own copy of their bytes. */
	readonly copies: boolean;
	format: 'pcap' | 'pcapng' | undefined;
	readonly interfaces: CaptureInterface[] = [];
	readonly clocks: Clock[] = [];
	readonly skipped: SkippedBlocks = {statistics: 0, names: 0, custom: 0, other: 0};

	constructor(what: string, copies: boolean) {
		this.what = what;
		this.copies = copies;
	}

	own(bytes: Uint8Array): Uint8Array {
		return this.copies ? Uint8Array.from(bytes) : bytes;
	}

	damaged(offset: number, detail: string): PcapError {
		return new PcapError(`${this.what}: ${detail} at offset ${offset}`, {offset});
	}

	truncated(offset: number, noun: string): PcapError {
		const message = `${this.what}: the file ends within the ${noun} that starts at offset ${offset}`;
		return new PcapError(message, {offset, truncated: true});
	}
}

/** What is held in memory at once: a packet, or a block. */
export const longestRecord = 1 << 24;
