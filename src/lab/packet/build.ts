/** From layers to bytes. */

import type {Placed} from './codec.js';
import {codecOf} from './codecs.js';
import {Writer} from './fields.js';
import type {Layer, LayerDraft} from './layers.js';
import type {Packet} from './packet.js';
import {verifyChecksums} from './sums.js';

/** A packet's content. */
export interface Content {
	readonly bytes: Uint8Array;
	readonly stack: readonly Placed[];
}

/** *Throws:* `ERR_USAGE` for a value that does not fit its field. */
export function build(
	drafts: readonly LayerDraft[],
	original: (bytes: Uint8Array) => Packet,
): Content {
	const count = drafts.length;
	const cut = cutsOf(drafts);
	const layers = new Array<Layer>(count);
	const sizes = new Array<number>(count).fill(0);
	/** Padding behind each layer that does not belong to it. */
	const excess = new Array<number>(count).fill(0);
	const pending: {size: number; outside: number}[] = [];
	let total = 0;
	for (let i = count - 1; i >= 0; i--) {
		const given = withOutside(drafts, i);
		const codec = codecOf(given.layer);
		let outer = 0;
		for (const one of pending) if (one.outside > 0) outer += one.size;
		const layer = codec.complete(given, {
			next: layers[i + 1],
			length: total - outer,
			cut: cut[i] ?? false,
			original,
		});
		const size = codec.size(layer);
		layers[i] = layer;
		sizes[i] = size;
		excess[i] = outer;
		total += size;
		if (layer.layer === 'padding') pending.push({size, outside: layer.outside});
		if (codec.bounded) for (const one of pending) one.outside -= 1;
	}

	const out = new Writer(total);
	const stack = layers.map((layer, i): Placed => {
		const start = out.offset;
		out.layer = layer.layer;
		codecOf(layer.layer).write(layer, out);
		const size = sizes[i] ?? 0;
		return {layer, start, size, end: total - (excess[i] ?? 0), cut: cut[i] ?? false};
	});
	fillChecksums(out, drafts, stack);
	verifyChecksums(out.bytes, stack);
	return {bytes: out.bytes, stack};
}

/** From the innermost, because outer checksums cover inner ones. */
function fillChecksums(out: Writer, drafts: readonly LayerDraft[], stack: readonly Placed[]): void {
	for (let i = stack.length - 1; i >= 0; i--) {
		const given = drafts[i];
		const self = stack[i];
		if (!given || !self || ('checksum' in given && given.checksum !== undefined)) continue;
		const codec = codecOf(given.layer).checksum;
		// A fragment's transport sum is over what is here: nobody can know the rest.
		const whole = self.cut ? stack.with(i, {...self, cut: false}) : stack;
		const value = codec?.compute(out.bytes, whole, i);
		if (!codec || value === undefined) continue;
		if (codec.bytes === 2) out.view.setUint16(self.start + codec.offset, value);
		else out.view.setUint32(self.start + codec.offset, value, codec.littleEndian);
		(self.layer as {checksum?: number}).checksum = value;
	}
}

/** For each layer, does one below say that it holds part of a packet only? */
function cutsOf(drafts: readonly LayerDraft[]): boolean[] {
	let cut = false;
	return drafts.map(given => {
		const before = cut;
		if (given.layer === 'ipv4' || given.layer === 'fragment') {
			cut ||= given.moreFragments === true || (given.fragmentOffset ?? 0) > 0;
		}

		return before;
	});
}

/** A padding's default: outside of all that say their length, down to the nearest Ethernet header. */
function withOutside(drafts: readonly LayerDraft[], index: number): LayerDraft {
	const given = drafts[index];
	if (given === undefined) throw new RangeError('no such layer');
	if (given.layer !== 'padding' || given.outside !== undefined) return given;
	let outside = 0;
	for (let i = index - 1; i >= 0; i--) {
		const below = drafts[i];
		if (!below || below.layer === 'ethernet') break;
		if (codecOf(below.layer).bounded) outside += 1;
	}

	return {...given, outside};
}
