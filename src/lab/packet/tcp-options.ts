/** Options of a TCP header. */

import type {Writer} from './fields.js';
import {readOptions} from './options.js';

/** One option of a TCP header; those without a kind of their own are `raw`. */
export type TcpOption =
	| {readonly kind: 'end'}
	| {readonly kind: 'nop'}
	| {readonly kind: 'mss'; readonly size: number}
	| {readonly kind: 'windowScale'; readonly shift: number}
	| {readonly kind: 'sackPermitted'}
	| {
			readonly kind: 'sack';
			/** Sequence numbers: the first received, and the one after the last. */
			readonly blocks: readonly (readonly [left: number, right: number])[];
	  }
	| {readonly kind: 'timestamps'; readonly value: number; readonly echo: number}
	| {readonly kind: 'raw'; readonly type: number; readonly data: Uint8Array}
	/** What is no option; it goes to the end of the header. */
	| {readonly kind: 'malformed'; readonly bytes: Uint8Array};

/** Bytes, with zeros up to a multiple of four. */
export function sizeOfTcpOptions(options: readonly TcpOption[]): number {
	let size = 0;
	for (const option of options) size += sizeOf(option);
	return (size + 3) & ~3;
}

function sizeOf(option: TcpOption): number {
	switch (option.kind) {
		case 'end':
		case 'nop':
			return 1;
		case 'mss':
			return 4;
		case 'windowScale':
			return 3;
		case 'sackPermitted':
			return 2;
		case 'sack':
			return 2 + option.blocks.length * 8;
		case 'timestamps':
			return 10;
		case 'raw':
			return 2 + option.data.length;
		case 'malformed':
			return option.bytes.length;
	}
}

export function writeTcpOptions(options: readonly TcpOption[], out: Writer): void {
	const start = out.offset;
	const head = (type: number, option: TcpOption): void => {
		out.u8('options.type', type);
		out.u8('options.length', sizeOf(option));
	};
	for (const option of options) {
		switch (option.kind) {
			case 'end':
				out.u8('options', 0);
				break;
			case 'nop':
				out.u8('options', 1);
				break;
			case 'mss':
				head(2, option);
				out.u16('options.size', option.size);
				break;
			case 'windowScale':
				head(3, option);
				out.u8('options.shift', option.shift);
				break;
			case 'sackPermitted':
				head(4, option);
				break;
			case 'sack':
				head(5, option);
				for (const block of option.blocks) {
					for (const edge of block) out.u32('options.blocks', edge);
				}

				break;
			case 'timestamps':
				head(8, option);
				out.u32('options.value', option.value);
				out.u32('options.echo', option.echo);
				break;
			case 'raw':
				head(option.type, option);
				out.raw(option.data);
				break;
			case 'malformed':
				out.raw(option.bytes);
				break;
		}
	}

	out.offset += -(out.offset - start) & 3;
}

export function readTcpOptions(
	bytes: Uint8Array,
	view: DataView,
	start: number,
	end: number,
): TcpOption[] {
	return readOptions(bytes, view, start, end, readOption);
}

function readOption(
	type: number,
	bytes: Uint8Array,
	view: DataView,
	at: number,
	length: number,
): TcpOption {
	if (type === 2 && length === 4) return {kind: 'mss', size: view.getUint16(at + 2)};
	if (type === 3 && length === 3) return {kind: 'windowScale', shift: view.getUint8(at + 2)};
	if (type === 4 && length === 2) return {kind: 'sackPermitted'};
	if (type === 5 && length % 8 === 2) {
		const blocks: [number, number][] = [];
		for (let i = at + 2; i < at + length; i += 8) {
			blocks.push([view.getUint32(i), view.getUint32(i + 4)]);
		}

		return {kind: 'sack', blocks};
	}

	if (type === 8 && length === 10) {
		return {kind: 'timestamps', value: view.getUint32(at + 2), echo: view.getUint32(at + 6)};
	}

	return {kind: 'raw', type, data: bytes.subarray(at + 2, at + length)};
}
