/** The map of one list: made, filled off the event loop, put among its generations, read. */

import {constants} from 'node:os';

import {Fd} from '../../kernel/sys/fd.js';
import {mapBatchAsync, mapDeleteAsync, mapUpdate, mapUpdateAsync} from '../../kernel/sys/map.js';
import {objectFdById} from '../../kernel/sys/object.js';
import {createMap} from '../../object/map/create-map.js';
import {elementError} from '../../object/map/map-error.js';
import {readMapInfo} from '../../object/map/map-info.js';
import {BpfMap} from '../../object/map/map.js';
import {ENOTSUPP} from '../../uapi/errno.js';
import {mapFlags} from '../../uapi/flags.js';
import type {MapReference} from '../layout/map-table.js';
import type {PrefilterKeys, PrefilterList} from './lists.js';

/** Keys and values as bytes. */
export type ListMap = BpfMap<Uint8Array, Uint8Array>;

/** The map of a list's generations. */
export type Generations = BpfMap<number, MapReference>;

const {EINVAL, ENOENT, EOPNOTSUPP} = constants.errno;

/** As in bpf/maps/prefilter.h. Kernels before 5.10 want it the same for all. */
const usualEntries = 1024;
/** Room for what is added one by one later. */
const roomToGrow = 1.25;
/** Keys of a batch: the kernel copies them all before it writes the first. */
const batchSize = 32_768;

/** Makes a list of these keys and room for some more; the caller closes it. *Throws:* `ERR_MAP`. */
export async function createListMap(keys: PrefilterKeys): Promise<ListMap> {
	const {list, count} = keys;
	const map = createMap<Uint8Array, Uint8Array>(
		{
			type: list.type,
			name: list.name.slice(0, 15),
			keySize: list.keySize,
			valueSize: 1,
			maxEntries: Math.max(usualEntries, Math.ceil(count * roomToGrow)),
			flags: mapFlags.no_prealloc | mapFlags.rdonly_prog,
		},
		{raw: true},
	);
	try {
		await writeKeys(map, keys);
		return map;
	} catch (error) {
		map.close();
		throw error;
	}
}

/** Adds keys, those that are there already too. *Throws:* `ERR_MAP`. */
export async function writeKeys(map: ListMap, {list, bytes, count}: PrefilterKeys): Promise<void> {
	const values = new Uint8Array(Math.min(batchSize, count));
	let hasBatches = true;
	for (let done = 0; done < count;) {
		const wanted = Math.min(batchSize, count - done);
		const part = bytes.subarray(done * list.keySize, (done + wanted) * list.keySize);
		if (hasBatches) {
			const result = await mapBatchAsync('map_update_batch', {
				...{fd: map.fd, inCursor: null, outCursor: null, elementFlags: 0},
				...{keys: part, values: values.subarray(0, wanted), count: wanted},
			});
			const {errno} = result;
			done += result.count;
			if (errno === 0) continue;
			hasBatches = errno !== EINVAL && errno !== EOPNOTSUPP && errno !== ENOTSUPP;
			if (hasBatches) throw elementError('write', map.name, errno);
			continue;
		}

		// Kernels without batches for this type.
		for (let i = 0; i < wanted; i++) {
			const key = part.subarray(i * list.keySize, (i + 1) * list.keySize);
			const result = mapUpdate(map.fd, key, values.subarray(0, 1), 0);
			if (result < 0) throw elementError('write', map.name, -result);
		}

		done += wanted;
		await new Promise(resolve => setImmediate(resolve));
	}
}

/** The list of a generation, which the caller closes; undefined where it has none. */
export function openListMap(generations: Generations, generation: number): ListMap | undefined {
	const id = generations.get(generation);
	if (typeof id !== 'number') return undefined;
	const fd = new Fd(objectFdById('map', id), `map ${id}`);
	try {
		return new BpfMap<Uint8Array, Uint8Array>(fd, readMapInfo(fd.number), undefined, {
			raw: true,
		});
	} catch (error) {
		fd.close();
		throw error;
	}
}

/**
 * Gives a generation its list, or none, off the event loop: the kernel waits for programs that look
 * into what was there. *Throws:* `ERR_MAP`.
 */
export async function putListMap(
	generations: Generations,
	generation: number,
	map: ListMap | undefined,
): Promise<void> {
	const key = bytesOf(generation);
	const result =
		map === undefined
			? await mapDeleteAsync(generations.fd, key)
			: await mapUpdateAsync(generations.fd, key, bytesOf(map.fd));
	if (result >= 0 || (map === undefined && result === -ENOENT)) return;
	throw elementError(map === undefined ? 'delete from' : 'write', generations.name, -result);
}

function bytesOf(word: number): Uint8Array {
	return new Uint8Array(Uint32Array.of(word).buffer);
}

/** Keys of a list, batch by batch. */
export function* keysOf(
	map: ListMap,
	list: PrefilterList,
): Generator<readonly [Uint8Array, number]> {
	for (const {keys, count} of map.batches()) {
		yield [keys.subarray(0, count * list.keySize), count];
	}
}
