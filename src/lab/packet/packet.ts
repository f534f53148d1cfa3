/** Packets: bytes, and the layers that they are. */

import {UsageError} from '../../base/errors.js';
import {build, type Content} from './build.js';
import type {Placed} from './codec.js';
import {codecOf} from './codecs.js';
import {formatLayers} from './details.js';
import type {Drafts, Layer, LayerDraft, LayerName, Layers} from './layers.js';
import {parse} from './parse.js';
import {payload} from './payload.js';
import {summarize} from './summary.js';

/** What `packet` puts together: layers, text or bytes to be carried, packets within packets. */
export type PacketPart = LayerDraft | Layer | Packet | Uint8Array | string;

/** A packet; it does not change. `packet` builds one, `parsePacket` reads one. */
export class Packet {
	/** The packet as it is on the wire. Not to be written to. */
	readonly bytes: Uint8Array;
	/**
	 * From the outermost on, with all fields. A field that contradicts the rest of the packet stands
	 * in the layer's `wrong` with the value that would be right.
	 */
	readonly layers: readonly Layer[];
	readonly #stack: readonly Placed[];

	/** @internal */
	constructor({bytes, stack}: Content) {
		this.bytes = bytes;
		this.layers = stack.map(({layer}) => layer);
		this.#stack = stack;
	}

	/** The first layer of that name, or the one after `skip` others. */
	get<Name extends LayerName>(name: Name, skip = 0): Layers[Name] | undefined {
		const index = this.#find(name, skip);
		return index < 0 ? undefined : (this.layers[index] as Layers[Name]);
	}

	/** What is carried in the end; empty when nothing is. */
	get payload(): Uint8Array {
		for (const layer of this.layers) if (layer.layer === 'payload') return layer.bytes;
		return empty;
	}

	/** Where the first layer of that name begins in `bytes`; undefined without one. */
	offsetOf(name: LayerName, skip = 0): number | undefined {
		return this.#stack[this.#find(name, skip)]?.start;
	}

	/** From the first IP header on; all bytes without one. */
	get networkBytes(): Uint8Array {
		const ip = this.#stack.find(({layer: {layer}}) => layer === 'ipv4' || layer === 'ipv6');
		return this.bytes.subarray(ip?.start ?? 0);
	}

	/** Does no field contradict the others, and is nothing malformed? */
	get isSound(): boolean {
		return this.layers.every(layer =>
			layer.layer === 'payload' ? layer.malformed === undefined : !('wrong' in layer),
		);
	}

	/**
	 * The layers as one would describe them to `packet`: without lengths, checksums and numbers of
	 * what follows, unless they are wrong. Put together otherwise, they are worked out anew.
	 */
	get drafts(): readonly LayerDraft[] {
		return this.#stack.map((_, i) => this.#draftOf(i));
	}

	/**
	 * The packet with other fields in the first layer of that name, or in the one after `skip`
	 * others. What follows from them is worked out anew; what was wrong stays wrong.
	 *
	 * *Throws:* `ERR_USAGE` without such a layer, for a value that does not fit its field.
	 */
	with<Name extends LayerName>(
		name: Name,
		changes: Omit<Drafts[Name], 'layer'>,
		skip = 0,
	): Packet {
		const index = this.#find(name, skip);
		if (index < 0)
			throw new UsageError(`change packet: no layer "${name}" in: ${String(this)}`);
		const changed = {...this.#draftOf(index), ...changes};
		return packet(...this.drafts.with(index, changed));
	}

	/** The packet with another payload. */
	withPayload(bytes: Uint8Array | string): Packet {
		const drafts = this.drafts.filter(({layer}) => layer !== 'payload');
		const end = drafts.findIndex(({layer}) => layer === 'padding');
		return packet(...drafts.toSpliced(end < 0 ? drafts.length : end, 0, payload(bytes)));
	}

	/** The packet in others: `.within(ethernet())`. */
	within(...outer: readonly PacketPart[]): Packet {
		return packet(...outer, ...this.drafts);
	}

	/** The packet without what is below the first layer of that name: `.from('ipv4')`. */
	from(name: LayerName, skip = 0): Packet {
		const index = this.#find(name, skip);
		if (index < 0) throw new UsageError(`cut packet: no layer "${name}" in: ${String(this)}`);
		return packet(...this.drafts.slice(index));
	}

	/** One line. */
	toString(): string {
		return summarize(this.layers);
	}

	/** All layers and fields, a line each. */
	format(): string {
		return formatLayers(this.layers);
	}

	#find(name: LayerName, skip: number): number {
		let left = skip;
		return this.layers.findIndex(({layer}) => layer === name && left-- === 0);
	}

	#draftOf(index: number): LayerDraft {
		const self = this.#stack[index];
		if (!self) throw new RangeError('no such layer');
		const {layer, cut} = self;
		const next = this.layers[index + 1]?.layer;
		const isLast = next === undefined || next === 'payload' || next === 'padding';
		const wrong = 'wrong' in layer ? layer.wrong : undefined;
		const worked = new Set(['wrong']);
		for (const field of codecOf(layer.layer).derived) {
			const isNumber =
				field === 'protocol' || field === 'nextHeader' || field === 'etherType';
			const keep = isNumber
				? isLast
				: (cut && field !== 'headerLength') || (wrong && field in wrong);
			if (!keep) worked.add(field);
		}

		// None at all, which is not what building would choose.
		if (layer.layer === 'udp' && layer.checksum === 0) worked.delete('checksum');
		const given = Object.entries(layer).filter(([field]) => !worked.has(field));
		return Object.fromEntries(given) as unknown as LayerDraft;
	}
}

const empty = new Uint8Array(0);

/**
 * Builds a packet, from the outermost layer on; what is not given has a default or is worked out:
 * `packet(ipv4({destination}), tcp({destinationPort: 80, flags: 'S'}))`. Values that are given stay
 * as they are, wrong or not.
 *
 * *Throws:* `ERR_USAGE` for a value that does not fit its field.
 */
export function packet(...parts: readonly PacketPart[]): Packet {
	const drafts = parts.flatMap((part): readonly LayerDraft[] | LayerDraft => {
		if (part instanceof Packet) return part.drafts;
		if (typeof part === 'string' || part instanceof Uint8Array) return payload(part);
		return part;
	});
	return new Packet(build(drafts, readOriginal(0)));
}

/** How `parsePacket` reads. */
export interface ParseOptions {
	/** What the bytes begin with; `ip` goes by the version. Default: `ethernet`. */
	readonly first?: LayerName | 'ip' | undefined;
}

/**
 * Reads a packet, of which it takes a copy. Takes any bytes: what is no layer becomes a payload that
 * says why in `malformed`. `packet(...layers)` gives the same bytes again.
 */
export function parsePacket(bytes: Uint8Array, {first = 'ethernet'}: ParseOptions = {}): Packet {
	const copy = Uint8Array.from(bytes);
	return new Packet(parse(copy, {first, cut: false, original: readOriginal(0)}));
}

/** Errors about errors about errors are read no further than this. */
const mostNested = 4;

function readOriginal(depth: number): (bytes: Uint8Array) => Packet {
	return bytes => {
		const original = readOriginal(depth + 1);
		const first = depth < mostNested ? 'ip' : 'payload';
		return new Packet(parse(bytes, {first, cut: true, original}));
	};
}
