import {mapInfo} from '../../kernel/sys/info.js';
import {mapTypeName, type MapType} from '../../uapi/map-types.js';

/** A map as the kernel describes it; sizes in bytes. */
export interface MapInfo {
	readonly id: number;
	readonly type: MapType;
	readonly name: string;
	readonly keySize: number;
	/** Of one CPU's value for per-CPU maps. */
	readonly valueSize: number;
	readonly maxEntries: number;
	/** `BPF_F_*` bits of map creation. */
	readonly flags: number;
	readonly extra: bigint;
	/** Device the map is offloaded to, or 0. */
	readonly ifindex: number;
	/** BTF object with the types of key and value, or 0. */
	readonly btfId: number;
	readonly keyTypeId: number;
	readonly valueTypeId: number;
}

/** *Throws:* `ERR_SYSCALL`. *Kernel:* 4.13. */
export function readMapInfo(fd: number): MapInfo {
	const raw = mapInfo(fd);
	return {...raw, type: mapTypeName(raw.type)};
}

const unlistedTypes: ReadonlySet<MapType> = new Set<MapType>([
	'queue',
	'stack',
	'bloom_filter',
	'ringbuf',
	'user_ringbuf',
	'arena',
	'sk_storage',
	'inode_storage',
	'task_storage',
	'cgrp_storage',
	'struct_ops',
]);

/** The kernel can list the map's elements. */
export function isIterable(type: MapType): boolean {
	return !unlistedTypes.has(type);
}
