/** Entries whose flow is over, or has other ones. */

import {hostLittleEndian, viewOf} from '../../base/bytes.js';
import type {BpfMap} from '../../object/map/map.js';
import type {FlowMatch} from '../conntrack/flow-filter.js';
import {
	entryFlags,
	entryPlaces,
	keyFlags,
	keyPlaces,
	type KeyPlaces,
} from '../conntrack/raw-entry.js';
import {natPlaces} from './translation.js';

type Raw = Pick<BpfMap['raw'], 'get' | 'keySize' | 'valueSize'>;

/** A family's entries, and its flows. */
export interface NatTables {
	readonly nat: Raw;
	readonly tcp: Raw | undefined;
	readonly any: Raw | undefined;
	/** Of IPv4: those of IPv6, which have flows between the families. */
	readonly ipv6?: NatTables | undefined;
}

/** Where an address or a port stands. */
type Piece = readonly [bytes: Uint8Array, at: number];

interface Side {
	readonly address: Piece;
	readonly port: Piece;
}

/** What an entry says. */
interface Parts {
	readonly out: boolean;
	readonly protocol: number;
	readonly source: Side;
	readonly destination: Side;
	/** What the source becomes, or of `in` the destination. */
	readonly to: Side;
}

/** Looks for what belongs to an entry. */
export class NatRelations {
	private readonly tables: NatTables;
	private readonly places: KeyPlaces;
	private readonly valuePlaces: {readonly address: number; readonly port: number};
	private readonly key: Uint8Array;
	private readonly value: Uint8Array;
	private readonly flow: Uint8Array;
	private readonly ipv6: NatRelations | undefined;

	constructor(family: 4 | 6, tables: NatTables) {
		this.tables = tables;
		this.places = keyPlaces[family];
		this.valuePlaces = natPlaces[family];
		this.key = new Uint8Array(tables.nat.keySize);
		this.value = new Uint8Array(tables.nat.valueSize);
		this.flow = new Uint8Array((tables.tcp ?? tables.any)?.valueSize ?? 0);
		this.ipv6 = tables.ipv6 === undefined ? undefined : new NatRelations(6, tables.ipv6);
	}

	/** Reads an entry of a batch. */
	read(keys: Uint8Array, keyAt: number, values: Uint8Array, valueAt: number): Parts {
		const {address, dport, sport, flags, protocol} = this.places;
		return {
			out: ((keys[keyAt + flags] ?? 0) & keyFlags.in) === 0,
			protocol: keys[keyAt + protocol] ?? 0,
			source: {address: [keys, keyAt + address], port: [keys, keyAt + sport]},
			destination: {address: [keys, keyAt], port: [keys, keyAt + dport]},
			to: this.saysOf(values, valueAt),
		};
	}

	/** Whether the flow's other entry is there and says the same of it; undefined: it is not. */
	agrees(parts: Parts): boolean | undefined {
		const mapped = this.ofIpv6(parts);
		if (mapped !== undefined) return this.ipv6?.agrees(mapped);
		const {out, protocol, source, destination, to} = parts;
		if (out) this.fill(destination, to, protocol, keyFlags.in);
		else this.fill(to, source, protocol, 0);
		if (this.tables.nat.get(this.key, this.value) === undefined) return undefined;
		const other = this.saysOf(this.value, 0);
		const wanted = out ? source : destination;
		return (
			isEqual(other.address, wanted.address, this.places.address) &&
			isEqual(other.port, wanted.port, 2)
		);
	}

	/** Whether conntrack has the flow. */
	hasFlow(parts: Parts): boolean {
		const mapped = this.ofIpv6(parts);
		if (mapped !== undefined) return this.ipv6?.hasFlow(mapped) === true;
		const {out, protocol, source, destination, to} = parts;
		if (!out) return this.findFlow(to, source, protocol) !== undefined;
		if (this.findFlow(source, destination, protocol) !== undefined) return true;
		// What a backend answers from its service's address: the flow was opened by who gets it. It is
		// one to the backend; nodes of Cilium keep it as one from it.
		return [keyFlags.in, 0].some(direction => {
			const flow = this.findFlow(destination, source, protocol, direction);
			if (flow === undefined) return false;
			const flags = viewOf(flow).getUint16(entryPlaces.flags, hostLittleEndian);
			return (flags & entryFlags.DSRInternal) !== 0;
		});
	}

	/** What an entry of IPv4 that only keeps a port for a flow of IPv6 keeps it for. */
	private ofIpv6({out, protocol, source, destination, to}: Parts): Parts | undefined {
		const isOwn =
			!out &&
			isEqual(to.address, destination.address, this.places.address) &&
			isEqual(to.port, destination.port, 2);
		return isOwn ? this.ipv6?.findMapped(protocol, source, destination) : undefined;
	}

	/** The entry of what answers, by its addresses of IPv4. */
	private findMapped(protocol: number, from: Side, node: Side): Parts | undefined {
		const [source, destination] = [mappedSide(from), mappedSide(node)];
		this.fill(source, destination, protocol, keyFlags.in);
		if (this.tables.nat.get(this.key, this.value) === undefined) return undefined;
		const to = this.saysOf(this.value.slice(), 0);
		return {out: false, protocol, source, destination, to};
	}

	private saysOf(values: Uint8Array, at: number): Side {
		const {address, port} = this.valuePlaces;
		return {address: [values, at + address], port: [values, at + port]};
	}

	private findFlow(
		opener: Side,
		peer: Side,
		protocol: number,
		direction = 0,
	): Uint8Array | undefined {
		const flows = protocol === 6 ? this.tables.tcp : this.tables.any;
		// Keys of conntrack have the addresses exchanged.
		const source = {address: peer.address, port: opener.port};
		const destination = {address: opener.address, port: peer.port};
		this.fill(source, destination, protocol, direction);
		return flows?.get(this.key, this.flow);
	}

	private fill(source: Side, destination: Side, protocol: number, flags: number): void {
		const {key, places} = this;
		copy(destination.address, key, 0, places.address);
		copy(source.address, key, places.address, places.address);
		copy(destination.port, key, places.dport, 2);
		copy(source.port, key, places.sport, 2);
		key[places.protocol] = protocol;
		key[places.flags] = flags;
	}
}

/** An address of IPv4 in the form of IPv6. */
function mappedSide({address, port}: Side): Side {
	const mapped = new Uint8Array(16).fill(0xff, 10, 12);
	copy(address, mapped, 12, 4);
	return {address: [mapped, 0], port};
}

function copy([from, at]: Piece, to: Uint8Array, place: number, size: number): void {
	for (let i = 0; i < size; i++) to[place + i] = from[at + i] ?? 0;
}

function isEqual([a, aAt]: Piece, [b, bAt]: Piece, size: number): boolean {
	for (let i = 0; i < size; i++) if (a[aAt + i] !== b[bAt + i]) return false;
	return true;
}

/**
 * Entries that are to go: conntrack does not have their flow, or the flow's other entry is another
 * one's. An entry that has lost its other one stays while its flow lives: the programs mend it. What
 * was made after `youngest`, in the datapath's time, stays in any case.
 */
export function orphans(family: 4 | 6, tables: NatTables, youngest: number): FlowMatch {
	const relations = new NatRelations(family, tables);
	const {created} = natPlaces[family];
	return (keys, values) => {
		const view = viewOf(values);
		return (keyAt, valueAt) => {
			if (Number(view.getBigUint64(valueAt + created, hostLittleEndian)) > youngest)
				return false;
			const parts = relations.read(keys, keyAt, values, valueAt);
			return relations.agrees(parts) === false || !relations.hasFlow(parts);
		};
	};
}
