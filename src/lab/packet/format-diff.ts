/** Differences of packets as text. */

import {diffPackets, type PacketDifference} from './diff.js';
import {fieldLines, formatLayer, valueText} from './details.js';
import type {Layer} from './layers.js';
import {Packet} from './packet.js';

/** Columns of a terminal. */
const columns = 80;
/** Lines shown of a value; of bytes, from the first that differs on. */
const mostLines = 12;
const mostByteLines = 3;

/**
 * The differences for people, at most 80 columns wide: fields under their layer, `-` as they are
 * expected and `+` as they are; of bytes an excerpt, from the first that differs on.
 */
export function formatPacketDiff(differences: readonly PacketDifference[]): string {
	return diffLines(differences)
		.map(line => (line.length > columns ? `${line.slice(0, columns - 1)}…` : line))
		.join('\n');
}

function diffLines(differences: readonly PacketDifference[]): string[] {
	const lines: string[] = [];
	let last: PacketDifference | undefined;
	for (const one of differences) {
		if (one.field === 'layer') {
			lines.push(...signed('-', layerLines(one.expected)));
			lines.push(...signed('+', layerLines(one.actual)));
			last = undefined;
			continue;
		}

		if (one.index !== last?.index) lines.push(`  ${one.layer}`);
		last = one;
		lines.push(...changeLines(one));
	}

	return lines;
}

function layerLines(layer: unknown): string[] {
	return layer === undefined ? [] : shortened(formatLayer(layer as Layer));
}

function changeLines({field, expected, actual, ...right}: PacketDifference): string[] {
	if (expected instanceof Packet && actual instanceof Packet) {
		const inner = diffLines(diffPackets(expected, actual));
		return [`    ${field}`, ...inner.map(line => `${line.slice(0, 1)}    ${line.slice(1)}`)];
	}

	if (expected instanceof Uint8Array && actual instanceof Uint8Array) {
		return byteLines(field, expected, actual);
	}

	const side = (value: unknown, wrong: number | undefined): string[] =>
		value === undefined ? [] : shortened(fieldLines(field, value, field.length, wrong));
	return [
		...signed('-', side(expected, right.expectedRight)),
		...signed('+', side(actual, right.actualRight)),
	];
}

/** From the line of 16 bytes on in which they differ first. */
function byteLines(field: string, expected: Uint8Array, actual: Uint8Array): string[] {
	let at = 0;
	while (at < expected.length && at < actual.length && expected[at] === actual[at]) at++;
	const lengths =
		expected.length === actual.length
			? `${actual.length} bytes`
			: `${expected.length} bytes expected, ${actual.length} there`;
	const start = at & ~15;
	const excerpt = (bytes: Uint8Array): string[] => {
		const end = Math.min(bytes.length, start + mostByteLines * 16);
		if (end <= start) return [];
		const lines = valueText('', bytes.subarray(0, end))
			.split('\n')
			.slice(start / 16);
		const left = bytes.length - end;
		return left > 0 ? [...lines, `… ${left} more bytes`] : lines;
	};
	const [before, after] = [excerpt(expected), excerpt(actual)];
	return [
		`    ${field} differ from byte ${at} on: ${lengths}`,
		...before.map((line, i) => `${line === after[i] ? ' ' : '-'}     ${line}`),
		...after.flatMap((line, i) => (line === before[i] ? [] : [`+     ${line}`])),
	];
}

function shortened(lines: readonly string[]): string[] {
	if (lines.length <= mostLines) return [...lines];
	return [...lines.slice(0, mostLines - 1), `  … ${lines.length - mostLines + 1} more lines`];
}

function signed(sign: string, lines: readonly string[]): string[] {
	return lines.map(line => `${sign} ${line}`);
}
