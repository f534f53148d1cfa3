import {join} from 'node:path';
import type {ExecutionContext} from 'ava';

import {openDatapathMaps, type DatapathMaps} from '../../src/datapath/index.js';
import {sizeOf, typeIn} from '../../src/datapath/layout/layouts.js';
import {mapTable, type DatapathMapName} from '../../src/datapath/layout/map-table.js';
import type {LayoutVersion} from '../../src/datapath/layout/versions.js';
import {createMap} from '../../src/object/map/create-map.js';
import type {MapType} from '../../src/uapi/map-types.js';
import {makeBpffs} from './bpffs.js';

const noPrealloc = 1;

const kinds: Partial<Record<DatapathMapName, MapType>> = {
	services4: 'hash',
	services6: 'hash',
	backends4: 'hash',
	backends6: 'hash',
	reverseNat4: 'hash',
	reverseNat6: 'hash',
	affinity4: 'lru_hash',
	affinity6: 'lru_hash',
	affinityMatch: 'hash',
	sourceRange4: 'lpm_trie',
	sourceRange6: 'lpm_trie',
	maglev4: 'hash_of_maps',
	maglev6: 'hash_of_maps',
	runtimeConfig: 'array',
	// Whether there is a datapath is seen by its endpoints.
	endpoints: 'hash',
};

/** How the maps are made. */
export interface ServiceMapOptions {
	/** Elements of each. */
	readonly entries?: number;
	/** Elements of some, by the names of their pins. */
	readonly sizes?: Readonly<Record<string, number>>;
	/** Places of a Maglev table. */
	readonly tableSize?: number;
	readonly prefix?: string;
	readonly version?: LayoutVersion;
}

/** Pins empty maps of services under a root of the test's own. */
export async function pinServiceMaps(
	t: ExecutionContext,
	options: ServiceMapOptions = {},
): Promise<string> {
	const {entries = 65_536, sizes = {}, tableSize = 251} = options;
	const {prefix = '', version = 'skep'} = options;
	const root = await makeBpffs(t);
	for (const [name, type] of Object.entries(kinds) as [DatapathMapName, MapType][]) {
		const [pinned] = mapTable[name];
		const key = typeIn(version, pinned?.key ?? '');
		const value = typeIn(version, pinned?.value ?? '');
		if (pinned === undefined || key === undefined || value === undefined) {
			throw new TypeError(`the tables have no map ${name}`);
		}

		const isMaps = type === 'hash_of_maps';
		using map = createMap({
			...{
				type,
				name: pinned.pin.slice(0, 15),
				keySize: sizeOf(key),
				valueSize: sizeOf(value),
			},
			maxEntries: type === 'array' ? 256 : (sizes[pinned.pin] ?? entries),
			flags: type === 'array' || type === 'lru_hash' ? 0 : noPrealloc,
			...(isMaps && {
				inner: {type: 'array', keySize: 4, valueSize: tableSize * 4, maxEntries: 1},
			}),
		});
		map.pin(join(root, prefix + pinned.pin));
	}

	return root;
}

/** The same, opened for writing. */
export async function openServiceMaps(
	t: ExecutionContext,
	options: ServiceMapOptions = {},
): Promise<DatapathMaps> {
	const root = await pinServiceMaps(t, options);
	const {prefix = '', version = 'skep'} = options;
	const maps = openDatapathMaps({root, write: true, prefix, version});
	t.teardown(() => {
		maps.close();
	});
	return maps;
}
