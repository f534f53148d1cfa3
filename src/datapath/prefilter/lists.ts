/** The four lists of denied sources, and prefixes sorted into them as the keys of their maps. */

import {formatIpv4, formatIpv6, parsePrefix} from '../../base/address.js';
import {hostLittleEndian, viewOf} from '../../base/bytes.js';
import type {DatapathMapName} from '../layout/map-table.js';

/** One of the lists: whole addresses are found by hashing, prefixes by the longest match. */
export interface PrefilterList {
	readonly name:
		'prefilter_v4_fix' | 'prefilter_v4_dyn' | 'prefilter_v6_fix' | 'prefilter_v6_dyn';
	readonly type: 'hash' | 'lpm_trie';
	/** Of an address. */
	readonly bytes: 4 | 16;
	/** Of a key. */
	readonly keySize: number;
	/** As in `enum prefilter_state` of bpf/types/prefilter.h. */
	readonly bit: number;
	/** The map of its generations. */
	readonly generations: DatapathMapName &
		(
			| 'prefilterAddresses4'
			| 'prefilterAddresses6'
			| 'prefilterPrefixes4'
			| 'prefilterPrefixes6'
		);
	/** What a Cilium node has in its place. */
	readonly cilium: 'cidrAddresses4' | 'cidrAddresses6' | 'cidrPrefixes4' | 'cidrPrefixes6';
}

export const prefilterLists: readonly PrefilterList[] = [
	{
		...{name: 'prefilter_v4_fix', type: 'hash', bytes: 4, keySize: 8, bit: 2},
		...{generations: 'prefilterAddresses4', cilium: 'cidrAddresses4'},
	},
	{
		...{name: 'prefilter_v4_dyn', type: 'lpm_trie', bytes: 4, keySize: 8, bit: 4},
		...{generations: 'prefilterPrefixes4', cilium: 'cidrPrefixes4'},
	},
	{
		...{name: 'prefilter_v6_fix', type: 'hash', bytes: 16, keySize: 20, bit: 8},
		...{generations: 'prefilterAddresses6', cilium: 'cidrAddresses6'},
	},
	{
		...{name: 'prefilter_v6_dyn', type: 'lpm_trie', bytes: 16, keySize: 20, bit: 16},
		...{generations: 'prefilterPrefixes6', cilium: 'cidrPrefixes6'},
	},
];

/** Keys of one list, one behind the other. */
export class PrefilterKeys {
	readonly list: PrefilterList;
	count = 0;
	private buffer: Uint8Array;
	private view: DataView;

	constructor(list: PrefilterList) {
		this.list = list;
		this.buffer = new Uint8Array(1024 * list.keySize);
		this.view = viewOf(this.buffer);
	}

	/** The keys' bytes. */
	get bytes(): Uint8Array {
		return this.buffer.subarray(0, this.count * this.list.keySize);
	}

	/** Bits behind the length are cut. */
	add(address: Uint8Array, length: number): void {
		const {keySize} = this.list;
		this.makeRoom(1);
		const at = this.count * keySize;
		this.view.setUint32(at, length, hostLittleEndian);
		this.buffer.set(address, at + 4);
		for (let bit = length, i = at + 4 + (length >> 3); i < at + keySize; i++, bit = 0) {
			this.buffer[i] = (this.buffer[i] ?? 0) & (0xff00 >> (bit & 7));
		}

		this.count++;
	}

	/** Keys as a map has them. */
	addKeys(keys: Uint8Array, count: number): void {
		this.makeRoom(count);
		const {keySize} = this.list;
		this.buffer.set(keys.subarray(0, count * keySize), this.count * keySize);
		this.count += count;
	}

	private makeRoom(more: number): void {
		const needed = (this.count + more) * this.list.keySize;
		if (needed <= this.buffer.length) return;
		const larger = new Uint8Array(Math.max(needed, this.buffer.length * 2));
		larger.set(this.bytes);
		this.buffer = larger;
		this.view = viewOf(larger);
	}
}

/** Text as keys of its list. *Throws:* `ERR_ADDRESS`. */
export class PrefilterSorter {
	readonly keys = prefilterLists.map(list => new PrefilterKeys(list));

	add(prefix: string): void {
		const {address, length} = parsePrefix(prefix);
		const family = address.length === 4 ? 0 : 2;
		this.keys[family + Number(length < address.length * 8)]?.add(address, length);
	}
}

/** Prefixes between two turns of the event loop. */
const turn = 16_384;

/** Sorts prefixes, and lets others run meanwhile. *Throws:* `ERR_ADDRESS`. */
export async function sortPrefixes(prefixes: Iterable<string>): Promise<readonly PrefilterKeys[]> {
	const sorter = new PrefilterSorter();
	let done = 0;
	for (const prefix of prefixes) {
		sorter.add(prefix);
		if (++done % turn === 0) await new Promise(resolve => setImmediate(resolve));
	}

	return sorter.keys;
}

/** A key as text, `10.0.0.0/8`. */
export function prefixText({bytes, keySize}: PrefilterList, keys: DataView, index: number): string {
	const at = index * keySize;
	const length = keys.getUint32(at, hostLittleEndian);
	const address = bytes === 4 ? formatIpv4(keys, at + 4) : formatIpv6(keys, at + 4);
	return `${address}/${length}`;
}
