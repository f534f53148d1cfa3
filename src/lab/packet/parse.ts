/** From bytes to layers. */

import {viewOf} from '../../base/bytes.js';
import type {Content} from './build.js';
import type {Placed} from './codec.js';
import {codecOf} from './codecs.js';
import type {LayerName} from './layers.js';
import type {Packet} from './packet.js';
import {verifyChecksums} from './sums.js';

/** Headers in a packet; what lies deeper is payload. Bounds the time for hostile bytes. */
const mostLayers = 64;

export interface ParseContext {
	readonly first: LayerName | 'ip';
	/** The bytes are the beginning of a packet, as errors carry it. */
	readonly cut: boolean;
	readonly original: (bytes: Uint8Array) => Packet;
}

/** Never throws: what is no layer is a payload that says why. */
export function parse(bytes: Uint8Array, {first, cut, original}: ParseContext): Content {
	const view = viewOf(bytes);
	const stack: Placed[] = [];
	let next = first === 'ip' ? familyOf(bytes) : first;
	let isCut = cut;
	let start = 0;
	let end = bytes.length;
	while (next !== 'padding' && start < end) {
		if (stack.length >= mostLayers && next !== 'payload') {
			start = pushPayload(
				stack,
				bytes,
				start,
				end,
				isCut,
				`${next}: the ${mostLayers + 1}th layer`,
			);
			break;
		}

		const below = stack.at(-1)?.layer;
		const read = codecOf(next).read({bytes, view, start, end, cut: isCut, below, original});
		if (typeof read === 'string') {
			start = pushPayload(stack, bytes, start, end, isCut, `${next}: ${read}`);
			break;
		}

		end = read.end ?? end;
		stack.push({layer: read.layer, start, size: read.size, end, cut: isCut});
		isCut ||= read.cut ?? false;
		start += read.size;
		next = read.next;
	}

	pushPadding(stack, bytes, start, isCut);
	verifyChecksums(bytes, stack);
	return {bytes, stack};
}

function familyOf(bytes: Uint8Array): LayerName {
	return (bytes[0] ?? 0) >> 4 === 6 ? 'ipv6' : 'ipv4';
}

function pushPayload(
	stack: Placed[],
	bytes: Uint8Array,
	start: number,
	end: number,
	cut: boolean,
	malformed: string,
): number {
	const layer = {layer: 'payload', bytes: bytes.subarray(start, end), malformed} as const;
	stack.push({layer, start, size: end - start, end, cut});
	return end;
}

/** What lies behind the ends of layers, from the innermost outwards. */
function pushPadding(stack: Placed[], bytes: Uint8Array, from: number, cut: boolean): void {
	const ends = stack
		.filter(({layer}) => codecOf(layer.layer).bounded)
		.map(({end}) => end)
		.reverse();
	let start = from;
	for (const [outside, end] of [...ends, bytes.length].entries()) {
		if (end <= start) continue;
		const layer = {layer: 'padding', bytes: bytes.subarray(start, end), outside} as const;
		stack.push({layer, start, size: end - start, end, cut});
		start = end;
	}
}
