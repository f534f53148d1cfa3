/** Ports as policy maps know them: numbers of which only the leading bits count. */

import {UsageError} from '../../base/errors.js';

/** Ports whose first `bits` bits are those of `port`; the other bits of `port` are 0. */
export interface PortPrefix {
	readonly port: number;
	/** 1 to 16, or 0 for all ports. */
	readonly bits: number;
}

/** One port, or a range of them with both ends: `80`, `'8000-8999'`. */
export type PortRange = number | string;

const last = 0xffff;

/** The first and the last port of a range. *Throws:* `ERR_USAGE`. */
export function parsePorts(range: PortRange): readonly [first: number, last: number] {
	if (Number.isInteger(range) && (range as number) >= 1 && (range as number) <= last) {
		return [range as number, range as number];
	}

	const found = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(String(range));
	const first = Number(found?.[1]);
	const end = Number(found?.[2] ?? first);
	if (found !== null && first <= end && end <= last && end > 0) return [first, end];
	throw new UsageError(
		`read ports ${JSON.stringify(range)}: expected a number from 1 to ${last}, or a range like "8000-8999"`,
	);
}

/** The fewest prefixes that are the range together, in order. */
export function splitRange(first: number, end: number): PortPrefix[] {
	const prefixes: PortPrefix[] = [];
	for (let at = first; at <= end;) {
		let bits = 16;
		while (bits > 0 && at % sizeOf(bits - 1) === 0 && at + sizeOf(bits - 1) - 1 <= end) bits--;
		prefixes.push({port: at, bits});
		at += sizeOf(bits);
	}

	return prefixes;
}

/** Ports of a prefix. */
function sizeOf(bits: number): number {
	return 2 ** (16 - bits);
}

/** `80`, `8000-8191`; undefined for all ports. */
export function formatPorts({port, bits}: PortPrefix): string | undefined {
	if (bits === 0) return undefined;
	return bits === 16 ? String(port) : `${port}-${port + sizeOf(bits) - 1}`;
}
