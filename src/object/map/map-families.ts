/** Which types of map can take over each other's elements. */

import type {MapType} from '../../uapi/map-types.js';

const families: readonly ReadonlySet<MapType>[] = [
	new Set<MapType>(['hash', 'lru_hash']),
	new Set<MapType>(['percpu_hash', 'lru_percpu_hash']),
	new Set<MapType>(['array']),
	new Set<MapType>(['percpu_array']),
	new Set<MapType>(['lpm_trie']),
];

/** True where elements of one map can be written to the other. */
export function canMigrate(from: MapType, to: MapType): boolean {
	return families.some(family => family.has(from) && family.has(to));
}

/** Maps that hold nothing which a successor would need. */
export function hasNoElements(type: MapType): boolean {
	return type === 'ringbuf' || type === 'user_ringbuf' || type === 'perf_event_array';
}

/** Evicts elements when it is full. */
export function evicts(type: MapType): boolean {
	return type === 'lru_hash' || type === 'lru_percpu_hash';
}
