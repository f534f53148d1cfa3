import {crcUpdate} from './checksum.js';
import type {Codec} from './codec.js';
import {draft, type DraftOf, type OptionsOf, type Wrong, type Writer} from './fields.js';

/** One chunk of SCTP; those without a kind of their own are `raw`. */
export type SctpChunk =
	| {
			readonly kind: 'data';
			/** 1 is the last, 2 the first piece of a message. Default: 3. */
			readonly flags?: number | undefined;
			readonly tsn: number;
			readonly stream: number;
			readonly sequence: number;
			/** Default: 0. */
			readonly protocol?: number | undefined;
			readonly data: Uint8Array;
	  }
	| {
			readonly kind: 'init' | 'initAck';
			readonly flags?: number | undefined;
			readonly tag: number;
			readonly window: number;
			readonly outboundStreams: number;
			readonly inboundStreams: number;
			readonly tsn: number;
			/** Parameters as they stand. */
			readonly parameters?: Uint8Array | undefined;
	  }
	| {
			readonly kind: 'raw';
			readonly type: number;
			readonly flags?: number | undefined;
			readonly data: Uint8Array;
	  }
	/** What is no chunk; it goes to the end of the packet. */
	| {readonly kind: 'malformed'; readonly bytes: Uint8Array};

/** An SCTP packet with its chunks. */
export interface SctpLayer {
	readonly layer: 'sctp';
	/** Default: 40000. */
	readonly sourcePort: number;
	/** Default: 80. */
	readonly destinationPort: number;
	/** Default: 0. */
	readonly tag: number;
	/** CRC32c, as the number whose little-endian bytes stand in the header. */
	readonly checksum: number;
	readonly chunks: readonly SctpChunk[];
	readonly wrong?: Wrong<'checksum'>;
}

/** What `sctp()` is given. */
export type SctpOptions = OptionsOf<SctpLayer>;
/** A layer made by `sctp()`, for `packet()`. */
export type SctpDraft = DraftOf<'sctp', SctpOptions>;

/** An SCTP packet. *Throws:* `ERR_USAGE` for an unknown field. */
export function sctp(options: SctpOptions = {}): SctpDraft {
	return draft('sctp', ['sourcePort', 'destinationPort', 'tag', 'checksum', 'chunks'], options);
}

function completeChunk(chunk: SctpChunk): SctpChunk {
	switch (chunk.kind) {
		case 'data':
			return {...chunk, flags: chunk.flags ?? 3, protocol: chunk.protocol ?? 0};
		case 'init':
		case 'initAck':
			return {...chunk, flags: chunk.flags ?? 0, parameters: chunk.parameters ?? empty};
		case 'raw':
			return {...chunk, flags: chunk.flags ?? 0};
		case 'malformed':
			return chunk;
	}
}

const empty = new Uint8Array(0);

/** Bytes, without padding. */
function lengthOf(chunk: SctpChunk): number {
	switch (chunk.kind) {
		case 'data':
			return 16 + chunk.data.length;
		case 'init':
		case 'initAck':
			return 20 + (chunk.parameters?.length ?? 0);
		case 'raw':
			return 4 + chunk.data.length;
		case 'malformed':
			return chunk.bytes.length;
	}
}

function sizeOf(chunk: SctpChunk): number {
	const length = lengthOf(chunk);
	return chunk.kind === 'malformed' ? length : (length + 3) & ~3;
}

function writeChunk(chunk: SctpChunk, out: Writer): void {
	const head = (type: number, flags: number): void => {
		out.u8('chunks.type', type);
		out.u8('chunks.flags', flags);
		out.u16('chunks.length', lengthOf(chunk));
	};
	switch (chunk.kind) {
		case 'data':
			head(0, chunk.flags ?? 3);
			out.u32('chunks.tsn', chunk.tsn);
			out.u16('chunks.stream', chunk.stream);
			out.u16('chunks.sequence', chunk.sequence);
			out.u32('chunks.protocol', chunk.protocol ?? 0);
			out.raw(chunk.data);
			break;
		case 'init':
		case 'initAck':
			head(chunk.kind === 'init' ? 1 : 2, chunk.flags ?? 0);
			out.u32('chunks.tag', chunk.tag);
			out.u32('chunks.window', chunk.window);
			out.u16('chunks.outboundStreams', chunk.outboundStreams);
			out.u16('chunks.inboundStreams', chunk.inboundStreams);
			out.u32('chunks.tsn', chunk.tsn);
			if (chunk.parameters) out.raw(chunk.parameters);
			break;
		case 'raw':
			head(chunk.type, chunk.flags ?? 0);
			out.raw(chunk.data);
			break;
		case 'malformed':
			out.raw(chunk.bytes);
			break;
	}
}

