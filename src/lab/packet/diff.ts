/** Where two packets differ, by field. */

import {isDeepStrictEqual} from 'node:util';
import type {Layer, LayerDraft, LayerName} from './layers.js';
import {matchLayers} from './match-layers.js';
import {Packet} from './packet.js';

/** A field of a layer that both packets have, or a layer that one of them has. */
export interface PacketDifference {
	readonly layer: LayerName;
	/** Of the layer, from 0: in the expected packet, or in the actual one if only that has it. */
	readonly index: number;
	/** `layer` where a packet has no such layer: its side is undefined, the other the layer. */
	readonly field: string;
	readonly expected: unknown;
	readonly actual: unknown;
	/** What would be right, where the expected value contradicts the rest of its packet. */
	readonly expectedRight?: number | undefined;
	/** What would be right, where the actual value contradicts the rest of its packet. */
	readonly actualRight?: number | undefined;
}

type Fields = Readonly<Record<string, unknown>>;

/**
 * The fields that differ, from the outermost layer on; none when the bytes are equal. Layers are
 * matched by name, so that an encapsulated packet differs by the layers around it. Lengths,
 * checksums and numbers of what follows that are right in both are passed over: they follow.
 */
export function diffPackets(expected: Packet, actual: Packet): PacketDifference[] {
	if (Buffer.compare(expected.bytes, actual.bytes) === 0) return [];
	const found = differences(expected, actual, givenFields);
	const causes = found.filter(one => !isSoundChecksum(one));
	if (causes.length > 0) return causes;
	// What follows may differ alone, where packets are cut or malformed.
	return found.length > 0 ? found : differences(expected, actual, allFields);
}

/** Packets that are cut give theirs; 0 stands for none. */
function isSoundChecksum({field, ...one}: PacketDifference): boolean {
	if (field !== 'checksum' || one.expected === 0 || one.actual === 0) return false;
	return one.expectedRight === undefined && one.actualRight === undefined;
}

/** Names of fields to be compared. */
type Choose = (layer: Layer, given: LayerDraft) => readonly string[];
const givenFields: Choose = (_, given) => Object.keys(given);
const allFields: Choose = layer => Object.keys(layer);

function differences(expected: Packet, actual: Packet, choose: Choose): PacketDifference[] {
	const [left, right] = [sideOf(expected, choose), sideOf(actual, choose)];
	const compare = (i: number, j: number) => compareLayers(left, i, right, j);
	const pairs = matchLayers(expected.layers, actual.layers, (i, j) => compare(i, j).length);
	return pairs.flatMap(([i, j]): readonly PacketDifference[] => {
		if (i !== undefined && j !== undefined) return compare(i, j);
		return [onlyLayer(left.drafts, i, 'expected'), onlyLayer(right.drafts, j, 'actual')].flat();
	});
}

interface Side {
	readonly layers: readonly Layer[];
	readonly drafts: readonly LayerDraft[];
	readonly names: readonly (readonly string[])[];
}

function sideOf({layers, drafts}: Packet, choose: Choose): Side {
	const names = layers.map((layer, i) => choose(layer, drafts[i] ?? layer));
	return {layers, drafts, names};
}

function onlyLayer(
	drafts: readonly LayerDraft[],
	index: number | undefined,
	side: 'expected' | 'actual',
): PacketDifference[] {
	const layer = index === undefined ? undefined : drafts[index];
	if (index === undefined || !layer) return [];
	const none = {expected: undefined, actual: undefined};
	return [{layer: layer.layer, index, field: 'layer', ...none, [side]: layer}];
}

function compareLayers(left: Side, i: number, right: Side, j: number): PacketDifference[] {
	const [a, b] = [left.layers[i], right.layers[j]];
	if (!a || !b) return [];
	const [before, after] = [a, b] as unknown as readonly [Fields, Fields];
	const found: PacketDifference[] = [];
	for (const field of new Set([...(left.names[i] ?? []), ...(right.names[j] ?? [])])) {
		const [expected, actual] = [before[field], after[field]];
		if (field === 'wrong' || isSame(expected, actual)) continue;
		const [expectedRight, actualRight] = [rightOf(before, field), rightOf(after, field)];
		found.push({
			...{layer: a.layer, index: i, field, expected, actual},
			...(expectedRight !== undefined && {expectedRight}),
			...(actualRight !== undefined && {actualRight}),
		});
	}

	return found;
}

function isSame(a: unknown, b: unknown): boolean {
	if (a instanceof Packet && b instanceof Packet) {
		return Buffer.compare(a.bytes, b.bytes) === 0;
	}

	if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b) === 0;
	return isDeepStrictEqual(a, b);
}

function rightOf({wrong}: Fields, field: string): number | undefined {
	return (wrong as Readonly<Record<string, number>> | undefined)?.[field];
}
