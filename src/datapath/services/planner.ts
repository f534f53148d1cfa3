/** Plans what has to be written so that services become what is wanted. */

import {hostLittleEndian} from '../../base/bytes.js';
import {DatapathError} from '../datapath-error.js';
import type {Family} from './addresses.js';
import {arrange} from './arrange.js';
import {encodeBackend, encodeReverseNat} from './encode.js';
import {backendStates, flags1, unpackSpread, type BackendState} from './flags.js';
import {
	addUser,
	BackendRecord,
	Entry,
	nodePortKey,
	removeUser,
	usersOf,
	type ServiceState,
	type Slot,
} from './state.js';
import type {Leftovers} from './read-state.js';
import type {Tables} from './tables.js';
import {
	frontendOf,
	isSurrogate,
	surrogateAddress,
	type WantedBackend,
	type WantedEntry,
	type WantedFrontend,
} from './wanted.js';
import {SlotWriter} from './slot-writer.js';
import type {Writes} from './writes.js';

const backendsOf = {4: 'backends4', 6: 'backends6'} as const;
const reverseNatOf = {4: 'reverseNat4', 6: 'reverseNat6'} as const;
const active = backendStates.indexOf('active');
const terminating = backendStates.indexOf('terminating');

/** One change: say what is wanted, then `finish`. */
export class Planner {
	private readonly state: ServiceState;
	private readonly writes: Writes;
	private readonly slots: SlotWriter;
	private readonly tables: Tables;
	private readonly wanted: WantedEntry[] = [];
	private readonly unwanted = new Set<string>();
	private readonly states = new Map<BackendRecord, number>();
	/** Entries whose backends are to be put in order anew. */
	private readonly dirty: Entry[] = [];
	/** Backends that lost a service. */
	private readonly left = new Set<BackendRecord>();
	/** Numbers of services that are removed, which what this change adds shall not get. */
	private readonly freed: number[] = [];
	/** Numbers this change's entries, to mark the backends that each keeps. */
	private marks = 0;
	/** Of what is wanted, where something is removed. */
	private wantedKeys: ReadonlySet<string> | undefined;
	private wantedAddresses: ReadonlySet<string> | undefined;

	constructor(state: ServiceState, writes: Writes, tables: Tables) {
		this.state = state;
		this.writes = writes;
		this.slots = new SlotWriter(writes);
		this.tables = tables;
	}

	/** Forgets what was wanted: for the next change. */
	clear(): void {
		// What is empty costs more to clear than to look at.
		if (this.wanted.length > 0) this.wanted.length = 0;
		if (this.unwanted.size > 0) this.unwanted.clear();
		if (this.states.size > 0) this.states.clear();
		if (this.dirty.length > 0) this.dirty.length = 0;
		if (this.left.size > 0) this.left.clear();
		if (this.freed.length > 0) this.freed.length = 0;
		this.wantedKeys = undefined;
		this.wantedAddresses = undefined;
	}

	/** A service as it shall be; each once. */
	upsert(entry: WantedEntry): void {
		this.wanted.push(entry);
	}

	/** A frontend that shall go unless it is wanted. */
	remove(key: string): void {
		this.unwanted.add(key);
	}

	setState(backend: BackendRecord, state: BackendState): void {
		this.states.set(backend, backendStates.indexOf(state));
	}

	/** Takes away what nothing leads to. */
	mend(leftovers: Leftovers): void {
		for (const {frontend, slot} of leftovers.slots) this.slots.remove(frontend, slot);
		for (const {family, address} of leftovers.wildcards) this.removeWildcard(family, address);
		for (const {family, number} of leftovers.reverseNat) {
			this.writes.delete('delete reverseNat', `reverseNat${family}`, number);
			this.state.numbers.release(number);
		}

		for (const {number, id} of leftovers.matches) this.removeMatch(number, id);
		for (const {family, number, prefix} of leftovers.ranges) {
			this.removeRange(family, number, prefix);
		}

		for (const {family, number} of leftovers.tables) this.tables.drop(family, number);
		for (const backend of leftovers.backends) this.left.add(backend);
	}

	/** Plans everything that was asked for; the state is then as if it were written. */
	finish(): void {
		for (const key of this.unwanted) {
			const entry = this.state.entries.get(key);
			if (entry !== undefined && !this.isWanted(key)) this.removeEntry(entry);
		}

		for (const wanted of this.wanted) this.planEntry(wanted);
		for (const [backend, state] of this.states) this.updateBackend(backend, {state});
		for (const entry of this.dirty) this.planSlots(entry);
		for (const backend of this.left) {
			if (backend.users !== undefined) continue;
			this.writes.delete('delete backends', `backends${backend.family}`, backend.id);
			this.state.removeBackend(backend);
		}

		for (const number of this.freed) this.state.numbers.release(number);
	}

