/** Bytes that no layer explains, and bytes after the end of one. */

import type {Codec} from './codec.js';
import {draft, type DraftOf} from './fields.js';

/** What is carried, or what could not be read. */
export interface PayloadLayer {
	readonly layer: 'payload';
	readonly bytes: Uint8Array;
	/** Why these bytes are no layer although the one below says so: `tcp: 3 of 20 bytes`. */
	readonly malformed?: string | undefined;
}

/** Bytes after the end that a layer below gives for itself, as in a short Ethernet frame. */
export interface PaddingLayer {
	readonly layer: 'padding';
	readonly bytes: Uint8Array;
	/**
	 * Of the layers below that say their length (ipv4, ipv6, udp), as many, from the innermost on,
	 * have ended before it. Default: all, down to the nearest Ethernet header.
	 */
	readonly outside: number;
}

/** What `payload()` is given. */
export interface PayloadOptions {
	readonly bytes?: Uint8Array | string | undefined;
	readonly malformed?: string | undefined;
}

/** What `padding()` is given. */
export interface PaddingOptions {
	readonly bytes?: Uint8Array | undefined;
	readonly outside?: number | undefined;
}

/** A layer made by `payload()`, for `packet()`. */
export type PayloadDraft = DraftOf<'payload', PayloadOptions>;
/** A layer made by `padding()`, for `packet()`. */
export type PaddingDraft = DraftOf<'padding', PaddingOptions>;

/** Bytes to be carried; text is UTF-8. `packet` takes both as they are, too. */
export function payload(bytes: Uint8Array | string): PayloadDraft {
	return {layer: 'payload', bytes};
}

/** Bytes after the end of the layers below. *Throws:* `ERR_USAGE` for an unknown field. */
export function padding(options: PaddingOptions = {}): PaddingDraft {
	return draft('padding', ['bytes', 'outside'], options);
}

const nothing = new Uint8Array(0);
const encoder = new TextEncoder();

export const payloadCodec: Codec<PayloadLayer, PayloadDraft> = {
	derived: [],
	size: ({bytes}) => bytes.length,
	complete({bytes = nothing, malformed}) {
		const owned = typeof bytes === 'string' ? encoder.encode(bytes) : bytes;
		return malformed === undefined
			? {layer: 'payload', bytes: owned}
			: {layer: 'payload', bytes: owned, malformed};
	},
	write: ({bytes}, out) => out.raw(bytes),
	read({bytes, start, end}) {
		const layer = {layer: 'payload', bytes: bytes.subarray(start, end)} as const;
		return {layer, size: end - start, next: 'padding'};
	},
};

export const paddingCodec: Codec<PaddingLayer, PaddingDraft> = {
	derived: [],
	size: ({bytes}) => bytes.length,
	complete: ({bytes = nothing, outside = 0}) => ({layer: 'padding', bytes, outside}),
	write: ({bytes}, out) => out.raw(bytes),
	read({bytes, start, end}) {
		const layer = {layer: 'padding', bytes: bytes.subarray(start, end), outside: 0} as const;
		return {layer, size: end - start, next: 'padding'};
	},
};
