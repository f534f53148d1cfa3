/** The datapath's maps, opened from where they are pinned. */

import {readdirSync} from 'node:fs';
import {join} from 'node:path';

import {UsageError} from '../base/errors.js';
import {FolderLock} from '../kernel/sys/lock.js';
import type {BpfMap} from '../object/map/map.js';
import {DatapathError} from './datapath-error.js';
import {
	mapTable,
	policyTable,
	type DatapathMapName,
	type DatapathRecords,
	type PinnedAs,
} from './layout/map-table.js';
import type {PolicyEntry, PolicyKey} from './layout/policy.js';
import {layoutVersions, type LayoutVersion} from './layout/versions.js';
import {openRecords, readLayouts, type DatapathMap} from './open-records.js';
import {countVersions, type VersionCount} from './version-count.js';

/** How to open a datapath's maps. */
export interface DatapathMapsOptions {
	/** Where they are pinned: `/sys/fs/bpf/skep` unless given, `/sys/fs/bpf/tc/globals` for Cilium. */
	readonly root?: string;
	/** What their names begin with: nothing unless given, `cilium_` for Cilium. */
	readonly prefix?: string;
	/** True for maps that may be written. */
	readonly write?: boolean;
	/** Decides where sizes and types fit several layouts. */
	readonly version?: LayoutVersion;
}

/** The datapath's maps by name, each opened when it is first asked for; undefined where not pinned. */
export type DatapathMapsByName = {
	readonly [N in DatapathMapName]:
		DatapathMap<DatapathRecords[N][0], DatapathRecords[N][1]> | undefined;
};

/**
 * The datapath's maps under one root, which `close()` closes together.
 *
 * What is not written yet when it is asked for is undefined, and is looked for again the next time.
 */
export interface DatapathMaps extends DatapathMapsByName, Disposable {
	readonly root: string;
	readonly prefix: string;
	/** May they be written? */
	readonly write: boolean;
	/** Of the root's folder, under which services are changed. */
	readonly servicesLock: FolderLock;
	/** One of the maps, with a layout that is known. *Throws:* `ERR_DATAPATH`. */
	require<N extends DatapathMapName>(
		name: N,
	): BpfMap<DatapathRecords[N][0], DatapathRecords[N][1]>;
	/**
	 * The policy of an endpoint, opened anew each time since policies are replaced as a whole: the
	 * caller closes it.
	 */
	policy(endpointId: number): DatapathMap<PolicyKey, PolicyEntry> | undefined;
	/** Ids of endpoints that have a policy, ascending. */
	policyIds(): number[];
	/** Closes every map that was opened, but for policies. */
	close(): void;
}

const defaultRoot = '/sys/fs/bpf/skep';
const options = new Set(['root', 'prefix', 'write', 'version']);

/**
 * Opens the maps of a datapath, skep's own or those of a Cilium node from 1.15 to 1.19, for reading
 * unless `write` is set.
 *
 * Each map tells which versions its layout is of. Where it is not known, keys and values are bytes.
 * *Throws:* `ERR_USAGE`, `ERR_DATAPATH` when the root is not there; asking for a map `ERR_PIN`.
 */
export function openDatapathMaps(given: DatapathMapsOptions = {}): DatapathMaps {
	const unknown = Object.keys(given).find(key => !options.has(key));
	const {version} = given;
	if (unknown !== undefined) {
		throw new UsageError(`open datapath maps: there is no option "${unknown}"`);
	}

	if (version !== undefined && !layoutVersions.includes(version)) {
		const known = layoutVersions.join(', ');
		throw new UsageError(`open datapath maps: version is one of ${known}, not "${version}"`);
	}

	const maps = new MapRoot(given);
	maps.pins();
	// The getters are made from the table.
	return maps as unknown as DatapathMaps;
}

type AnyMap = DatapathMap<unknown, unknown>;

