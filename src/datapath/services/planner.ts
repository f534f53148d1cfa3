/** Plans what has to be written so that services become what is wanted. */

import {hostLittleEndian} from '../../base/bytes.js';
import {DatapathError} from '../datapath-error.js';
import type {Family} from './addresses.js';
import {arrange} from './arrange.js';
import {encodeBackend} from './encode.js';
import {backendStates, flags1, stateName, unpackSpread, type BackendState} from './flags.js';
import {
	addUser,
	nodePortKey,
	removeUser,
	usersOf,
	type BackendRecord,
	type Entry,
	type Leftovers,
	type ServiceState,
	type Slot,
} from './state.js';
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

/** One change: say what is wanted, then `finish`. */
export class Planner {
	private readonly state: ServiceState;
	private readonly writes: Writes;
	private readonly slots: SlotWriter;
	private readonly tables: Tables;
	private readonly wanted = new Map<string, WantedEntry>();
	private readonly unwanted = new Set<string>();
	private readonly states = new Map<BackendRecord, number>();
	/** Entries whose backends are to be put in order anew, and which backends those are. */
	private readonly dirty = new Map<Entry, readonly Slot[]>();
	/** Backends that lost a service. */
	private readonly left = new Set<BackendRecord>();
	/** Numbers of services that are removed, which what this change adds shall not get. */
	private readonly freed: number[] = [];
	/** Numbers this change's entries, to mark the backends that each keeps. */
	private marks = 0;
	private wantedAddresses: ReadonlySet<string> | undefined;

	constructor(state: ServiceState, writes: Writes, tables: Tables) {
		this.state = state;
		this.writes = writes;
		this.slots = new SlotWriter(writes);
		this.tables = tables;
	}

	/** Forgets what was wanted: for the next change. */
	clear(): void {
		this.slots.clear();
		this.wanted.clear();
		this.unwanted.clear();
		this.states.clear();
		this.dirty.clear();
		this.left.clear();
		this.freed.length = 0;
		this.wantedAddresses = undefined;
	}

	/** A service as it shall be; of one that was wanted before, the later counts. */
	upsert(entry: WantedEntry): void {
		this.wanted.set(entry.frontend.key, entry);
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
		for (const frontend of leftovers.wildcards) this.removeWildcard(frontend);
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
			if (entry !== undefined && !this.wanted.has(key)) this.removeEntry(entry);
		}

		for (const wanted of this.wanted.values()) this.planEntry(wanted);
		for (const [backend, state] of this.states) this.updateBackend(backend, {state});
		for (const [entry, members] of this.dirty) this.planSlots(entry, members);
		for (const backend of this.left) {
			if (backend.users !== undefined) continue;
			this.writes.delete('delete backends', `backends${backend.family}`, backend.id);
			this.state.removeBackend(backend);
		}

