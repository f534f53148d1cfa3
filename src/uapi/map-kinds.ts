/** What the type of a map says of its keys and values. */

import type {MapType} from './map-types.js';

const perCpuTypes: ReadonlySet<MapType> = new Set<MapType>([
	'percpu_hash',
	'percpu_array',
	'lru_percpu_hash',
	'percpu_cgroup_storage',
]);

/** One value per possible CPU. */
export function isPerCpu(type: MapType): boolean {
	return perCpuTypes.has(type);
}

const fdTypes: ReadonlySet<MapType> = new Set<MapType>([
	'prog_array',
	'perf_event_array',
	'cgroup_array',
	'array_of_maps',
	'hash_of_maps',
]);

/** Values are written as descriptors and read back as ids. */
export function holdsFds(type: MapType): boolean {
	return fdTypes.has(type);
}

const keylessTypes: ReadonlySet<MapType> = new Set<MapType>(['queue', 'stack', 'bloom_filter']);

/** Elements have no key: push, peek and pop instead. */
export function isKeyless(type: MapType): boolean {
	return keylessTypes.has(type);
}

const arrayTypes: ReadonlySet<MapType> = new Set<MapType>([
	'array',
	'percpu_array',
	'prog_array',
	'perf_event_array',
	'cgroup_array',
	'array_of_maps',
	'devmap',
	'cpumap',
	'xskmap',
	'sockmap',
	'reuseport_sockarray',
]);

/** Keys are indices: a u32 in the machine's byte order, whatever type the object declares. */
export function isIndexed(type: MapType): boolean {
	return arrayTypes.has(type);
}
