import {hostLittleEndian, viewOf} from '../../base/bytes.js';

/** Bytes of a key in front of its data: the length of the prefix in bits. */
const lengthSize = 4;

/**
 * What of an LPM trie was read already. The kernel gives a prefix behind all that are inside it, and
 * those by their bits; where the key it stands on is deleted, it starts over. So whatever does not
 * come after the last element was read before, or was added in front of it.
 */
export class TrieOrder {
	private readonly last: Uint8Array;
	private isFirst = true;

	constructor(keySize: number) {
		this.last = new Uint8Array(keySize);
	}

	/** Moves the elements that are new to the front; how many they are. */
	keepNew(keys: Uint8Array, values: Uint8Array, valueStride: number, count: number): number {
		const {last} = this;
		const keySize = last.length;
		const view = viewOf(keys);
		let kept = 0;
		let [before, beforeAt] = [last, 0];
		let beforeView = viewOf(last);
		for (let i = 0; i < count; i++) {
			const at = i * keySize;
			if (!this.isFirst && !isAfter(keys, view, at, before, beforeView, beforeAt)) continue;
			this.isFirst = false;
			[before, beforeView, beforeAt] = [keys, view, kept * keySize];
			if (kept !== i) {
				keys.copyWithin(kept * keySize, at, at + keySize);
				values.copyWithin(kept * valueStride, i * valueStride, (i + 1) * valueStride);
			}

			kept++;
		}

		if (kept > 0) last.set(keys.subarray((kept - 1) * keySize, kept * keySize));
		return kept;
	}
}

function isAfter(
	keys: Uint8Array,
	view: DataView,
	at: number,
	others: Uint8Array,
	otherView: DataView,
	otherAt: number,
): boolean {
	const length = view.getUint32(at, hostLittleEndian);
	const otherLength = otherView.getUint32(otherAt, hostLittleEndian);
	const shorter = Math.min(length, otherLength);
	for (let bit = 0, i = lengthSize; bit < shorter; bit += 8, i++) {
		const differing = (keys[at + i] ?? 0) ^ (others[otherAt + i] ?? 0);
		const same = bit + Math.clz32(differing) - 24;
		if (differing !== 0 && same < shorter) {
			return ((keys[at + i] ?? 0) & (0x80 >> (same & 7))) !== 0;
		}
	}

	return length < otherLength;
}