		for (const number of this.freed) this.state.numbers.release(number);
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
			const {family, address, port} = frontend;
			this.writes.put('put reverseNat', `reverseNat${family}`, entry.number, {address, port});
			entry.reversed = true;
		}

		if (hasChanged) {
			if (known !== undefined) this.state.count(entry, -1);
			entry.spread = spread;
			entry.flags = flags;
			entry.flags2 = wanted.flags2;
			if (known === undefined) this.state.add(entry);
			else this.state.count(entry, 1);
			this.slots.changed(entry);
		}

		this.planRanges(entry, wanted.ranges);
		this.planWildcard(wanted);
		const {backendsById} = this.state;
		const mark = ++this.marks;
		for (const {id} of members) {
			const backend = backendsById.get(id);
			if (backend === undefined) continue;
			backend.mark = mark;
			addUser(backend, entry);
		}

		for (const {id} of entry.slots) {
			const backend = backendsById.get(id);
			if (backend === undefined || backend.mark === mark) continue;
			removeUser(backend, entry);
			this.left.add(backend);
		}

		this.dirty.set(entry, members);
	}

	private newEntry(frontend: WantedFrontend): Entry {
		const number = this.state.numbers.allocate();
		if (number === undefined) {
			throw new DatapathError('add service', frontend.address, 'all 65535 numbers are taken');
		}

		return {
			...{frontend, number, spread: 0, flags: 0, flags2: 0, count: 0, slots: []},
			...{ranges: [], matches: new Set(), reversed: false, table: undefined},
		};
	}

	private planBackend(wanted: WantedBackend): Slot {
		const {key, family, address, port, protocol, weight, state, zone} = wanted;
		const number = state === undefined ? undefined : backendStates.indexOf(state);
		const known = this.state.backends.get(key);
		if (known !== undefined) {
			if (number !== undefined || zone !== undefined) {
				this.updateBackend(known, {state: number, zone});
			}

			return {id: known.id, weight};
		}

		const id = this.state.backendIds.allocate();
		if (id === undefined) throw new DatapathError('add backend', address, 'no id is free');
		const backend: BackendRecord = {
			id,
			key,
			family,
			address,
			port,
			protocol,
			cluster: 0,
			state: number ?? 0,
			zone: zone ?? 0,
			users: undefined,
			mark: 0,
		};
		this.state.addBackend(backend);
		this.putBackend(backend);
		return {id, weight};
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
				if (!this.dirty.has(entry)) this.dirty.set(entry, entry.slots);
			}
		}

		backend.state = state;
		backend.zone = zone;
		this.putBackend(backend);
	}

	private putBackend(backend: BackendRecord): void {
		const {key, value} = this.writes.next('put backends', `backends${backend.family}`);
		key.view.setUint32(key.at, backend.id, hostLittleEndian);
		encodeBackend(value, backend);
	}

	/** New flows get the active ones; where there is none, those that are about to end. */
	private planSlots(entry: Entry, members: readonly Slot[]): void {
		const {slots, open} = this.orderOf(entry, members);
		this.slots.plan(entry, slots, open.length);
		this.planMatches(entry, open);
		this.planTable(entry, open);
	}

	private orderOf(
		entry: Entry,
		members: readonly Slot[],
	): {readonly slots: readonly Slot[]; readonly open: readonly Slot[]} {
		const stateOf = ({id}: Slot): BackendState =>
			stateName(this.state.backendsById.get(id)?.state ?? 0);
		if (members.every(slot => stateOf(slot) === 'active')) {
			return {slots: arrange(entry.slots, members, []), open: members};
		}

		const wanted = members.some(slot => stateOf(slot) === 'active') ? 'active' : 'terminating';
		const open = members.filter(slot => stateOf(slot) === wanted);
		const others = members.filter(slot => stateOf(slot) !== wanted);
		return {slots: arrange(entry.slots, open, others), open};
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
			const members = open.flatMap(({id, weight}) => {
				const backend = this.state.backendsById.get(id);
				return backend === undefined ? [] : {...backend, weight};
			});
			this.tables.want(entry, members);
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
		if (!wildcard || this.state.wildcards.has(address)) return;
		this.state.wildcards.add(address);
		const types = flags & (flags1.loadBalancer | flags1.externalIp | flags1.routable);
		this.slots.putWildcard(frontendOf(family, address, 0, 0, 0), types);
	}

	private removeEntry(entry: Entry): void {
		const {frontend, number, slots} = entry;
		const {family, address, port, protocol, scope} = frontend;
		this.state.remove(entry);
		this.freed.push(number);
		this.slots.removeAll(entry);
		for (const {id} of slots) {
			const backend = this.state.backendsById.get(id);
			if (backend === undefined) continue;
			removeUser(backend, entry);
			this.left.add(backend);
		}

		for (const id of entry.matches) this.removeMatch(number, id);
		for (const prefix of entry.ranges) this.removeRange(family, number, prefix);
		if (entry.reversed) {
			this.writes.delete('delete reverseNat', `reverseNat${family}`, number);
		}

		if (entry.table !== undefined) this.tables.drop(family, number);
		if (!this.state.frontendsAt.has(address) && this.state.wildcards.has(address)) {
			this.removeWildcard(frontendOf(family, address, 0, 0, 0));
		}

		const isLast =
			(entry.flags & flags1.nodePort) !== 0 &&
			!isSurrogate(frontend) &&
			!this.state.nodePorts.has(nodePortKey(frontend));
		const anywhere = frontendOf(family, surrogateAddress[family], port, protocol, scope);
		const surrogate = isLast ? this.state.entries.get(anywhere.key) : undefined;
		if (surrogate !== undefined && !this.wanted.has(anywhere.key)) this.removeEntry(surrogate);
	}

	private removeWildcard(frontend: WantedFrontend): void {
		// It may be wanted again by what the same change adds.
		const {address} = frontend;
		this.wantedAddresses ??= new Set(
			[...this.wanted.values()].map(wanted => wanted.frontend.address),
		);
		if (this.wantedAddresses.has(address)) return;
		this.state.wildcards.delete(address);
		this.slots.removeWildcard(frontend);
	}

	private removeMatch(rev_nat_id: number, backend_id: number): void {
		this.writes.delete('delete affinityMatch', 'affinityMatch', {backend_id, rev_nat_id});
	}

	private removeRange(family: Family, rev_nat_id: number, prefix: string): void {
		this.writes.delete('delete sourceRange', `sourceRange${family}`, {prefix, rev_nat_id});
	}
}
