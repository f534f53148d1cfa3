/** Services as their maps have them, in a form in which changes are planned. */

import type {Family} from './addresses.js';
import {flags1} from './flags.js';
import {Numbers} from './numbers.js';
import {isSurrogate, type WantedBackend, type WantedFrontend} from './wanted.js';

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

export const families: readonly Family[] = [4, 6];

const lastNumber = 0xffff;
const lastBackend = 0xffff_fffe;

/** What an address is of services. */
export interface ServiceAddress {
	/** Frontends that have it, in each scope. */
	frontends: number;
	/** Whether its other ports are refused. */
	isWhole: boolean;
}

/** All services and backends of both families. */
export class ServiceState {
	/** By the frontend's key. */
	readonly entries = new Map<string, Entry>();
	readonly backends = new Map<string, BackendRecord>();
	/** All that have frontends, or refused ports. */
	readonly addresses = new Map<string, ServiceAddress>();
	/** How many have the scope `internal`. */
	internals = 0;
	/** NodePorts by family, port, protocol and scope. */
	readonly nodePorts = new Map<string, number>();
	readonly numbers = new Numbers(lastNumber);
	readonly backendIds = new Numbers(lastBackend);

	add(entry: Entry): void {
		const {key, address, scope} = entry.frontend;
		this.entries.set(key, entry);
		this.address(address).frontends++;
		this.internals += scope;
		this.countNodePort(entry, 1);
	}

	/** Its number stays taken: give it back when nothing of it is left. */
	remove(entry: Entry): void {
		const {key, address, scope} = entry.frontend;
		this.entries.delete(key);
		this.address(address).frontends--;
		this.forget(address);
		this.internals -= scope;
		this.countNodePort(entry, -1);
	}

	/** What is known of an address, to be changed. */
	address(address: string): ServiceAddress {
		let known = this.addresses.get(address);
		if (known === undefined) {
			known = {frontends: 0, isWhole: false};
			this.addresses.set(address, known);
		}

		return known;
	}

	/** An address that is nothing any more. */
	forget(address: string): void {
		const known = this.addresses.get(address);
		if (known?.frontends === 0 && !known.isWhole) this.addresses.delete(address);
	}

	addBackend(backend: BackendRecord): void {
		this.backends.set(backend.key, backend);
	}

	removeBackend(backend: BackendRecord): void {
		this.backends.delete(backend.key);
		this.backendIds.release(backend.id);
	}

	/** Call before and after the flags of an entry change. */
	countNodePort({frontend, flags}: Entry, by: 1 | -1): void {
		if ((flags & flags1.nodePort) === 0 || isSurrogate(frontend)) return;
		const key = nodePortKey(frontend);
		const count = (this.nodePorts.get(key) ?? 0) + by;
		if (count === 0) this.nodePorts.delete(key);
		else this.nodePorts.set(key, count);
	}
}

export function nodePortKey({family, port, protocol, scope}: WantedFrontend): string {
	return `${family} ${port} ${protocol} ${scope}`;
}
