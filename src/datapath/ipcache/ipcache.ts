/** Identities of addresses, by the longest prefix that covers them. */

import {isDeepStrictEqual} from 'node:util';

import {formatPrefix, networkOf, parsePrefix} from '../../base/address.js';
import type {IpcacheKey, RemoteEndpointInfo} from '../layout/endpoint.js';
import type {DatapathMaps} from '../maps.js';
import {raiseIpcacheRevision} from '../revisions.js';
import {TrieWrites} from './trie-writes.js';

/** A prefix and whose addresses it covers. */
export interface IpcacheEntry {
	/** `10.1.0.0/16`; a bare address is one of full length. */
	readonly prefix: string;
	readonly identity: number;
	/** The node behind which they are; null for none. */
	readonly tunnelEndpoint?: string | null;
	/** Index of the encryption key; 0 for none. */
	readonly encryptKey?: number;
}

/** The ipcache. Changes make the programs judge all flows again. */
export class Ipcache {
	private readonly maps: DatapathMaps;

	constructor(maps: DatapathMaps) {
		this.maps = maps;
	}

	/** All entries, in no order. */
	*[Symbol.iterator](): Generator<IpcacheEntry> {
		for (const [key, value] of this.maps.require('ipcache')) yield entryOf(key, value);
	}

	/**
	 * The entry of the longest prefix that covers an address, or a whole prefix. Of prefixes inside
	 * each other that say the same, the shortest is given: it is the one that counts.
	 */
	match(prefix: string): IpcacheEntry | undefined {
		const {address, length} = parsePrefix(prefix);
		const map = this.maps.require('ipcache');
		const at = (bits: number) =>
			map.get({prefix: formatPrefix(networkOf({address, length: bits}))});
		const value = at(length);
		if (value === undefined) return undefined;
		// The kernel answers a prefix with the longest one that is not longer: until the answer
		// changes, it is the same entry.
		let bits = length;
		while (bits > 0 && isDeepStrictEqual(at(bits - 1), value)) bits--;
		return entryOf({prefix: formatPrefix(networkOf({address, length: bits}))}, value);
	}

	/**
	 * Writes entries, over those of the same prefixes: all of them, or none where one is refused.
	 *
	 * *Throws:* `ERR_MAP_FULL`, `ERR_MAP`, `ERR_CODEC`.
	 */
	upsert(entries: IpcacheEntry | Iterable<IpcacheEntry>): void {
		const list = Symbol.iterator in entries ? [...entries] : [entries];
		try {
			writeIpcache(this.maps, list);
		} finally {
			raiseIpcacheRevision(this.maps);
		}
	}

	/** Removes entries; how many were there. */
	delete(prefixes: string | Iterable<string>): number {
		const map = this.maps.require('ipcache');
		const list = typeof prefixes === 'string' ? [prefixes] : [...prefixes];
		try {
			let removed = 0;
			for (const prefix of list) removed += Number(map.delete({prefix}));
			return removed;
		} finally {
			raiseIpcacheRevision(this.maps);
		}
	}
}

/** Writes entries likewise; the caller raises the revision, however it ends. */
export function writeIpcache(maps: DatapathMaps, list: readonly IpcacheEntry[]): void {
	const writes = new TrieWrites(maps.require('ipcache'), list.length);
	for (const entry of list) writes.add({prefix: entry.prefix}, valueOf(entry));
	writes.flush();
}

function entryOf(key: IpcacheKey, value: RemoteEndpointInfo): IpcacheEntry {
	return {
		prefix: key.prefix,
		identity: value.sec_identity,
		tunnelEndpoint: value.tunnel_endpoint ?? null,
		encryptKey: value.key ?? 0,
	};
}

function valueOf({
	identity,
	tunnelEndpoint = null,
	encryptKey = 0,
}: IpcacheEntry): RemoteEndpointInfo {
	return {sec_identity: identity, tunnel_endpoint: tunnelEndpoint, key: encryptKey};
}
