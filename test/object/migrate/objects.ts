/** Objects in two versions, and loading them as an upgrade does. */

import {readdirSync} from 'node:fs';
import type {ExecutionContext} from 'ava';
import type {Collection} from '../../../src/object/collection/collection.js';
import {
	loadCollection,
	type LoadCollectionOptions,
} from '../../../src/object/collection/load-collection.js';
import {readObject} from '../../../src/spec/read.js';
import type {CollectionSpec} from '../../../src/spec/types.js';
import {compile} from '../../helpers/compile.js';

export interface MapSource {
	readonly type?: string;
	readonly key?: string;
	/** C members of `struct value`. */
	readonly value: string;
	readonly entries?: number;
	readonly key_t?: string;
	readonly more?: string;
}

/** An object with one map, `map`, that is pinned by name, and a program that looks into it. */
export function sourceOf(source: MapSource): string {
	const {type = 'HASH', key = '__u32 id;', value, entries = 16, key_t, more = ''} = source;
	return `
			#include <linux/bpf.h>
			#include <bpf/bpf_helpers.h>
			#include <stdbool.h>
			${more}
			struct key { ${key} };
			struct value { ${value} };
			struct {
				__uint(type, BPF_MAP_TYPE_${type});
				__uint(max_entries, ${entries});
				__uint(pinning, LIBBPF_PIN_BY_NAME);
				${type === 'LPM_TRIE' ? '__uint(map_flags, BPF_F_NO_PREALLOC);' : ''}
				__type(key, ${key_t ?? 'struct key'});
				__type(value, struct value);
			} map SEC(".maps");
			SEC("xdp") int look(struct xdp_md *ctx)
			{
				${key_t ?? 'struct key'} key;
				__builtin_memset(&key, 0, sizeof(key));
				return bpf_map_lookup_elem(&map, &key) ? XDP_DROP : XDP_PASS;
			}
			char _license[] SEC("license") = "GPL";
		`;
}

export async function objectWith(source: MapSource): Promise<CollectionSpec> {
	return readObject(await compile(sourceOf(source)));
}

/** Loads; it is closed when the test ends. */
export function load(
	t: ExecutionContext,
	spec: CollectionSpec,
	options: LoadCollectionOptions,
): Collection {
	const collection = loadCollection(spec, options);
	t.teardown(() => {
		collection.close();
	});
	return collection;
}

/** Names of all pins in a bpf filesystem, in order. */
export function pinsIn(folder: string): string[] {
	return readdirSync(folder)
		.filter(name => !name.endsWith('.debug'))
		.sort();
}