function readChunks(bytes: Uint8Array, view: DataView, start: number, end: number): SctpChunk[] {
	const chunks: SctpChunk[] = [];
	for (let at = start; at < end;) {
		const length = at + 4 <= end ? view.getUint16(at + 2) : 0;
		const size = (length + 3) & ~3;
		const isPadded = bytes.subarray(at + length, at + size).every(byte => byte === 0);
		if (length < 4 || at + size > end || !isPadded) {
			chunks.push({kind: 'malformed', bytes: bytes.subarray(at, end)});
			return chunks;
		}

		chunks.push(readChunk(bytes, view, at, length));
		at += size;
	}

	return chunks;
}

function readChunk(bytes: Uint8Array, view: DataView, at: number, length: number): SctpChunk {
	const type = view.getUint8(at);
	const flags = view.getUint8(at + 1);
	if (type === 0 && length >= 16) {
		return {
			kind: 'data',
			flags,
			tsn: view.getUint32(at + 4),
			stream: view.getUint16(at + 8),
			sequence: view.getUint16(at + 10),
			protocol: view.getUint32(at + 12),
			data: bytes.subarray(at + 16, at + length),
		};
	}

	if ((type === 1 || type === 2) && length >= 20) {
		return {
			kind: type === 1 ? 'init' : 'initAck',
			flags,
			tag: view.getUint32(at + 4),
			window: view.getUint32(at + 8),
			outboundStreams: view.getUint16(at + 12),
			inboundStreams: view.getUint16(at + 14),
			tsn: view.getUint32(at + 16),
			parameters: bytes.subarray(at + 20, at + length),
		};
	}

	return {kind: 'raw', type, flags, data: bytes.subarray(at + 4, at + length)};
}

const zeros = new Uint8Array(4);

export const sctpCodec: Codec<SctpLayer, SctpDraft> = {
	derived: ['checksum'],
	size({chunks}) {
		let size = 12;
		for (const chunk of chunks) size += sizeOf(chunk);
		return size;
	},
	complete: given => ({
		layer: 'sctp',
		sourcePort: given.sourcePort ?? 40000,
		destinationPort: given.destinationPort ?? 80,
		tag: given.tag ?? 0,
		checksum: given.checksum ?? 0,
		chunks: (given.chunks ?? []).map(completeChunk),
	}),
	write(layer, out) {
		out.u16('sourcePort', layer.sourcePort);
		out.u16('destinationPort', layer.destinationPort);
		out.u32('tag', layer.tag);
		out.u32('checksum', layer.checksum);
		out.view.setUint32(out.offset - 4, layer.checksum, true);
		for (const chunk of layer.chunks) {
			const start = out.offset;
			writeChunk(chunk, out);
			out.offset = start + sizeOf(chunk);
		}
	},
	read({bytes, view, start, end}) {
		if (end - start < 12) return `${end - start} of 12 bytes`;
		const layer: SctpLayer = {
			layer: 'sctp',
			sourcePort: view.getUint16(start),
			destinationPort: view.getUint16(start + 2),
			tag: view.getUint32(start + 4),
			checksum: view.getUint32(start + 8, true),
			chunks: readChunks(bytes, view, start + 12, end),
		};
		return {layer, size: end - start, next: 'padding'};
	},
	checksum: {
		offset: 8,
		bytes: 4,
		littleEndian: true,
		compute(bytes, stack, index) {
			const self = stack[index];
			if (!self || self.cut) return undefined;
			const head = crcUpdate(0xffffffff, bytes, self.start, self.start + 8);
			const middle = crcUpdate(head, zeros, 0, 4);
			return ~crcUpdate(middle, bytes, self.start + 12, self.end) >>> 0;
		},
	},
};
