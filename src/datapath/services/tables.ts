/** Maglev's tables in the maps: made, put in their places, and taken out. */

import {constants} from 'node:os';

import {Fd} from '../../kernel/sys/fd.js';
import {buildMaglevTable, type TableMember} from '../../kernel/sys/maglev.js';
import {mapBatchAsync, mapDeleteAsync, mapLookup, mapUpdateAsync} from '../../kernel/sys/map.js';
import {tryObjectFdById} from '../../kernel/sys/object.js';
import {createMap} from '../../object/map/create-map.js';
import {elementError} from '../../object/map/map-error.js';
import {readMapInfo} from '../../object/map/map-info.js';
import {BpfMap} from '../../object/map/map.js';
import {ENOTSUPP} from '../../uapi/errno.js';
import {DatapathError} from '../datapath-error.js';
import type {DatapathMaps} from '../maps.js';
import type {Family} from './addresses.js';
import type {ServiceAlgorithm} from './flags.js';
import {byName, checkMaglevSize, defaultMaglevSize, maglevName, readMaglevSeed} from './maglev.js';
import type {MaglevOptions} from './maglev.js';
import {families, type Entry, type Slot} from './state.js';
import {encodeKey, type TableWrites} from './writes.js';

const {EINVAL, ENOENT, EOPNOTSUPP} = constants.errno;

/** Tables whose descriptors are open at once. */
const chunk = 128;

/** Which services have tables, and of what kind. */
export interface TableOptions extends MaglevOptions {
	/** What services without an algorithm of their own use on this node. */
	readonly algorithm?: 'random' | 'maglev';
}

interface Wanted {
	readonly entry: Entry;
	readonly signature: string;
	readonly members: readonly TableMember[];
}

/** The tables of one change. */
export class Tables implements TableWrites {
	/** Tables written. */
	written = 0;
	/** Tables taken out. */
	removed = 0;
	private readonly maps: DatapathMaps;
	private readonly options: TableOptions;
	private readonly wanted: Wanted[] = [];
	private readonly dropped: {family: Family; number: number}[] = [];

	constructor(maps: DatapathMaps, options: TableOptions) {
		this.maps = maps;
		this.options = options;
	}

	/** Forgets what was wanted and counted. */
	clear(): void {
		this.written = 0;
		this.removed = 0;
		this.wanted.length = 0;
		this.dropped.length = 0;
	}

	get isIdle(): boolean {
		return this.wanted.length === 0 && this.dropped.length === 0;
	}

	isWanted(algorithm: ServiceAlgorithm): boolean {
		return (algorithm === 'default' ? this.options.algorithm : algorithm) === 'maglev';
	}

	/** The table of these backends, unless the service has it. */
	want(entry: Entry, slots: readonly Slot[]): void {
		const members = slots
			.flatMap(({weight, backend}) => {
				if (backend === undefined) return [];
				const {id, address, port, protocol} = backend;
				return {id, weight, name: maglevName(address, port, protocol)};
			})
			.sort(byName);
		const {size = '', seed = ''} = this.options;
		const list = members.map(({id, name, weight}) => `${id} ${name} ${weight}`);
		const signature = `${size} ${seed} ${list.join(' ')}`;
		if (entry.table !== signature) this.wanted.push({entry, signature, members});
	}

	drop(family: Family, number: number): void {
		this.dropped.push({family, number});
	}

	/**
	 * Makes all tables on the thread pool at once. One that is there is overwritten in its place: each
	 * of its elements is a whole backend at any time, and nothing has to be waited for.
	 */
	async put(): Promise<void> {
		if (this.wanted.length === 0) return;
		const size = this.size();
		const {murmur} = readMaglevSeed(this.options.seed);
		for (let at = 0; at < this.wanted.length; at += chunk) {
			const some = this.wanted.slice(at, at + chunk);
			const tables = await Promise.all(
				some.map(async ({members}) => buildMaglevTable(size, murmur, members)),
			);
			for (const family of families) {
				const own = some.flatMap((each, i) => {
					const ids = tables[i];
					const isOwn = ids !== undefined && each.entry.frontend.family === family;
					return isOwn ? [{...each, bytes: new Uint8Array(ids.buffer)}] : [];
				});
				if (own.length > 0) await this.write(family, own, size);
			}
		}
	}

	async remove(): Promise<void> {
		for (const family of families) {
			const numbers = this.dropped.filter(each => each.family === family);
			if (numbers.length === 0) continue;
			const outer = this.outer(family);
			const keys = numbers.map(({number}) => encodeKey(outer, number));
			let done = 0;
			while (done < keys.length) {
				const {count, errno} = await mapBatchAsync('map_delete_batch', {
					...{
						fd: outer.fd,
						inCursor: null,
						outCursor: null,
						values: null,
						elementFlags: 0,
					},
					...{keys: Buffer.concat(keys.slice(done)), count: keys.length - done},
				});
				done += count;
				this.removed += count;
				if (errno === 0) break;
				if (errno !== ENOENT && !isUnknown(errno)) {
					throw elementError('delete from', outer.name, errno);
				}

				const key = keys[done++];
				const result = key === undefined ? 0 : await mapDeleteAsync(outer.fd, key);
				if (result < 0 && result !== -ENOENT) {
					throw elementError('delete from', outer.name, -result);
				}

				if (result === 0) this.removed++;
			}
		}
	}

