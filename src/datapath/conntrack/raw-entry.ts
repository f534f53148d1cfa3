/**
 * What of keys and entries stands in the same place in every version. Millions of entries are looked
 * at by these bytes, and only those that are wanted are decoded.
 */

import {hostLittleEndian} from '../../base/bytes.js';

/** Offsets of a key's fields that depend on the length of addresses. */
export interface KeyPlaces {
	/** Bytes of an address; the opener's stands first, its peer's after it. */
	readonly address: number;
	readonly dport: number;
	readonly sport: number;
	readonly protocol: number;
	readonly flags: number;
}

/** Places in the keys of a family. */
export const keyPlaces: Readonly<Record<4 | 6, KeyPlaces>> = {
	4: {address: 4, dport: 8, sport: 10, protocol: 12, flags: 13},
	6: {address: 16, dport: 32, sport: 34, protocol: 36, flags: 37},
};

/** Flags of keys. */
export const keyFlags = {in: 1, related: 2, service: 4} as const;

/** Flags of entries by what other tools print, and their bits. */
export const entryFlags = {
	RxClosing: 0x0001,
	TxClosing: 0x0002,
	LBLoopback: 0x0008,
	SeenNonSyn: 0x0010,
	NodePort: 0x0020,
	ProxyRedirect: 0x0040,
	DSRInternal: 0x0080,
	FromL7LB: 0x0100,
	FromTunnel: 0x0400,
} as const;

/** Name of a flag of an entry. */
export type FlowFlag = keyof typeof entryFlags;

export const entryPlaces = {lifetime: 32, flags: 36, identity: 44, lastRxReport: 52} as const;

/** Reads entries out of the bytes of many. */
export class EntryReader {
	private readonly view: DataView;

	constructor(values: Uint8Array) {
		this.view = new DataView(values.buffer, values.byteOffset, values.byteLength);
	}

	lifetime(at: number): number {
		return this.view.getUint32(at + entryPlaces.lifetime, hostLittleEndian);
	}

	flags(at: number): number {
		return this.view.getUint16(at + entryPlaces.flags, hostLittleEndian);
	}

	identity(at: number): number {
		return this.view.getUint32(at + entryPlaces.identity, hostLittleEndian);
	}

	/** Whether the opener's peer sent anything. */
	isReplied(at: number): boolean {
		return this.view.getUint32(at + entryPlaces.lastRxReport, hostLittleEndian) !== 0;
	}
}

/**
 * How far a flow is. TCP: `opening` until more than SYNs were seen, `closing` after a FIN or RST from
 * one end, `closed` after both or where it was refused. Others: `replied` once the peer answered.
 */
export type FlowState = 'opening' | 'established' | 'closing' | 'closed' | 'unreplied' | 'replied';

/** All states. */
export const flowStates: readonly FlowState[] = [
	'opening',
	'established',
	'closing',
	'closed',
	'unreplied',
	'replied',
];

const closings = entryFlags.RxClosing | entryFlags.TxClosing;

export function stateOf(tcp: boolean, flags: number, replied: boolean): FlowState {
	if ((flags & closings) === closings) return 'closed';
	if (!tcp) return replied ? 'replied' : 'unreplied';
	if ((flags & closings) !== 0) return 'closing';
	return (flags & entryFlags.SeenNonSyn) === 0 ? 'opening' : 'established';
}
