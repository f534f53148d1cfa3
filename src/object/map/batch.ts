import {constants} from 'node:os';

import {viewOf} from '../../base/bytes.js';
import {mapBatch, mapDelete, mapUpdate} from '../../kernel/sys/map.js';
import {ENOTSUPP} from '../../uapi/errno.js';
import type {MapCodecs} from './map-codecs.js';
import {elementError, MapError} from './map-error.js';
import type {ScanTarget} from './scan.js';

const {EINVAL, ENOENT, EOPNOTSUPP} = constants.errno;

const batchSize = 4096;
/** Fewer take less one by one: to prepare a batch costs more than it spares. */
const fewest = 3;

/** Writes entries batch by batch; the number written. *Throws:* `ERR_MAP`, …. */
export function updateMany<K, V>(
	target: ScanTarget,
	codecs: MapCodecs,
	entries: Iterable<readonly [K, V]>,
	flags: number,
): number {
	const batch = new WriteBatch(target, {isUpdate: true, flags});
	let written = 0;
	for (const [key, value] of entries) {
		codecs.key.encode(key, batch.keyView, batch.count * target.keySize);
		codecs.value.encode(value, batch.valueView, batch.count * target.valueStride);
		batch.count++;
		if (batch.count === batchSize) written += batch.flush();
	}

	return written + batch.flush();
}

/** Removes keys batch by batch; the number that were there. *Throws:* `ERR_MAP`. */
export function deleteMany<K>(target: ScanTarget, codecs: MapCodecs, keys: Iterable<K>): number {
	const batch = new WriteBatch(target, {isUpdate: false});
	let removed = 0;
	for (const key of keys) {
		codecs.key.encode(key, batch.keyView, batch.count * target.keySize);
		batch.count++;
		if (batch.count === batchSize) removed += batch.flush();
	}

	return removed + batch.flush();
}

/** Writes elements whose keys and values stand one behind the other. *Throws:* `ERR_MAP`, …. */
export function updateBytes(target: ScanTarget, keys: Uint8Array, values: Uint8Array): void {
	const batch = new WriteBatch(target, {isUpdate: true, keys, values});
	batch.count = keys.length / target.keySize;
	batch.flush();
}

interface WriteBatchOptions {
	/** False for removals. */
	readonly isUpdate: boolean;
	readonly flags?: number;
	/** Room for 4096 unless given. */
	readonly keys?: Uint8Array;
	readonly values?: Uint8Array;
}

/** Elements that wait to be written or removed together. */
class WriteBatch {
	count = 0;
	readonly keyView: DataView;
	readonly valueView: DataView;
	private readonly keys: Uint8Array;
	private readonly values: Uint8Array;
	private readonly target: ScanTarget;
	private readonly update: boolean;
	private readonly flags: number;
	/** The kernel's batches know no flags but `BPF_F_LOCK`. */
	private single: boolean;

	constructor(target: ScanTarget, {isUpdate, flags = 0, keys, values}: WriteBatchOptions) {
		if (target.keySize === 0) throw new MapError('write', target.name, 'it has no keys');
		this.target = target;
		this.update = isUpdate;
		this.flags = flags;
		this.single = (flags & ~4) !== 0;
		this.keys = keys ?? new Uint8Array(batchSize * target.keySize);
		this.values = values ?? new Uint8Array(isUpdate ? batchSize * target.valueStride : 0);
		this.keyView = viewOf(this.keys);
		this.valueView = viewOf(this.values);
	}

	/** Hands over what waits; the number done. A missing key of a removal is passed over. */
	flush(): number {
		const count = this.count;
		this.count = 0;
		let done = 0;
		for (let first = 0; first < count;) {
			const isFew = count - first < fewest;
			const result = this.single || isFew ? this.one(first) : this.many(first, count);
			done += result.count;
			first += result.count;
			if (result.errno === 0) continue;
			if (result.errno === ENOENT && !this.update) {
				first++;
			} else if (!this.single && result.count === 0 && isUnsupported(result.errno)) {
				this.single = true;
			} else {
				throw elementError(
					this.update ? 'write' : 'delete from',
					this.target.name,
					result.errno,
				);
			}
		}

		return done;
	}

	private many(first: number, count: number): {count: number; errno: number} {
		const {fd, keySize, valueStride} = this.target;
		return mapBatch(this.update ? 'map_update_batch' : 'map_delete_batch', {
			fd,
			inCursor: null,
			outCursor: null,
			keys: this.keys.subarray(first * keySize),
			values: this.update ? this.values.subarray(first * valueStride) : null,
			count: count - first,
			elementFlags: this.flags,
		});
	}

	private one(index: number): {count: number; errno: number} {
		const {fd, keySize, valueStride} = this.target;
		const key = this.keys.subarray(index * keySize, (index + 1) * keySize);
		const at = index * valueStride;
		const result = this.update
			? mapUpdate(fd, key, this.values.subarray(at, at + valueStride), this.flags)
			: mapDelete(fd, key);
		return result < 0 ? {count: 0, errno: -result} : {count: 1, errno: 0};
	}
}

function isUnsupported(errno: number): boolean {
	return errno === EINVAL || errno === ENOTSUPP || errno === EOPNOTSUPP;
}
