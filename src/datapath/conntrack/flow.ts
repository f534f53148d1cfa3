/** Flows, as people speak of them, and as conntrack has them. */

import {parsePrefix} from '../../base/address.js';
import {UsageError} from '../../base/errors.js';
import type {CtEntry, CtTuple} from '../layout/conntrack.js';
import {protocolName, protocolNumber} from '../protocols.js';
import type {ClockReading} from './flow-clock.js';
import {entryFlags, keyFlags, stateOf, type FlowFlag, type FlowState} from './raw-entry.js';

/**
 * From whose side a flow was entered: it was opened by the endpoint (`out`), or to it (`in`), or is
 * a client's choice of a service's backend (`service`). A flow from endpoint to endpoint has two entries.
 */
export type FlowDirection = 'in' | 'out' | 'service';

/** All directions. */
export const flowDirections: readonly FlowDirection[] = ['in', 'out', 'service'];

/** What a flow is known by. Source is who opened it. */
export interface FlowKey {
	/** `tcp`, `udp`, `icmp`, `icmpv6`, `sctp`, or a number as text. */
	readonly protocol: string;
	readonly direction: FlowDirection;
	readonly source: string;
	/** Of ICMP echo its identifier; 0 unless given. */
	readonly sourcePort?: number;
	readonly destination: string;
	/** 0 unless given. */
	readonly destinationPort?: number;
	/** Entry for ICMP errors about other flows: false unless given. */
	readonly related?: boolean;
}

/**
 * Packets and bytes of one direction. Of a flow between endpoints of one node those of its last second
 * may not be counted yet: `local_shortcuts=0` of `datapathUp`'s constants has each counted at once.
 */
export interface FlowCounts {
	readonly packets: bigint;
	readonly bytes: bigint;
}

/** An entry of conntrack. `tx` is from source to destination, `rx` is back. */
export interface Flow extends Required<FlowKey> {
	readonly family: 4 | 6;
	readonly state: FlowState;
	/** Seconds from now until it ends; below 0 where it is over and waits for its removal. */
	readonly expires: number;
	/** The same as the entry has it: time of the clock of its datapath. */
	readonly lifetime: number;
	/** Both directions together; 0 where the datapath does not count. */
	readonly packets: bigint;
	readonly bytes: bigint;
	/** By direction: Cilium 1.15 only. */
	readonly rx?: FlowCounts;
	readonly tx?: FlowCounts;
	readonly flags: readonly FlowFlag[];
	/** The same as the entry has them. */
	readonly flagBits: number;
	/** TCP flags seen, as in the header: FIN 1, SYN 2, RST 4 … */
	readonly txFlagsSeen: number;
	readonly rxFlagsSeen: number;
	/** When an event was told last: time of the clock of its datapath. */
	readonly lastTxReport: number;
	readonly lastRxReport: number;
	/** Number of the service. */
	readonly revNat: number;
	readonly sourceIdentity: number;
	/** Of a service's flow. */
	readonly backendId?: bigint;
	/** The policy that let it pass: skep only; 0: none of now. */
	readonly policyRevision?: number;
	/** What the source is translated to: from Cilium 1.19. */
	readonly natAddress?: string;
	readonly natPort?: number;
}

const noAddress: ReadonlySet<string> = new Set(['::', '0.0.0.0']);

