/** What the kernel fixes for a type of map, whatever the object says or leaves out. */

import type {MapType} from '../uapi/map-types.js';
import type {MapSpec} from './types.js';

/** Types whose elements have no key, or neither key nor value, as far as the kernel is told. */
const keyless: ReadonlySet<MapType> = new Set<MapType>(['queue', 'stack', 'bloom_filter']);
const elementless: ReadonlySet<MapType> = new Set<MapType>(['ringbuf', 'user_ringbuf', 'arena']);

/** Types whose keys and values are 4 bytes: an index, and a descriptor. */
const descriptors: ReadonlySet<MapType> = new Set<MapType>([
	'perf_event_array',
	'prog_array',
	'cgroup_array',
	'array_of_maps',
]);

/** Types whose values are descriptors, the keys being the object's choice. */
const descriptorValues: ReadonlySet<MapType> = new Set<MapType>(['hash_of_maps']);

/**
 * `map` with the sizes that its type leaves no choice about.
 *
 * What may depend on the machine (entries of a perf event array, size of a ring buffer) is left
 * for when the map is made.
 */
export function normaliseMap(map: MapSpec, malformed: (detail: string) => Error): MapSpec {
	const {type} = map;
	if (elementless.has(type)) {
		// The kernel takes sizes of 0 only; types of the samples stay for whoever reads them.
		return {...map, keySize: 0, valueSize: 0};
	}

	if (keyless.has(type)) {
		if (map.keySize !== 0) throw malformed(`maps of type ${type} have no key`);
		return map;
	}

	if (descriptors.has(type)) {
		return {...map, keySize: map.keySize || 4, valueSize: map.valueSize || 4};
	}

	return descriptorValues.has(type) ? {...map, valueSize: map.valueSize || 4} : map;
}