	private isWanted(key: string): boolean {
		this.wantedKeys ??= new Set(this.wanted.map(wanted => wanted.frontend.key));
		return this.wantedKeys.has(key);
	}

	private planEntry(wanted: WantedEntry): void {
		const {frontend, spread, flags} = wanted;
		const known = this.state.entries.get(frontend.key);
		const members = wanted.backends.map(backend => this.planBackend(backend));
		const entry = known ?? this.newEntry(frontend);
		const hasChanged =
			known === undefined ||
			known.spread !== spread ||
			known.flags !== flags ||
			known.flags2 !== wanted.flags2;
		if (!entry.reversed) {
			const {key, value} = this.writes.next('put reverseNat', reverseNatOf[frontend.family]);
			key.view.setUint16(key.at, entry.number);
			encodeReverseNat(value, frontend);
			entry.reversed = true;
		}

		if (hasChanged) {
			if (known !== undefined) this.state.countNodePort(entry, -1);
			entry.spread = spread;
			entry.flags = flags;
			entry.flags2 = wanted.flags2;
			if (known === undefined) this.state.add(entry);
			else this.state.countNodePort(entry, 1);
			entry.isChanged = true;
		}

		this.planRanges(entry, wanted.ranges);
		this.planWildcard(wanted);
		const mark = ++this.marks;
		for (const {backend} of members) {
			if (backend === undefined) continue;
			backend.mark = mark;
			addUser(backend, entry);
		}

		for (const {backend} of entry.slots) {
			if (backend === undefined || backend.mark === mark) continue;
			removeUser(backend, entry);
			this.left.add(backend);
		}

		this.order(entry, members);
	}

	/** Asks for an entry's slots to be planned with these backends. */
	private order(entry: Entry, members: readonly Slot[]): void {
		if (entry.members === undefined) this.dirty.push(entry);
		entry.members = members;
	}

	private newEntry(frontend: WantedFrontend): Entry {
		const number = this.state.numbers.allocate();
		if (number === undefined) {
			throw new DatapathError('add service', frontend.address, 'all 65535 numbers are taken');
		}

		return new Entry(frontend, number);
	}

	private planBackend(wanted: WantedBackend): Slot {
		const {key, address, weight, state, zone} = wanted;
		const number = state === undefined ? undefined : backendStates.indexOf(state);
		const known = this.state.backends.get(key);
		if (known !== undefined) {
			if (number !== undefined || zone !== undefined) {
				this.updateBackend(known, {state: number, zone});
			}

			return {id: known.id, weight, backend: known};
		}

		const id = this.state.backendIds.allocate();
		if (id === undefined) throw new DatapathError('add backend', address, 'no id is free');
		const backend = new BackendRecord(id, wanted, number ?? 0, zone ?? 0);
		this.state.addBackend(backend);
		this.putBackend(backend);
		return {id, weight, backend};
	}

	private updateBackend(
		backend: BackendRecord,
		{
			state = backend.state,
			zone = backend.zone,
		}: {readonly state?: number | undefined; readonly zone?: number | undefined},
	): void {
		if (state === backend.state && zone === backend.zone) return;
		if (state !== backend.state) {
			for (const entry of usersOf(backend)) {
				if (entry.members === undefined) this.order(entry, entry.slots);
			}
		}

		backend.state = state;
		backend.zone = zone;
		this.putBackend(backend);
	}

	private putBackend(backend: BackendRecord): void {
		const {key, value} = this.writes.next('put backends', backendsOf[backend.family]);
		key.view.setUint32(key.at, backend.id, hostLittleEndian);
		encodeBackend(value, backend);
	}

	private planSlots(entry: Entry): void {
		const {slots, open} = orderOf(entry);
		entry.members = undefined;
		this.slots.plan(entry, slots, open.length);
		this.planMatches(entry, open);
		this.planTable(entry, open);
	}