class MapRoot {
	readonly root: string;
	readonly prefix: string;
	readonly write: boolean;
	readonly servicesLock: FolderLock;
	private readonly version: LayoutVersion | undefined;
	private readonly opened = new Map<string, AnyMap>();
	private counted: VersionCount | undefined;
	private closed = false;

	constructor({root = defaultRoot, prefix = '', write = false, version}: DatapathMapsOptions) {
		this.root = root;
		this.prefix = prefix;
		this.write = write;
		this.servicesLock = new FolderLock(root);
		this.version = version;
		for (const name of Object.keys(mapTable) as DatapathMapName[]) {
			Object.defineProperty(this, name, {get: () => this.named(name), enumerable: true});
		}
	}

	require(name: DatapathMapName): BpfMap {
		const found = this.named(name);
		if (found === undefined) {
			const [pin] = mapTable[name];
			const path = join(this.root, this.prefix + (pin?.pin ?? ''));
			throw new DatapathError('open datapath map', path, 'nothing is pinned there');
		}

		if (found.known) return found.map;
		throw new DatapathError('open datapath map', found.path, found.layout.warning);
	}

	policy(endpointId: number): AnyMap | undefined {
		if (!Number.isInteger(endpointId) || endpointId < 0 || endpointId > 0xffff) {
			throw new UsageError(`open policy: there is no endpoint ${endpointId}`);
		}

		return this.open(policyTable, String(endpointId).padStart(5, '0'));
	}

	policyIds(): number[] {
		const ids = new Set<number>();
		for (const name of this.pins()) {
			for (const {pin} of policyTable) {
				const start = this.prefix + pin;
				const digits = name.startsWith(start) ? name.slice(start.length) : '';
				if (/^\d{5}$/.test(digits)) ids.add(Number(digits));
			}
		}

		return [...ids].sort((a, b) => a - b);
	}

	close(): void {
		this.closed = true;
		for (const {map} of this.opened.values()) map.close();
		this.opened.clear();
		this.servicesLock.close();
	}

	[Symbol.dispose](): void {
		this.close();
	}

	/** Names of what is pinned at the root. *Throws:* `ERR_DATAPATH`. */
	pins(): string[] {
		try {
			return readdirSync(this.root);
		} catch (cause) {
			const isMissing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
			const detail = isMissing ? 'there is no such directory' : (cause as Error).message;
			throw new DatapathError('open datapath maps under', this.root, detail, {cause});
		}
	}

	private named(name: DatapathMapName): AnyMap | undefined {
		const known = this.opened.get(name);
		if (known !== undefined) return known;
		const found = this.open(mapTable[name], '');
		if (found !== undefined) this.opened.set(name, found);
		return found;
	}

	private open(table: readonly PinnedAs[], suffix: string): AnyMap | undefined {
		if (this.closed) throw new UsageError(`use datapath maps "${this.root}": they are closed`);
		for (const pinned of table) {
			const name = this.prefix + pinned.pin + suffix;
			const found = openRecords({
				name,
				path: join(this.root, name),
				pinned,
				write: this.write,
				version: this.version,
				versions: () => this.count(),
			});
			if (found !== undefined) return found;
		}

		return undefined;
	}

	/** What all maps together say of the version. */
	private count(): VersionCount {
		this.counted ??= countVersions(
			[...Object.values(mapTable).flat(), ...this.aPolicy()].flatMap(pinned => {
				const path = join(this.root, this.prefix + pinned.pin);
				const versions = readLayouts(path, pinned);
				return versions === undefined ? [] : [versions];
			}),
		);
		return this.counted;
	}

	/** The policy of any endpoint. */
	private aPolicy(): PinnedAs[] {
		const [id] = this.policyIds();
		if (id === undefined) return [];
		const suffix = String(id).padStart(5, '0');
		return policyTable.map(pinned => ({...pinned, pin: pinned.pin + suffix}));
	}
}
