/** A whole map, read to its end in this process. */

import {floor} from './floor.js';
import type {Flows} from './flows.js';
import {cpu, race} from './measure.js';
import {atLeast, figures, type Figure} from './report.js';

const fast = {consistency: 'fast'} as const;

/** Nanoseconds for an element. */
export function benchDump({map, count}: Flows, rounds: number): Figure[] {
	const all = (read: () => number) =>
		cpu(() => {
			const elements = read();
			if (elements !== count) throw new Error(`${elements} of ${count} elements were read`);
			return elements;
		});
	const c = [
		'C bpf_map_lookup_batch, 4096 at a time',
		all(() => floor.dump(map.fd, 4096)),
	] as const;
	const timed = race(
		[
			c,
			[
				'skep map.batches(): bytes',
				all(() => {
					let elements = 0;
					for (const batch of map.batches()) elements += batch.count;
					return elements;
				}),
			],
			[
				'skep map.cursor(): three fields read',
				all(() => {
					let elements = 0;
					for (const {key, value} of map.cursor()) {
						if (key.direction <= 1 && value.lifetime >= 0 && value.rx_packets > 0n) {
							elements++;
						}
					}

					return elements;
				}),
			],
			[
				'skep map.forEach(): objects of all fields',
				all(() => {
					let elements = 0;
					map.forEach((value, key) => {
						if (key.direction <= 1 && value.lifetime >= 0) elements++;
					});
					return elements;
				}),
			],
			[
				'skep map.entries(): the same in pairs',
				all(() => {
					let elements = 0;
					for (const [key, value] of map.entries()) {
						if (key.direction <= 1 && value.lifetime >= 0) elements++;
					}

					return elements;
				}),
			],
			[
				"skep map.batches() with consistency 'fast'",
				all(() => {
					let elements = 0;
					for (const batch of map.batches(fast)) elements += batch.count;
					return elements;
				}),
			],
			[
				"skep map.cursor() with consistency 'fast'",
				all(() => {
					let elements = 0;
					for (const {key, value} of map.cursor(fast)) {
						if (key.direction <= 1 && value.lifetime >= 0 && value.rx_packets > 0n) {
							elements++;
						}
					}

					return elements;
				}),
			],
			[
				"skep map.forEach() with consistency 'fast'",
				all(() => {
					let elements = 0;
					map.forEach((value, key) => {
						if (key.direction <= 1 && value.lifetime >= 0) elements++;
					}, fast);
					return elements;
				}),
			],
			[
				"skep map.entries() with consistency 'fast'",
				all(() => {
					let elements = 0;
					for (const [key, value] of map.entries(fast)) {
						if (key.direction <= 1 && value.lifetime >= 0) elements++;
					}

					return elements;
				}),
			],
			[
				'skep map.jsonBytes(): lines of JSON',
				all(() => {
					let bytes = 0;
					for (const piece of map.jsonBytes()) bytes += piece.length;
					return bytes > count ? count : 0;
				}),
			],
			[
				'skep map.json(): strings of JSON',
				all(() => {
					let elements = 0;
					for (const line of map.json()) if (line.length > 0) elements++;
					return elements;
				}),
			],
		],
		rounds,
	);
	// On its own: it leaves old garbage, which the others would pay for.
	const kept = race(
		[c, ['skep [...map.entries()]: all kept', all(() => [...map.entries()].length)]],
		rounds,
	);
	return figures([...timed, ...kept.slice(1)], 'ns', {
		'skep map.batches(): bytes': atLeast(0.97),
		'skep map.cursor(): three fields read': atLeast(0.9),
		'skep map.forEach(): objects of all fields': atLeast(0.84),
		"skep map.forEach() with consistency 'fast'": atLeast(2),
	});
}
