import {createNames, type UnknownName} from './names.js';

/** Kinds of map: `BPF_MAP_TYPE_*`. */
export const mapTypes = {
	unspec: 0,
	hash: 1,
	array: 2,
	prog_array: 3,
	perf_event_array: 4,
	percpu_hash: 5,
	percpu_array: 6,
	stack_trace: 7,
	cgroup_array: 8,
	lru_hash: 9,
	lru_percpu_hash: 10,
	lpm_trie: 11,
	array_of_maps: 12,
	hash_of_maps: 13,
	devmap: 14,
	sockmap: 15,
	cpumap: 16,
	xskmap: 17,
	sockhash: 18,
	cgroup_storage: 19,
	reuseport_sockarray: 20,
	percpu_cgroup_storage: 21,
	queue: 22,
	stack: 23,
	sk_storage: 24,
	devmap_hash: 25,
	struct_ops: 26,
	ringbuf: 27,
	inode_storage: 28,
	task_storage: 29,
	bloom_filter: 30,
	user_ringbuf: 31,
	cgrp_storage: 32,
	arena: 33,
} as const;

/** A name of `mapTypes`, or `unknown(N)` for one that is newer than this table. */
export type MapType = keyof typeof mapTypes | UnknownName;

const names = createNames('map type', mapTypes);

/** The name of the kernel's number; `unknown(N)` where this table has none. */
export function mapTypeName(number: number): MapType {
	return names.name(number);
}

/**
 * The kernel's number of a name.
 *
 * *Throws:* `ERR_USAGE` for a name that is not in the table.
 */
export function mapTypeNumber(name: MapType): number {
	return names.number(name);
}

const since: Readonly<Record<Exclude<keyof typeof mapTypes, 'unspec'>, string>> = {
	hash: '3.19',
	array: '3.19',
	prog_array: '4.2',
	perf_event_array: '4.3',
	percpu_hash: '4.6',
	percpu_array: '4.6',
	stack_trace: '4.6',
	cgroup_array: '4.8',
	lru_hash: '4.10',
	lru_percpu_hash: '4.10',
	lpm_trie: '4.11',
	array_of_maps: '4.12',
	hash_of_maps: '4.12',
	devmap: '4.14',
	sockmap: '4.14',
	cpumap: '4.15',
	xskmap: '4.18',
	sockhash: '4.18',
	cgroup_storage: '4.19',
	reuseport_sockarray: '4.19',
	percpu_cgroup_storage: '4.20',
	queue: '4.20',
	stack: '4.20',
	sk_storage: '5.2',
	devmap_hash: '5.4',
	struct_ops: '5.6',
	ringbuf: '5.8',
	inode_storage: '5.10',
	task_storage: '5.11',
	bloom_filter: '5.16',
	user_ringbuf: '6.1',
	cgrp_storage: '6.2',
	arena: '6.9',
};

/** The first kernel with maps of this type: `5.8`. */
export function mapTypeSince(name: MapType): string | undefined {
	return Object.hasOwn(since, name) ? since[name as keyof typeof since] : undefined;
}
