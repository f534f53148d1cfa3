/** Services as their maps have them, in a form in which changes are planned. */

import {hostLittleEndian, viewOf} from '../../base/bytes.js';
import type {DatapathMaps} from '../maps.js';
import type {Family} from './addresses.js';
import {flags1} from './flags.js';
import {defaultWeight} from './maglev.js';
import {Numbers} from './numbers.js';
import {slotOffset} from './slot-offset.js';
import {
	backendKey,
	frontendOf,
	isSurrogate,
	type WantedBackend,
	type WantedFrontend,
} from './wanted.js';

/** A backend's place behind a service. */
export interface Slot {
	readonly id: number;
	readonly weight: number;
	/** Undefined where the maps have none of this id. */
	readonly backend: BackendRecord | undefined;
}

/** One entry of the service maps with all that hangs on its number. */
export class Entry {
	readonly frontend: WantedFrontend;
	/** `rev_nat_index`. */
	readonly number: number;
	spread = 0;
	flags = 0;
	flags2 = 0;
	/** Slots that new flows are given; the others follow. */
	count = 0;
	/** Those that new flows are given first. */
	slots: readonly Slot[] = noSlots;
	ranges: readonly string[] = noRanges;
	/** Backends that clients may keep. */
	matches: ReadonlySet<number> = noMatches;
	/** Whether replies find the frontend. */
	reversed = false;
	/** What its Maglev table was made from; empty where that is not known, undefined for none. */
	table: string | undefined = undefined;
	/** While a change is planned: its backends to be put in order anew. */
	members: readonly Slot[] | undefined = undefined;
	/** While a change is planned: whether its frontend is to be written whatever its slots are. */
	isChanged = false;

	constructor(frontend: WantedFrontend, number: number) {
		this.frontend = frontend;
		this.number = number;
	}
}

// Most services have nothing of these.
const noSlots: readonly Slot[] = [];
const noRanges: readonly string[] = [];
const noMatches: ReadonlySet<number> = new Set();

/** A backend as the maps have it. */
export class BackendRecord {
	readonly id: number;
	readonly key: string;
	readonly family: Family;
	readonly address: string;
	readonly port: number;
	readonly protocol: number;
	readonly cluster: number;
	state: number;
	zone: number;
	/** Services that have it: one nearly always, which takes no set. */
	users: Entry | Set<Entry> | undefined = undefined;
	/** Of the last entry that was planned with it. */
	mark = 0;

	constructor(
		id: number,
		{key, family, address, port, protocol}: BackendPlace,
		state: number,
		zone: number,
		cluster = 0,
	) {
		this.id = id;
		this.key = key;
		this.family = family;
		this.address = address;
		this.port = port;
		this.protocol = protocol;
		this.cluster = cluster;
		this.state = state;
		this.zone = zone;
	}
}

type BackendPlace = Pick<WantedBackend, 'key' | 'family' | 'address' | 'port' | 'protocol'>;

export function usersOf({users}: BackendRecord): Iterable<Entry> {
	if (users === undefined) return [];
	return users instanceof Set ? users : [users];
}

export function addUser(backend: BackendRecord, entry: Entry): void {
	const {users} = backend;
	if (users instanceof Set) users.add(entry);
	else if (users === undefined) backend.users = entry;
	else if (users !== entry) backend.users = new Set([users, entry]);
}

export function removeUser(backend: BackendRecord, entry: Entry): void {
	const {users} = backend;
	if (users === entry) backend.users = undefined;
	if (!(users instanceof Set)) return;
	users.delete(entry);
	if (users.size === 0) backend.users = undefined;
}

/** What no service explains: left behind by who died on the way. */
export interface Leftovers {
	readonly slots: {readonly frontend: WantedFrontend; readonly slot: number}[];
	readonly wildcards: {readonly family: Family; readonly address: string}[];
	readonly reverseNat: {readonly family: Family; readonly number: number}[];
	readonly matches: {readonly number: number; readonly id: number}[];
	readonly ranges: {readonly family: Family; readonly number: number; readonly prefix: string}[];
	readonly tables: {readonly family: Family; readonly number: number}[];
	readonly backends: BackendRecord[];
}

export const families: readonly Family[] = [4, 6];

const lastNumber = 0xffff;
const lastBackend = 0xffff_fffe;