	private async write(
		family: Family,
		list: readonly (Wanted & {readonly bytes: Uint8Array})[],
		size: number,
	): Promise<void> {
		const outer = this.outer(family);
		const fresh: {key: Uint8Array; map: BpfMap}[] = [];
		try {
			for (const {entry, signature, bytes} of list) {
				const key = encodeKey(outer, entry.number);
				using present = openInner(outer, key);
				if (present === undefined) fresh.push({key, map: createTable(bytes, size)});
				else if (!overwrite(present, bytes)) this.written--;
				this.written++;
				entry.table = signature;
			}

			await putTables(outer, fresh);
		} finally {
			for (const {map} of fresh) map.close();
		}
	}

	/** What was asked for, or what the tables that are there have. */
	private size(): number {
		if (this.options.size !== undefined) return checkMaglevSize(this.options.size);
		for (const family of families) {
			const outer = this.maps[`maglev${family}`];
			const [first] = outer?.known === true ? outer.map.keys() : [];
			if (outer === undefined || first === undefined) continue;
			using inner = openInner(outer.map, encodeKey(outer.map, first));
			if (inner !== undefined) return inner.info.valueSize / 4;
		}

		return defaultMaglevSize;
	}

	private outer(family: Family): BpfMap {
		return this.maps.require(`maglev${family}`);
	}
}

/** The table of a service, to be closed; undefined where it has none. */
export function openInner(
	outer: Pick<BpfMap, 'fd' | 'name'>,
	key: Uint8Array,
): BpfMap<Uint8Array, Uint8Array> | undefined {
	const id = new Uint8Array(4);
	const result = mapLookup(outer.fd, key, id, 0);
	if (result === -ENOENT) return undefined;
	if (result < 0) throw elementError('read', outer.name, -result);
	const number = tryObjectFdById('map', new Uint32Array(id.buffer)[0] ?? 0);
	if (number === undefined) return undefined;
	const fd = new Fd(number, `table of "${outer.name}"`);
	try {
		return new BpfMap(fd, readMapInfo(number), undefined, {raw: true});
	} catch (error) {
		fd.close();
		throw error;
	}
}

const onlyKey = new Uint8Array(4);

/** False where nothing had to be written. */
function overwrite(map: BpfMap<Uint8Array, Uint8Array>, bytes: Uint8Array): boolean {
	if (map.info.valueSize !== bytes.length) {
		const detail = `tables here have ${map.info.valueSize / 4} places, not ${bytes.length / 4}`;
		throw new DatapathError('write Maglev table', map.name, detail);
	}

	const present = map.raw.get(onlyKey);
	if (present !== undefined && Buffer.compare(present, bytes) === 0) return false;
	map.raw.set(onlyKey, bytes);
	return true;
}

function createTable(bytes: Uint8Array, size: number): BpfMap {
	const map = createMap({
		...{type: 'array', name: 'maglev_table', keySize: 4, valueSize: size * 4, maxEntries: 1},
	});
	try {
		map.raw.set(onlyKey, bytes);
		return map;
	} catch (error) {
		map.close();
		throw error;
	}
}

/** Puts them in, off the event loop: the kernel waits for programs that run. */
async function putTables(
	outer: BpfMap,
	fresh: readonly {readonly key: Uint8Array; readonly map: BpfMap}[],
): Promise<void> {
	if (fresh.length === 0) return;
	const values = Uint32Array.from(fresh, ({map}) => map.fd);
	const {count, errno} = await mapBatchAsync('map_update_batch', {
		...{fd: outer.fd, inCursor: null, outCursor: null, elementFlags: 0},
		keys: Buffer.concat(fresh.map(({key}) => key)),
		values: new Uint8Array(values.buffer),
		count: fresh.length,
	});
	if (errno !== 0 && !isUnknown(errno)) throw elementError('write', outer.name, errno);
	if (errno === 0) return;
	// Kernels that have no batches for maps of maps get them one by one.
	for (const {key, map} of fresh.slice(count)) {
		const value = new Uint8Array(Uint32Array.of(map.fd).buffer);
		const result = await mapUpdateAsync(outer.fd, key, value);
		if (result === -EINVAL) {
			const detail = `its tables do not have ${map.info.valueSize / 4} places`;
			throw new DatapathError('write Maglev table', outer.name, detail, {errno: EINVAL});
		}

		if (result < 0) throw elementError('write', outer.name, -result);
	}
}

function isUnknown(errno: number): boolean {
	return errno === EINVAL || errno === EOPNOTSUPP || errno === ENOTSUPP;
}
