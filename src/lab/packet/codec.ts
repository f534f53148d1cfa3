/** What a kind of layer knows of itself: to be made whole, written, read and summed. */

import type {Writer} from './fields.js';
import type {Layer, LayerName} from './layers.js';
import type {Packet} from './packet.js';

/** A layer and the bytes it has. */
export interface Placed {
	readonly layer: Layer;
	/** Where its header begins. */
	readonly start: number;
	/** Bytes of its header. */
	readonly size: number;
	/** Where what it carries ends. */
	readonly end: number;
	/** Not all of it is here: lengths and checksums cannot be told right from wrong. */
	readonly cut: boolean;
}

/** What stands above a layer that is being made whole. */
export interface Above {
	/** Undefined when it is the last. */
	readonly next: Layer | undefined;
	/** Bytes that it carries. */
	readonly length: number;
	readonly cut: boolean;
	/** Reads a packet that an error message carries. */
	readonly original: (bytes: Uint8Array) => Packet;
}

/** What a layer is read from. */
export interface Input {
	readonly bytes: Uint8Array;
	readonly view: DataView;
	readonly start: number;
	/** Where the layer below ends. */
	readonly end: number;
	readonly cut: boolean;
	/** The layer below. */
	readonly below: Layer | undefined;
	readonly original: (bytes: Uint8Array) => Packet;
}

/** A layer that was read. */
export interface Read<L> {
	readonly layer: L;
	/** Bytes of its header. */
	readonly size: number;
	/** Where what it carries ends, if it says so itself. */
	readonly end?: number;
	/** Of what follows, if anything does. */
	readonly next: LayerName;
	/** What follows is not all here. */
	readonly cut?: boolean;
}

/** One kind of layer. Methods are called with layers of this kind only. */
export interface Codec<L, Draft> {
	/** Fields worked out from others; a change of the packet works them out again. */
	readonly derived: readonly string[];
	/** It says how long what it carries is: padding may follow. */
	readonly bounded?: boolean;
	/** Bytes of its header. */
	size(layer: L): number;
	/** All fields; a checksum that was not given is 0. */
	complete(draft: Draft, above: Above): L;
	write(layer: L, out: Writer): void;
	/** The layer, or why there is none: `3 of 8 bytes`. */
	read(input: Input): Read<L> | string;
	readonly checksum?: Checksum;
}

/** How a layer's field `checksum` is made. */
export interface Checksum {
	readonly offset: number;
	readonly bytes: 2 | 4;
	readonly littleEndian?: boolean;
	/** The right value, whatever the field now holds; undefined where it cannot be known. */
	compute(bytes: Uint8Array, stack: readonly Placed[], index: number): number | undefined;
	/** Says a value that differs all the same nothing wrong? */
	readonly isAbsent?: (value: number, stack: readonly Placed[], index: number) => boolean;
}