/** The flow of an entry. */
export function flowOf(tuple: CtTuple, entry: CtEntry, family: 4 | 6, clock: ClockReading): Flow {
	const {flags} = tuple;
	const direction = directionOf(flags);
	const named = flagsOf(entry);
	const mask = named.reduce((sum, name) => sum | entryFlags[name], 0);
	const byDirection = countsOf(entry, direction);
	return {
		protocol: protocolName(tuple.nexthdr),
		direction,
		// Keys have the addresses exchanged.
		source: tuple.daddr,
		sourcePort: tuple.sport,
		destination: tuple.saddr,
		destinationPort: tuple.dport,
		related: (flags & keyFlags.related) !== 0,
		family,
		state: stateOf(tuple.nexthdr === 6, mask, entry.last_rx_report !== 0),
		expires: Math.round((entry.lifetime - clock.now) * clock.seconds),
		lifetime: entry.lifetime,
		packets: entry.packets ?? byDirection.rx.packets + byDirection.tx.packets,
		bytes: entry.bytes ?? byDirection.rx.bytes + byDirection.tx.bytes,
		...(entry.rx_packets === undefined ? {} : byDirection),
		flags: named,
		flagBits: mask,
		txFlagsSeen: entry.tx_flags_seen,
		rxFlagsSeen: entry.rx_flags_seen,
		lastTxReport: entry.last_tx_report,
		lastRxReport: entry.last_rx_report,
		revNat: entry.rev_nat_index,
		sourceIdentity: entry.src_sec_id,
		...(direction === 'service' && entry.backend_id !== undefined
			? {backendId: entry.backend_id}
			: {}),
		...(entry.policy_revision === undefined ? {} : {policyRevision: entry.policy_revision}),
		...natOf(entry, direction),
	};
}

function directionOf(flags: number): FlowDirection {
	if ((flags & keyFlags.service) !== 0) return 'service';
	return (flags & keyFlags.in) === 0 ? 'out' : 'in';
}

function flagsOf(entry: CtEntry): FlowFlag[] {
	const set: FlowFlag[] = [];
	if (entry.rx_closing) set.push('RxClosing');
	if (entry.tx_closing) set.push('TxClosing');
	if (entry.lb_loopback) set.push('LBLoopback');
	if (entry.seen_non_syn) set.push('SeenNonSyn');
	if (entry.node_port) set.push('NodePort');
	if (entry.proxy_redirect) set.push('ProxyRedirect');
	if (entry.dsr_internal) set.push('DSRInternal');
	if (entry.from_l7lb) set.push('FromL7LB');
	if (entry.from_tunnel) set.push('FromTunnel');
	return set;
}

function countsOf(entry: CtEntry, direction: FlowDirection): {rx: FlowCounts; tx: FlowCounts} {
	const {rx_packets = 0n, rx_bytes = 0n, tx_packets = 0n, tx_bytes = 0n} = entry;
	// A service's entry has its backend in the place of these bytes.
	const bytes = direction === 'service' ? 0n : rx_bytes;
	return {rx: {packets: rx_packets, bytes}, tx: {packets: tx_packets, bytes: tx_bytes}};
}

function natOf(
	{nat_addr: address, nat_port: port}: CtEntry,
	direction: FlowDirection,
): {natAddress?: string; natPort?: number} {
	// The backend of a service stands in the same bytes.
	if (direction === 'service' || address === undefined || noAddress.has(address)) return {};
	return {natAddress: fourOf(address), ...(port === undefined ? {} : {natPort: port})};
}

/** An IPv4 address stands in the last of 16 bytes, the others are zero. */
function fourOf(address: string): string {
	const {address: bytes} = parsePrefix(address);
	return bytes.subarray(0, 12).every(byte => byte === 0) ? bytes.subarray(12).join('.') : address;
}

/** Where a flow's entry is, if it has one. *Throws:* `ERR_USAGE`, `ERR_ADDRESS`. */
export function tupleOf(key: FlowKey): {family: 4 | 6; tcp: boolean; tuple: CtTuple} {
	const {direction, source, sourcePort = 0, destination, destinationPort = 0} = key;
	const sides = [source, destination].map(text => {
		const {address, length} = parsePrefix(text);
		if (length === address.length * 8) return address.length;
		throw new UsageError(`find flow of "${text}": expected an address`);
	});
	if (sides[0] !== sides[1]) {
		throw new UsageError(
			`find flow "${source}" -> "${destination}": addresses of two families`,
		);
	}

	const nexthdr = protocolNumber(key.protocol);
	const flags =
		(direction === 'in' ? keyFlags.in : direction === 'service' ? keyFlags.service : 0) |
		(key.related === true ? keyFlags.related : 0);
	const [dport, sport] = [destinationPort, sourcePort];
	return {
		family: sides[0] === 4 ? 4 : 6,
		tcp: nexthdr === 6,
		tuple: {daddr: source, saddr: destination, dport, sport, nexthdr, flags},
	};
}
