/** Writes to a trie of prefixes that are done as a whole. */

import {hostLittleEndian, viewOf} from '../../base/bytes.js';
import {MapError} from '../../object/map/map-error.js';
import type {BpfMap} from '../../object/map/map.js';
import {updateFlags} from '../../uapi/flags.js';

/** An element, and what stood under its key before. */
interface Written {
	readonly key: Uint8Array;
	readonly before: Uint8Array | undefined;
}

/** An element whose key finds `found`: its own, or that of a shorter prefix that says the same. */
interface Doubtful {
	readonly key: Uint8Array;
	readonly value: Uint8Array;
	readonly found: Uint8Array;
}

/** Elements of one trie, collected and then written: all of them, or none where one is refused. */
export class TrieWrites<K, V> {
	private readonly map: BpfMap<K, V>;
	private readonly keys: Uint8Array;
	private readonly values: Uint8Array;
	private readonly before: (Uint8Array | undefined)[] = [];
	private readonly doubtful: Doubtful[] = [];
	private readonly key: Uint8Array;
	private readonly keyView: DataView;
	private readonly value: Uint8Array;
	private readonly valueView: DataView;
	private readonly found: Uint8Array;
	private readonly around: Uint8Array;

	/** Of at most so many elements. */
	constructor(map: BpfMap<K, V>, most: number) {
		const {keySize, valueSize} = map.raw;
		this.map = map;
		this.keys = new Uint8Array(most * keySize);
		this.values = new Uint8Array(most * valueSize);
		this.key = new Uint8Array(keySize);
		this.keyView = viewOf(this.key);
		this.value = new Uint8Array(valueSize);
		this.valueView = viewOf(this.value);
		this.found = new Uint8Array(valueSize);
		this.around = new Uint8Array(valueSize);
	}

	/** Looks up what is there and writes nothing yet. *Throws:* `ERR_CODEC`, `ERR_MAP`. */
	add(key: K, value: V): void {
		const {map} = this;
		map.keyCodec.encode(key, this.keyView, 0);
		map.valueCodec.encode(value, this.valueView, 0);
		// The kernel finds the longest prefix that is not longer.
		const found = map.raw.get(this.key, this.found);
		if (found !== undefined && this.isSameAround(found)) {
			const [ownKey, ownValue] = [this.key.slice(), this.value.slice()];
			this.doubtful.push({key: ownKey, value: ownValue, found: found.slice()});
			return;
		}

		this.keys.set(this.key, this.before.length * this.key.length);
		this.values.set(this.value, this.before.length * this.value.length);
		this.before.push(found?.slice());
	}

	/** *Throws:* `ERR_MAP_FULL`, `ERR_MAP`: the map is as it was then. */
	flush(): void {
		const {map, keys, values, before} = this;
		const keySize = this.key.length;
		const written: Written[] = [];
		try {
			map.raw.setMany(
				keys.subarray(0, before.length * keySize),
				values.subarray(0, before.length * this.value.length),
			);
			for (const {key, value, found} of this.doubtful) {
				const isNew = this.tryAdd(key, value);
				written.push({key, before: isNew ? undefined : found});
				if (!isNew) map.raw.set(key, value);
			}
		} catch (error) {
			// Backwards there is room for each, as there was on the way.
			for (const each of written.reverse()) this.undo(each);
			for (let i = before.length - 1; i >= 0; i--) {
				this.undo({key: keys.subarray(i * keySize, (i + 1) * keySize), before: before[i]});
			}

			throw error;
		}
	}

	/** Whether a prefix that is one bit shorter finds the same: then it may be what both find. */
	private isSameAround(found: Uint8Array): boolean {
		const {map, key, keyView} = this;
		const length = keyView.getUint32(0, hostLittleEndian);
		if (length === 0) return false;
		keyView.setUint32(0, length - 1, hostLittleEndian);
		const around = map.raw.get(key, this.around);
		keyView.setUint32(0, length, hostLittleEndian);
		return around !== undefined && Buffer.compare(around, found) === 0;
	}

	/**
	 * False where there is an element of just this key. Before kernel 6.13 tries add what is there,
	 * too; undoing that takes away an element that changes no answer.
	 */
	private tryAdd(key: Uint8Array, value: Uint8Array): boolean {
		try {
			this.map.raw.set(key, value, updateFlags.noexist);
			return true;
		} catch (error) {
			if (error instanceof MapError && error.code === 'ERR_KEY_EXISTS') return false;
			throw error;
		}
	}

	private undo({key, before}: Written): void {
		if (before === undefined) this.map.raw.delete(key);
		else this.map.raw.set(key, before);
	}
}
