import {hex} from '../../base/bytes.js';
import type {Packet} from '../packet/packet.js';

/**
 * Where the second differs from the first: the fields that do, `-` as they are in the first and `+`
 * as in the second, each under its layer; undefined when the bytes are the same.
 */
export function packetDifference(first: Packet, second: Packet): string | undefined {
	if (Buffer.compare(first.bytes, second.bytes) === 0) return undefined;
	const changes = compareLines(first.format().split('\n'), second.format().split('\n'));
	const lines: string[] = [];
	let layer = '';
	for (const {sign, line} of changes) {
		const isLayer = !line.startsWith(' ');
		if (isLayer) layer = sign === ' ' ? line : '';
		if (sign === ' ') continue;
		if (layer !== '') lines.push(`  ${layer}`);
		layer = '';
		lines.push(`${sign} ${line}`);
	}

	if (lines.length > 0) return lines.join('\n');
	return `- ${hex(first.bytes)}\n+ ${hex(second.bytes)}`;
}

interface Line {
	readonly sign: ' ' | '-' | '+';
	readonly line: string;
}

/** Beyond, what lies between the first and the last difference is not looked at more closely. */
const longest = 1000;

/** Both texts as one: what they share, what only the first has and what only the second has. */
function compareLines(a: readonly string[], b: readonly string[]): Line[] {
	let start = 0;
	while (start < a.length && start < b.length && a[start] === b[start]) start++;
	let [aEnd, bEnd] = [a.length, b.length];
	while (aEnd > start && bEnd > start && a[aEnd - 1] === b[bEnd - 1])
		[aEnd, bEnd] = [aEnd - 1, bEnd - 1];
	const shared = (line: string): Line => ({sign: ' ', line});
	return [
		...a.slice(0, start).map(shared),
		...compareMiddle(a.slice(start, aEnd), b.slice(start, bEnd)),
		...a.slice(aEnd).map(shared),
	];
}

function compareMiddle(a: readonly string[], b: readonly string[]): Line[] {
	const common = Math.max(a.length, b.length) > longest ? undefined : commonLengths(a, b);
	const lines: Line[] = [];
	let [i, j] = [0, 0];
	while (i < a.length || j < b.length) {
		const [left, right] = [a[i], b[j]];
		if (common !== undefined && left !== undefined && left === right) {
			lines.push({sign: ' ', line: left});
			i++;
			j++;
			continue;
		}

		const dropLeft = (common?.[i + 1]?.[j] ?? 0) >= (common?.[i]?.[j + 1] ?? 0);
		if (left !== undefined && (right === undefined || dropLeft)) {
			lines.push({sign: '-', line: left});
			i++;
		} else if (right !== undefined) {
			lines.push({sign: '+', line: right});
			j++;
		}
	}

	return lines;
}

/** Of each pair of places, how many lines both texts have in common from there on. */
function commonLengths(a: readonly string[], b: readonly string[]): Uint16Array[] {
	const lengths = Array.from({length: a.length + 1}, () => new Uint16Array(b.length + 1));
	for (let i = a.length - 1; i >= 0; i--) {
		const [row, below] = [lengths[i], lengths[i + 1]];
		if (row === undefined || below === undefined) continue;
		for (let j = b.length - 1; j >= 0; j--) {
			row[j] =
				a[i] === b[j] ? (below[j + 1] ?? 0) + 1 : Math.max(below[j] ?? 0, row[j + 1] ?? 0);
		}
	}

	return lengths;
}
