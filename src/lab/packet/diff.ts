/** Where two packets differ, by field. */

import {isDeepStrictEqual} from 'node:util';
import {valueText} from './details.js';
import type {Packet} from './packet.js';

/** One field that differs; `layer` itself where one packet has another layer, or none, there. */
export interface PacketDifference {
	readonly layer: string;
	/** Of the layer in the packet, from 0. */
	readonly index: number;
	readonly field: string;
	readonly expected: unknown;
	readonly actual: unknown;
}

/**
 * The fields that differ, from the outermost layer on; none when the packets are equal. A checksum
 * that is right in both follows from the other fields and is passed over.
 */
export function diffPackets(expected: Packet, actual: Packet): PacketDifference[] {
	const found: PacketDifference[] = [];
	for (let index = 0; index < Math.max(expected.layers.length, actual.layers.length); index++) {
		const [left, right] = [expected.layers[index], actual.layers[index]];
		if (!left || left.layer !== right?.layer) {
			const layer = left?.layer ?? right?.layer ?? '';
			found.push({layer, index, field: 'layer', expected: left?.layer, actual: right?.layer});
			continue;
		}

		const [a, b] = [left, right].map(one => one as object as Record<string, unknown>);
		const isSound = !('wrong' in left) && !('wrong' in right);
		for (const field of new Set([...Object.keys(left), ...Object.keys(right)])) {
			if (field === 'wrong' || (field === 'checksum' && isSound)) continue;
			const [before, after] = [a?.[field], b?.[field]];
			if (isDeepStrictEqual(before, after)) continue;
			found.push({layer: left.layer, index, field, expected: before, actual: after});
		}
	}

	return found;
}

/** The differences for people: the expected value after `-`, the actual one after `+`. */
export function formatPacketDiff(differences: readonly PacketDifference[]): string {
	return differences
		.flatMap(({layer, field, expected, actual}) => [
			`${layer} ${field}`,
			...valueText(field, expected)
				.split('\n')
				.map(line => `- ${line}`),
			...valueText(field, actual)
				.split('\n')
				.map(line => `+ ${line}`),
		])
		.join('\n');
}
