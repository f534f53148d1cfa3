/** Reads services from their maps into the form in which changes are planned. */

import {hostLittleEndian, viewOf} from '../../base/bytes.js';
import type {DatapathMaps} from '../maps.js';
import type {Family} from './addresses.js';
import {defaultWeight} from './maglev.js';
import {slotOffset} from './slot-offset.js';
import {addUser, BackendRecord, Entry, families, ServiceState, type Slot} from './state.js';
import {backendKey, frontendOf, type WantedFrontend} from './wanted.js';

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

/** Is it the entry that refuses an address's other ports? */
export function isWildcard({protocol, port}: WantedFrontend): boolean {
	return protocol === 0 && port === 0;
}

/** Everything that the maps have. */
export interface ReadState {
	readonly state: ServiceState;
	/** Backends by id. */
	readonly backends: ReadonlyMap<number, BackendRecord>;
	readonly leftovers: Leftovers;
}

/** Reads everything; maps that are not there are taken for empty. */
export function readState(maps: DatapathMaps): ReadState {
	const state = new ServiceState();
	const backends = new Map<number, BackendRecord>();
	const leftovers: Leftovers = {
		...{slots: [], wildcards: [], reverseNat: [], matches: []},
		...{ranges: [], tables: [], backends: []},
	};
	const byNumber = new Map<number, Entry>();
	// Services may have backends of the other family.
	for (const family of families) readBackends(maps, family, state, backends);
	for (const family of families) {
		readEntries(maps, family, {state, backends, leftovers}, byNumber);
		readNumbers(maps, family, state, byNumber, leftovers);
	}

	readMatches(maps, byNumber, leftovers);
	for (const backend of backends.values()) {
		if (backend.users === undefined) leftovers.backends.push(backend);
	}

	return {state, backends, leftovers};
}

function readBackends(
	maps: DatapathMaps,
	family: Family,
	state: ServiceState,
	backends: Map<number, BackendRecord>,
): void {
	const name = `backends${family}` as const;
	if (maps[name] === undefined) return;
	for (const [id, {address, port, proto, flags, zone = 0, cluster_id}] of maps.require(name)) {
		state.backendIds.take(id);
		const key = backendKey(address, port, proto);
		const place = {key, family, address, port, protocol: proto};
		const backend = new BackendRecord(id, place, flags, zone, cluster_id);
		backends.set(id, backend);
		state.addBackend(backend);
	}
}

function readEntries(
	maps: DatapathMaps,
	family: Family,
	read: ReadState,
	byNumber: Map<number, Entry>,
): void {
	const name = `services${family}` as const;
	if (maps[name] === undefined) return;
	const {state, leftovers} = read;
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
				state.address(group.frontend.address).isWhole = true;
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

	for (const group of found.values()) placeSlots(group, read);
	for (const [address, {frontends}] of state.addresses) {
		if (frontends > 0 || address.includes(':') !== (family === 6)) continue;
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
	{backends, leftovers: {slots: left}}: ReadState,
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
		const backend = backends.get(id);
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
			if (entry.matches.size === 0) entry.matches = new Set();
			(entry.matches as Set<number>).add(id);
		}

		if (owners.length === 0) leftovers.matches.push({number, id});
	}
}
