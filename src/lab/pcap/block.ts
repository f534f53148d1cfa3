/** Blocks of pcapng: numbers that both directions share, and reading of fields and options. */

import {viewOf} from '../../base/bytes.js';
import type {Decoding} from './decoding.js';

export const blockTypes = {
	section: 0x0a0d0d0a,
	interface: 1,
	obsoletePacket: 2,
	simplePacket: 3,
	names: 4,
	statistics: 5,
	enhancedPacket: 6,
	custom: 0xbad,
	customNotCopied: 0x4000_0bad,
} as const;

export const byteOrderMagic = 0x1a2b3c4d;

export const optionCodes = {
	end: 0,
	comment: 1,
	packetFlags: 2,
	interfaceName: 2,
	interfaceDescription: 3,
	timeResolution: 9,
	timeOffset: 14,
} as const;

/** The two low bits of a packet's flags. */
export const directionBits = {in: 1, out: 2} as const;

export const padded = (size: number): number => Math.ceil(size / 4) * 4;

/** What is between a block's lengths. */
export class Block {
	private readonly decoding: Decoding;
	private readonly littleEndian: boolean;
	private readonly view: DataView;
	/** Of the block in the file. */
	readonly offset: number;
	/** `packet block`. */
	readonly noun: string;
	readonly body: Uint8Array;

	constructor(
		decoding: Decoding,
		littleEndian: boolean,
		offset: number,
		noun: string,
		body: Uint8Array,
	) {
		this.decoding = decoding;
		this.littleEndian = littleEndian;
		this.offset = offset;
		this.noun = noun;
		this.body = body;
		this.view = viewOf(body);
	}

	damaged(detail: string): Error {
		return this.decoding.damaged(this.offset, `${this.noun} ${detail}`);
	}

	/** That its fixed fields are there. */
	need(size: number): this {
		if (this.body.length < size) throw this.damaged(`too short: ${this.body.length} bytes`);
		return this;
	}

	uint16(at: number): number {
		return this.view.getUint16(at, this.littleEndian);
	}

	uint32(at: number): number {
		return this.view.getUint32(at, this.littleEndian);
	}

	/** 64 bits as time stamps have them: the high word first, in either byte order. */
	highLow(at: number): bigint {
		return (BigInt(this.uint32(at)) << 32n) | BigInt(this.uint32(at + 4));
	}

	/** The bytes of a packet. */
	data(at: number, size: number): Uint8Array {
		if (size > this.body.length - at) throw this.damaged(`too short for ${size} bytes`);
		return this.decoding.own(this.body.subarray(at, at + size));
	}

	/** Gives each option, as far as there are any, to `visit`. */
	eachOption(from: number, visit: (code: number, value: OptionValue) => void): void {
		for (let at = from; at < this.body.length;) {
			const code = this.uint16(at);
			const size = this.uint16(at + 2);
			if (code === optionCodes.end) return;
			at += 4;
			if (size > this.body.length - at)
				throw this.damaged(`with option ${code} of ${size} bytes, which leaves it,`);
			visit(code, new OptionValue(this, code, at, size));
			at += padded(size);
		}
	}

	int64(at: number): bigint {
		return this.view.getBigInt64(at, this.littleEndian);
	}
}

/** The value of an option. */
export class OptionValue {
	private readonly block: Block;
	private readonly code: number;
	private readonly at: number;
	private readonly size: number;

	constructor(block: Block, code: number, at: number, size: number) {
		this.block = block;
		this.code = code;
		this.at = at;
		this.size = size;
	}

	/** Some writers end it with a NUL, which does not belong to it. */
	text(): string {
		const {buffer, byteOffset} = this.block.body;
		let size = this.size;
		while (size > 0 && this.block.body[this.at + size - 1] === 0) size--;
		return Buffer.from(buffer, byteOffset + this.at, size).toString();
	}

	uint8(): number {
		this.mustHave(1);
		return this.block.body[this.at] ?? 0;
	}

	uint32(): number {
		this.mustHave(4);
		return this.block.uint32(this.at);
	}

	int64(): bigint {
		this.mustHave(8);
		return this.block.int64(this.at);
	}

	private mustHave(size: number): void {
		if (this.size === size) return;
		throw this.block.damaged(`with option ${this.code} of ${this.size} bytes, not ${size},`);
	}
}