/** All services and backends of both families. */
export class ServiceState {
	/** By the frontend's key. */
	readonly entries = new Map<string, Entry>();
	readonly backends = new Map<string, BackendRecord>();
	readonly backendsById = new Map<number, BackendRecord>();
	/** Addresses whose other ports are refused, with the scopes' frontends on them counted. */
	readonly wildcards = new Set<string>();
	readonly frontendsAt = new Map<string, number>();
	/** How many have the scope `internal`. */
	internals = 0;
	/** NodePorts by family, port, protocol and scope. */
	readonly nodePorts = new Map<string, number>();
	readonly numbers = new Numbers(lastNumber);
	readonly backendIds = new Numbers(lastBackend);

	add(entry: Entry): void {
		this.entries.set(entry.frontend.key, entry);
		this.count(entry, 1);
	}

	/** Its number stays taken: give it back when nothing of it is left. */
	remove(entry: Entry): void {
		this.entries.delete(entry.frontend.key);
		this.count(entry, -1);
	}

	addBackend(backend: BackendRecord): void {
		this.backends.set(backend.key, backend);
		this.backendsById.set(backend.id, backend);
	}

	removeBackend(backend: BackendRecord): void {
		this.backends.delete(backend.key);
		this.backendsById.delete(backend.id);
		this.backendIds.release(backend.id);
	}

	/** Call before and after the flags of an entry change. */
	count({frontend, flags}: Entry, by: 1 | -1): void {
		raise(this.frontendsAt, frontend.address, by);
		this.internals += by * frontend.scope;
		if ((flags & flags1.nodePort) === 0 || isSurrogate(frontend)) return;
		raise(this.nodePorts, nodePortKey(frontend), by);
	}
}

export function nodePortKey({family, port, protocol, scope}: WantedFrontend): string {
	return `${family} ${port} ${protocol} ${scope}`;
}

function raise(counts: Map<string, number>, key: string, by: number): void {
	const count = (counts.get(key) ?? 0) + by;
	if (count === 0) counts.delete(key);
	else counts.set(key, count);
}

/** Is it the entry that refuses an address's other ports? */
export function isWildcard({protocol, port}: WantedFrontend): boolean {
	return protocol === 0 && port === 0;
}

/** Reads everything; maps that are not there are taken for empty. */
export function readState(maps: DatapathMaps): {state: ServiceState; leftovers: Leftovers} {
	const state = new ServiceState();
	const leftovers: Leftovers = {
		...{slots: [], wildcards: [], reverseNat: [], matches: []},
		...{ranges: [], tables: [], backends: []},
	};
	const byNumber = new Map<number, Entry>();
	// Services may have backends of the other family.
	for (const family of families) readBackends(maps, family, state);
	for (const family of families) {
		readEntries(maps, family, state, byNumber, leftovers);
		readNumbers(maps, family, state, byNumber, leftovers);
	}

	readMatches(maps, byNumber, leftovers);
	for (const backend of state.backendsById.values()) {
		if (backend.users === undefined) leftovers.backends.push(backend);
	}

	return {state, leftovers};
}

function readBackends(maps: DatapathMaps, family: Family, state: ServiceState): void {
	const name = `backends${family}` as const;
	if (maps[name] === undefined) return;
	for (const [id, {address, port, proto, flags, zone = 0, cluster_id}] of maps.require(name)) {
		state.backendIds.take(id);
		const key = backendKey(address, port, proto);
		const place = {key, family, address, port, protocol: proto};
		state.addBackend(new BackendRecord(id, place, flags, zone, cluster_id));
	}
}

function readEntries(
	maps: DatapathMaps,
	family: Family,
	state: ServiceState,
	byNumber: Map<number, Entry>,
	leftovers: Leftovers,
): void {
	const name = `services${family}` as const;
	if (maps[name] === undefined) return;
	const map = maps.require(name);
	const offset = slotOffset[family];
	const value = map.valueCodec.cursor();
	/** By the bytes of the key of slot 0. */
	const found = new Map<string, Found>();
	for (const batch of map.raw.batches()) {
		const keys = Buffer.from(batch.keys.buffer, batch.keys.byteOffset, batch.keys.byteLength);
		const keyView = viewOf(batch.keys);
		const valueView = viewOf(batch.values);
		for (let i = 0; i < batch.count; i++) {
			const at = i * batch.keySize;
			const slot = keyView.getUint16(at + offset, hostLittleEndian);
			keyView.setUint16(at + offset, 0);
			const text = keys.toString('latin1', at, at + map.info.keySize);
			value.move(valueView, i * batch.valueStride);
			let group = found.get(text);
			if (group === undefined) {
				const {address, dport, proto, scope} = map.keyCodec.decode(keyView, at);
				const frontend = frontendOf(family, address, dport, proto, scope);
				found.set(text, (group = {frontend, entry: undefined, total: 0, slots: []}));
			}

			const record = value.value;
			const {count, rev_nat_index: number} = record;
			if (slot > 0) {
				// The count of a slot above 0 is the backend's weight, and 0 the usual one.
				group.slots.push(slot, record.backend_id ?? 0, count || defaultWeight);
			} else if (isWildcard(group.frontend)) {
				state.wildcards.add(group.frontend.address);
			} else {
				const {affinity_timeout: spread = 0, flags, flags2: second, qcount = 0} = record;
				group.total = count + qcount;
				const entry = new Entry(group.frontend, number);
				entry.spread = spread;
				entry.flags = flags;
				entry.flags2 = second;
				entry.count = count;
				group.entry = entry;
				state.add(entry);
				state.numbers.take(number);
				byNumber.set(placeOf(family, number), entry);
			}
		}
	}

	for (const group of found.values()) placeSlots(group, state, leftovers);
	for (const address of state.wildcards) {
		if (state.frontendsAt.has(address) || address.includes(':') !== (family === 6)) continue;
		leftovers.wildcards.push({family, address});
	}
}

