/** The elements of services in maps, written by C: how little it can be. */

import {parseIpv4} from '../src/base/address.js';
import {createMap, type BpfMap} from '../src/index.js';
import {mapFlags} from '../src/uapi/flags.js';
import {floor} from './floor.js';
import type {BenchService} from './service-list.js';

/** Elements one behind the other. */
interface Elements {
	readonly map: BpfMap;
	readonly keys: Uint8Array;
	readonly values: Uint8Array;
	readonly count: number;
}

const sizes = {
	slots: {keySize: 12, valueSize: 12},
	backends: {keySize: 4, valueSize: 12},
	reverseNat: {keySize: 2, valueSize: 6},
} as const;

/** Frontends with their slots, backends, and what replies come from; IPv4, of Cilium's sizes. */
export class ServiceFloor implements Disposable {
	private readonly all: readonly Elements[];
	/** Those of the last service. */
	private readonly last: readonly Elements[];

	private constructor(all: readonly Elements[], last: readonly Elements[]) {
		this.all = all;
		this.last = last;
	}

	/** Makes the maps; with all elements unless `empty`. */
	static make(services: readonly BenchService[], {empty = false} = {}): ServiceFloor {
		const parts = elementsOf(services);
		const all = Object.entries(parts).map(([name, list]): Elements => {
			const {keySize, valueSize} = sizes[name as keyof typeof sizes];
			const map = createMap({
				type: 'hash',
				keySize,
				valueSize,
				maxEntries: Math.max(65_536, list.length),
				flags: mapFlags.no_prealloc,
			});
			return {
				map,
				count: list.length,
				keys: Buffer.concat(list.map(([key]) => key)),
				values: Buffer.concat(list.map(([, value]) => value)),
			};
		});
		const last = all.map(({map, keys, values, count}) => ({
			map,
			count: 1,
			keys: keys.subarray((keys.length / count) * (count - 1)),
			values: values.subarray((values.length / count) * (count - 1)),
		}));
		const made = new ServiceFloor(all, last);
		if (!empty) made.fill();
		return made;
	}

	/** Writes them in batches. */
	fill(): void {
		for (const {map, keys, values, count} of this.all) floor.fill(map.fd, keys, values, count);
	}

	/** Writes them one by one. */
	set(): void {
		for (const {map, keys, values, count} of this.all) floor.set(map.fd, keys, values, count);
	}

	/** Writes an element of each map so often; how often. */
	update(times: number): number {
		for (const {map, keys, values} of this.last) {
			floor.set(map.fd, repeat(keys, times), repeat(values, times), times);
		}

		return times;
	}

	[Symbol.dispose](): void {
		for (const {map} of this.all) map.close();
	}
}

const repeat = (bytes: Uint8Array, times: number): Uint8Array =>
	Buffer.alloc(bytes.length * times, bytes);

type Element = readonly [key: Uint8Array, value: Uint8Array];

function elementsOf(services: readonly BenchService[]): Record<keyof typeof sizes, Element[]> {
	const found: Record<keyof typeof sizes, Element[]> = {slots: [], backends: [], reverseNat: []};
	let id = 0;
	for (const [i, {address, port, backends}] of services.entries()) {
		const own = parseIpv4(address);
		const slot = (number: number, what: number): Element => [
			Uint8Array.of(...own, port >> 8, port & 0xff, number & 0xff, number >> 8, 6, 0, 0, 0),
			Uint8Array.of(
				...u32(what),
				backends.length,
				0,
				(i + 1) >> 8,
				(i + 1) & 0xff,
				0,
				0,
				0,
				0,
			),
		];
		found.slots.push(slot(0, 0));
		for (const [k, backend] of backends.entries()) {
			found.slots.push(slot(k + 1, ++id));
			found.backends.push([
				Uint8Array.of(...u32(id)),
				Uint8Array.of(
					...parseIpv4(backend.address),
					...[backend.port >> 8, backend.port & 0xff, 6, 0, 0, 0, 0, 0],
				),
			]);
		}

		found.reverseNat.push([
			Uint8Array.of((i + 1) >> 8, (i + 1) & 0xff),
			Uint8Array.of(...own, port >> 8, port & 0xff),
		]);
	}

	return found;
}

const u32 = (value: number): number[] => [
	value & 0xff,
	(value >> 8) & 0xff,
	(value >> 16) & 0xff,
	value >>> 24,
];
