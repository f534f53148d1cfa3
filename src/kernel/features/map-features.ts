/** Map types, and what maps can be made with. */

import {BtfBuilder} from '../../format/btf/builder.js';
import {ENOTSUPP} from '../../uapi/errno.js';
import {mapFlags} from '../../uapi/flags.js';
import {mapTypes, mapTypeSince, type MapType} from '../../uapi/map-types.js';
import {addon} from '../sys/addon.js';
import {Attr, tryBpf} from '../sys/attr.js';
import {btfLoad} from '../sys/object.js';
import {pageSize} from '../sys/map.js';
import {answerOf, yes, type Answer} from './answer.js';
import type {Feature} from './feature.js';
import {withMap, type TryMap} from './try.js';

type Shape = Omit<TryMap, 'type'>;

const perSocket: Shape = {maxEntries: 0, flags: mapFlags.no_prealloc};
const ring: Shape = {keySize: 0, valueSize: 0, maxEntries: pageSize()};
const perCgroup: Shape = {keySize: 16, maxEntries: 0};

/** What types want that differs from one entry of 4 bytes under a key of 4. */
const shapes: Partial<Record<MapType, Shape>> = {
	arena: {keySize: 0, valueSize: 0, flags: mapFlags.mmapable},
	bloom_filter: {keySize: 0},
	cgroup_storage: perCgroup,
	cgrp_storage: perSocket,
	inode_storage: perSocket,
	lpm_trie: {keySize: 8, flags: mapFlags.no_prealloc},
	percpu_cgroup_storage: perCgroup,
	queue: {keySize: 0},
	ringbuf: ring,
	sk_storage: perSocket,
	stack: {keySize: 0},
	stack_trace: {valueSize: 8},
	task_storage: perSocket,
	user_ringbuf: ring,
};

const types = Object.keys(mapTypes).filter(name => name !== 'unspec') as MapType[];

/** Map types, as `map:ringbuf`, and flags, as `map:flag/mmapable`. */
export function mapFeatures(): Feature[] {
	return [
		...types.map((type): Feature => ({
			name: `map:${type}`,
			group: 'map',
			since: mapTypeSince(type),
			probe: () => mapType(type),
		})),
		flag('no_prealloc', '4.6', {type: 'hash'}),
		flag('no_common_lru', '4.10', {type: 'lru_hash'}),
		flag('numa_node', '4.14', {type: 'array'}),
		flag('rdonly', '4.15', {type: 'array'}),
		flag('zero_seed', '5.0', {type: 'hash'}),
		flag('rdonly_prog', '5.2', {type: 'array'}),
		flag('mmapable', '5.5', {type: 'array'}),
		flag('preserve_elems', '5.10', {type: 'perf_event_array'}),
		flag('inner_map', '5.10', {type: 'array'}),
		flag('segv_on_fault', '6.9', {...shapes.arena, type: 'arena'}),
	];
}

function flag(name: keyof typeof mapFlags, since: string, map: TryMap): Feature {
	const flags = (map.flags ?? 0) | mapFlags[name];
	return {
		name: `map:flag/${name}`,
		group: 'map',
		since,
		probe: () => answerOf(withMap({...map, flags}, () => 0)),
	};
}

function mapType(type: MapType): Answer {
	if (type === 'struct_ops') return structOps();
	const shape = {...shapes[type], type};
	if (type === 'array_of_maps' || type === 'hash_of_maps') {
		return answerOf(
			withMap({type: 'array'}, innerMapFd => withMap({...shape, innerMapFd}, () => 0)),
		);
	}

	return answerOf(shapes[type] === perSocket ? withTypes(shape) : withMap(shape, () => 0));
}

/** Storage of sockets, tasks, … is made only with types of key and value. */
function withTypes(map: TryMap): number {
	const builder = new BtfBuilder();
	const id = builder.add({
		kind: 'int',
		name: 'int',
		size: 4,
		bits: 32,
		bitOffset: 0,
		signed: true,
		char: false,
		bool: false,
	});
	const btfFd = btfLoad(builder.build()).result;
	if (btfFd < 0) return btfFd;
	try {
		return withMap({...map, btfFd, keyTypeId: id, valueTypeId: id}, () => 0);
	} finally {
		addon.closeFd(btfFd);
	}
}

/**
 * Such a map stands for a table of the kernel's functions, by the type of that table. A kernel that
 * has such maps says of another type that it does not support it.
 */
function structOps(): Answer {
	const attr = new Attr(64).u32(0, mapTypes.struct_ops).u32(4, 4).u32(8, 4).u32(12, 1).u32(60, 1);
	const result = tryBpf('map_create', attr);
	return result === -ENOTSUPP ? yes : answerOf(result);
}