/** What the keys of one frontend lead to. */
interface Found {
	readonly frontend: WantedFrontend;
	entry: Entry | undefined;
	/** Slots that the frontend says it has. */
	total: number;
	/** Slot, backend id and weight of each, one after the other. */
	readonly slots: number[];
}

function placeSlots(
	{frontend, entry, total, slots}: Found,
	state: ServiceState,
	{slots: left}: Leftovers,
): void {
	if (entry === undefined || total === 0) {
		for (let i = 0; i < slots.length; i += 3) left.push({frontend, slot: slots[i] ?? 0});
		return;
	}

	// One that is not there is a backend that is not, which the next change replaces.
	const own = new Array<Slot>(total).fill(noSlot);
	for (let i = 0; i < slots.length; i += 3) {
		const slot = slots[i] ?? 0;
		if (slot > total) {
			left.push({frontend, slot});
			continue;
		}

		const id = slots[i + 1] ?? 0;
		const backend = state.backendsById.get(id);
		own[slot - 1] = {id, weight: slots[i + 2] ?? defaultWeight, backend};
		if (backend !== undefined) addUser(backend, entry);
	}

	entry.slots = own;
}

const noSlot: Slot = {id: 0, weight: defaultWeight, backend: undefined};

/** A service's number by family: other agents may use one twice. */
const placeOf = (family: Family, number: number): number => number * 10 + family;

/** What is kept by number of the service. */
function readNumbers(
	maps: DatapathMaps,
	family: Family,
	state: ServiceState,
	byNumber: ReadonlyMap<number, Entry>,
	leftovers: Leftovers,
): void {
	const entryOf = (number: number): Entry | undefined => {
		state.numbers.take(number);
		return byNumber.get(placeOf(family, number));
	};
	if (maps[`reverseNat${family}`] !== undefined) {
		for (const [number, value] of maps.require(`reverseNat${family}`)) {
			const entry = entryOf(number);
			if (entry === undefined) leftovers.reverseNat.push({family, number});
			else {
				const {address, port} = entry.frontend;
				entry.reversed = value.address === address && value.port === port;
			}
		}
	}

	if (maps[`sourceRange${family}`] !== undefined) {
		for (const {prefix, rev_nat_id: number} of maps.require(`sourceRange${family}`).keys()) {
			const entry = entryOf(number);
			if (entry === undefined) leftovers.ranges.push({family, number, prefix});
			else entry.ranges = [...entry.ranges, prefix].sort();
		}
	}

	if (maps[`maglev${family}`] !== undefined) {
		for (const number of maps.require(`maglev${family}`).keys()) {
			const entry = entryOf(number);
			if (entry === undefined) leftovers.tables.push({family, number});
			else entry.table = '';
		}
	}
}

function readMatches(
	maps: DatapathMaps,
	byNumber: ReadonlyMap<number, Entry>,
	leftovers: Leftovers,
): void {
	if (maps.affinityMatch === undefined) return;
	for (const {backend_id: id, rev_nat_id: number} of maps.require('affinityMatch').keys()) {
		const owners = families.flatMap(family => byNumber.get(placeOf(family, number)) ?? []);
		for (const entry of owners) {
			if (entry.matches === noMatches) entry.matches = new Set();
			(entry.matches as Set<number>).add(id);
		}

		if (owners.length === 0) leftovers.matches.push({number, id});
	}
}