	private planMatches(entry: Entry, open: readonly Slot[]): void {
		const hasAffinity = (entry.flags & flags1.affinity) !== 0;
		if (!hasAffinity && entry.matches.size === 0) return;
		const wanted = new Set(hasAffinity ? open.map(({id}) => id) : []);
		const rev_nat_id = entry.number;
		for (const backend_id of wanted) {
			if (entry.matches.has(backend_id)) continue;
			this.writes.put('put affinityMatch', 'affinityMatch', {backend_id, rev_nat_id}, 1);
		}

		for (const id of entry.matches) if (!wanted.has(id)) this.removeMatch(rev_nat_id, id);
		entry.matches = wanted;
	}

	private planTable(entry: Entry, open: readonly Slot[]): void {
		const {algorithm} = unpackSpread(entry.spread);
		if (this.tables.isWanted(algorithm) && open.length > 0) {
			this.tables.want(entry, open);
		} else if (entry.table !== undefined) {
			this.tables.drop(entry.frontend.family, entry.number);
			entry.table = undefined;
		}
	}

	private planRanges(entry: Entry, wanted: readonly string[]): void {
		const {number, frontend, ranges} = entry;
		if (wanted.length === 0 && ranges.length === 0) return;
		for (const prefix of wanted) {
			if (ranges.includes(prefix)) continue;
			const key = {prefix, rev_nat_id: number};
			this.writes.put('put sourceRange', `sourceRange${frontend.family}`, key, 1);
		}

		for (const prefix of ranges) {
			if (!wanted.includes(prefix)) this.removeRange(frontend.family, number, prefix);
		}

		entry.ranges = wanted;
	}

	private planWildcard({wildcard, frontend, flags}: WantedEntry): void {
		const {family, address} = frontend;
		if (!wildcard) return;
		const known = this.state.address(address);
		if (known.isWhole) return;
		known.isWhole = true;
		const types = flags & (flags1.loadBalancer | flags1.externalIp | flags1.routable);
		this.slots.putWildcard(family, address, types);
	}

	private removeEntry(entry: Entry): void {
		const {frontend, number, slots} = entry;
		const {family, address, port, protocol, scope} = frontend;
		this.state.remove(entry);
		this.freed.push(number);
		this.slots.removeAll(entry);
		for (const {backend} of slots) {
			if (backend === undefined) continue;
			removeUser(backend, entry);
			this.left.add(backend);
		}

		for (const id of entry.matches) this.removeMatch(number, id);
		for (const prefix of entry.ranges) this.removeRange(family, number, prefix);
		if (entry.reversed) {
			this.writes.delete('delete reverseNat', reverseNatOf[family], number);
		}

		if (entry.table !== undefined) this.tables.drop(family, number);
		if (this.state.addresses.get(address)?.frontends === 0) {
			this.removeWildcard(family, address);
		}

		const isLast =
			(entry.flags & flags1.nodePort) !== 0 &&
			!isSurrogate(frontend) &&
			!this.state.nodePorts.has(nodePortKey(frontend));
		const anywhere = frontendOf(family, surrogateAddress[family], port, protocol, scope);
		const surrogate = isLast ? this.state.entries.get(anywhere.key) : undefined;
		if (surrogate !== undefined && !this.isWanted(anywhere.key)) this.removeEntry(surrogate);
	}

	private removeWildcard(family: Family, address: string): void {
		// It may be wanted again by what the same change adds.
		this.wantedAddresses ??= new Set(this.wanted.map(wanted => wanted.frontend.address));
		if (this.wantedAddresses.has(address)) return;
		this.state.address(address).isWhole = false;
		this.state.forget(address);
		this.slots.removeWildcard(family, address);
	}

	private removeMatch(rev_nat_id: number, backend_id: number): void {
		this.writes.delete('delete affinityMatch', 'affinityMatch', {backend_id, rev_nat_id});
	}

	private removeRange(family: Family, rev_nat_id: number, prefix: string): void {
		this.writes.delete('delete sourceRange', `sourceRange${family}`, {prefix, rev_nat_id});
	}
}

/** New flows get the active ones; where there is none, those that are about to end. */
function orderOf({slots, members = slots}: Entry): {
	readonly slots: readonly Slot[];
	readonly open: readonly Slot[];
} {
	if (members.every(slot => stateOf(slot) === active)) {
		return {slots: arrange(slots, members, []), open: members};
	}

	const wanted = members.some(slot => stateOf(slot) === active) ? active : terminating;
	const open = members.filter(slot => stateOf(slot) === wanted);
	const others = members.filter(slot => stateOf(slot) !== wanted);
	return {slots: arrange(slots, open, others), open};
}

/** Of a backend that is not in the maps that of a new one. */
function stateOf({backend}: Slot): number {
	return backend?.state ?? active;
}
