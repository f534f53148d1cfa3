/** Arithmetic on the counters in a value, which for per-CPU maps stand in it once per CPU. */

import {hostLittleEndian, viewOf} from '../../base/bytes.js';
import type {Counter} from './converter.js';

export interface CpuDelta {
	readonly cpu: number;
	/** What the i-th counter grew by. */
	readonly delta: (index: number) => bigint;
}

/** What the counters of each CPU grew by; `before` undefined is zero. CPUs without growth are left out. */
export function* deltasOf(
	before: Uint8Array | undefined,
	now: Uint8Array,
	counters: readonly Counter[],
	stride: number,
): Generator<CpuDelta> {
	for (let cpu = 0; cpu * stride < now.length; cpu++) {
		const deltas = counters.map(counter => {
			const was = before === undefined ? 0n : read(before, cpu * stride, counter);
			return read(now, cpu * stride, counter) - was;
		});
		if (deltas.some(delta => delta !== 0n)) yield {cpu, delta: index => deltas[index] ?? 0n};
	}
}

/** True where the values differ in their counters at most. */
export function isOnlyCounted(
	a: Uint8Array,
	b: Uint8Array,
	counters: readonly Counter[],
	stride: number,
): boolean {
	const counted = withCounters(a, b, counters, stride);
	return counted.every((byte, i) => byte === b[i]);
}

/** A copy of `value` with the counters of `source`. */
export function withCounters(
	value: Uint8Array,
	source: Uint8Array,
	counters: readonly Counter[],
	stride: number,
): Uint8Array {
	const mixed = value.slice();
	for (let at = 0; at < value.length; at += stride) {
		for (const {offset, size} of counters) {
			mixed.set(source.subarray(at + offset, at + offset + size), at + offset);
		}
	}

	return mixed;
}

function read(bytes: Uint8Array, at: number, {offset, size}: Counter): bigint {
	const view = viewOf(bytes);
	return size === 8
		? view.getBigUint64(at + offset, hostLittleEndian)
		: BigInt(view.getUint32(at + offset, hostLittleEndian));
}
