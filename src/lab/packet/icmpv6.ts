import {formatIpv6} from '../../base/address.js';
import type {Codec, Read} from './codec.js';
import {draft, type DraftOf, type OptionsOf, type Wrong} from './fields.js';
import {completeOriginal, numberOf, originalBytes} from './icmp.js';
import {
	readNeighbourOptions,
	sizeOfNeighbourOptions,
	writeNeighbourOptions,
	type NeighbourOption,
} from './neighbour-options.js';
import type {Packet} from './packet.js';
import {pseudoChecksum} from './pseudo-header.js';

/** ICMPv6 with neighbour discovery. Which of the optional fields there are, its type decides. */
export interface Icmpv6Layer {
	readonly layer: 'icmpv6';
	/** As in `Icmpv6Type`. Default: 128, an echo request. */
	readonly type: number;
	/** Default: 0. */
	readonly code: number;
	readonly checksum: number;
	/** Of echoes. Default: 1. */
	readonly identifier?: number | undefined;
	/** Of echoes. Default: 1. */
	readonly sequence?: number | undefined;
	/** Of `packetTooBig`. Default: 1280. */
	readonly mtu?: number | undefined;
	/**
	 * The four bytes after the checksum, where they are none of the above: flags of advertisements,
	 * the pointer of a parameter problem.
	 */
	readonly rest?: number | undefined;
	/** Of errors: the packet complained of, or its beginning, from its IP header on. */
	readonly original?: Packet | undefined;
	/** Of neighbour messages and redirects. Default: 2001:db8::2. */
	readonly target?: string | undefined;
	/** Of redirects. */
	readonly destination?: string | undefined;
	/** Of router advertisements, milliseconds. Default: 0, unspecified. */
	readonly reachableTime?: number | undefined;
	/** Of router advertisements, milliseconds. Default: 0, unspecified. */
	readonly retransmitTime?: number | undefined;
	/** Of neighbour discovery. */
	readonly options?: readonly NeighbourOption[] | undefined;
	readonly wrong?: Wrong<'checksum'>;
}

/** Types of ICMPv6. */
export const Icmpv6Type = {
	unreachable: 1,
	packetTooBig: 2,
	timeExceeded: 3,
	parameterProblem: 4,
	echoRequest: 128,
	echoReply: 129,
	routerSolicitation: 133,
	routerAdvertisement: 134,
	neighbourSolicitation: 135,
	neighbourAdvertisement: 136,
	redirect: 137,
} as const;

const codes = {
	noRoute: 0,
	prohibited: 1,
	beyondScope: 2,
	address: 3,
	port: 4,
	sourcePolicy: 5,
	rejectRoute: 6,
} as const;

/** What `icmpv6()` is given. */
export interface Icmpv6Options extends Omit<OptionsOf<Icmpv6Layer>, 'type' | 'code' | 'original'> {
	readonly type?: keyof typeof Icmpv6Type | number | undefined;
	/** The names are those of `unreachable`. */
	readonly code?: keyof typeof codes | number | undefined;
	/** A packet, of which 1232 bytes from its IP header on are taken; or bytes, taken as they are. */
	readonly original?: Packet | Uint8Array | undefined;
	/** Of neighbour advertisements: the sender is a router. */
	readonly router?: boolean | undefined;
	/** Of neighbour advertisements: it answers a question. */
	readonly solicited?: boolean | undefined;
	/** Of neighbour advertisements: it replaces what is known. */
	readonly override?: boolean | undefined;
	/** Of router advertisements. Default: 0, unspecified. */
	readonly hopLimit?: number | undefined;
	/** Of router advertisements: addresses are to be had by DHCPv6. */
	readonly managed?: boolean | undefined;
	/** Of router advertisements: other settings are to be had by DHCPv6. */
	readonly otherSettings?: boolean | undefined;
	/** Of router advertisements, seconds. Default: 0, not a default router. */
	readonly routerLifetime?: number | undefined;
}

/** A layer made by `icmpv6()`, for `packet()`. */
export type Icmpv6Draft = DraftOf<'icmpv6', Icmpv6Options>;

const fields = [
	...['type', 'code', 'checksum', 'identifier', 'sequence', 'mtu', 'rest', 'original', 'target'],
	...['destination', 'reachableTime', 'retransmitTime', 'options', 'router', 'solicited'],
	...['override', 'hopLimit', 'managed', 'otherSettings', 'routerLifetime'],
];

/** RFC 4443: an error has at most 1280 bytes. */
const mostOriginal = 1280 - 40 - 8;

/** An ICMPv6 message; what it echoes follows as a payload. *Throws:* `ERR_USAGE` for an unknown field. */
export function icmpv6(options: Icmpv6Options = {}): Icmpv6Draft {
	const made = draft('icmpv6', fields, options);
	return {...made, original: originalBytes(options.original, mostOriginal)};
}

function restOf(given: Icmpv6Draft): number {
	const {router, solicited, override, hopLimit, managed, otherSettings, routerLifetime} = given;
	const flags =
		(router ? 0x8000_0000 : 0) + (solicited ? 0x4000_0000 : 0) + (override ? 0x2000_0000 : 0);
	const advertised =
		(hopLimit ?? 0) * 0x100_0000 +
		(managed ? 0x80_0000 : 0) +
		(otherSettings ? 0x40_0000 : 0) +
		(routerLifetime ?? 0);
	return given.rest ?? flags + advertised;
}

const none: readonly NeighbourOption[] = [];

/** Bytes between the first eight and the options. */
const fixedSizes: Readonly<Record<number, number>> = {133: 0, 134: 8, 135: 16, 136: 16, 137: 32};

const isEcho = (type: number): boolean => type === 128 || type === 129;

export const icmpv6Codec: Codec<Icmpv6Layer, Icmpv6Draft> = {
	derived: ['checksum'],
	size(layer) {
		const options = sizeOfNeighbourOptions(layer.options ?? none);
		return 8 + (layer.original?.bytes.length ?? 0) + fixedSizeOf(layer) + options;
	},
	complete(given, {original: read}) {
		const type = numberOf('icmpv6', 'type', given.type ?? Icmpv6Type.echoRequest, Icmpv6Type);
		const code = numberOf('icmpv6', 'code', given.code ?? 0, codes);
		const head = {layer: 'icmpv6', type, code, checksum: given.checksum ?? 0} as const;
		if (isEcho(type)) {
			return {...head, identifier: given.identifier ?? 1, sequence: given.sequence ?? 1};
		}

		const rest = restOf(given);
		if (type in fixedSizes && (given.options !== undefined || given.rest === undefined)) {
			const {options = none, target = '2001:db8::2'} = given;
			if (type === 133) return {...head, rest, options};
			if (type === 134) {
				const {reachableTime = 0, retransmitTime = 0} = given;
				return {...head, rest, reachableTime, retransmitTime, options};
			}

			if (type < 137) return {...head, rest, target, options};
			return {...head, rest, target, destination: given.destination ?? target, options};
		}

		if (type === 0 || type > 4) return {...head, rest};
		const original = completeOriginal(given.original, read);
		return type === Icmpv6Type.packetTooBig
			? {...head, mtu: given.mtu ?? 1280, original}
			: {...head, rest, original};
	},
	write(layer, out) {
		out.u8('type', layer.type);
		out.u8('code', layer.code);
		out.u16('checksum', layer.checksum);
		if (layer.identifier !== undefined) {
			out.u16('identifier', layer.identifier);
			out.u16('sequence', layer.sequence ?? 0);
		} else {
			out.u32(layer.mtu === undefined ? 'rest' : 'mtu', layer.mtu ?? layer.rest ?? 0);
		}

		if (layer.reachableTime !== undefined) out.u32('reachableTime', layer.reachableTime);
		if (layer.retransmitTime !== undefined) out.u32('retransmitTime', layer.retransmitTime);
		if (layer.target !== undefined) out.ipv6('target', layer.target);
		if (layer.destination !== undefined) out.ipv6('destination', layer.destination);
		if (layer.options) writeNeighbourOptions(layer.options, out);
		if (layer.original) out.raw(layer.original.bytes);
	},
	read({bytes, view, start, end, original}) {
		if (end - start < 8) return `${end - start} of 8 bytes`;
		const type = view.getUint8(start);
		const head = {
			layer: 'icmpv6',
			type,
			code: view.getUint8(start + 1),
			checksum: view.getUint16(start + 2),
		} as const;
		const rest = view.getUint32(start + 4);
		if (isEcho(type)) {
			const layer = {...head, identifier: rest >>> 16, sequence: rest & 0xffff};
			return {layer, size: 8, next: 'payload'};
		}

		const fixed = fixedSizes[type];
		const body = start + 8;
		if (fixed !== undefined && end - body >= fixed) {
			const options = readNeighbourOptions(bytes, view, body + fixed, end);
			return ended({...head, rest, ...readFixed(type, view, body), options}, end - start);
		}

		// A type that is not known, or too short for its own.
		if (type === 0 || type > 4) return {layer: {...head, rest}, size: 8, next: 'payload'};
		const carried = original(bytes.subarray(body, end));
		const own = type === Icmpv6Type.packetTooBig ? {mtu: rest} : {rest};
		return ended({...head, ...own, original: carried}, end - start);
	},
	checksum: pseudoChecksum(58, 2),
};

function ended(layer: Icmpv6Layer, size: number): Read<Icmpv6Layer> {
	return {layer, size, next: 'padding'};
}

function fixedSizeOf(layer: Icmpv6Layer): number {
	return layer.options ? (fixedSizes[layer.type] ?? 0) : 0;
}

function readFixed(type: number, view: DataView, body: number): Partial<Icmpv6Layer> {
	if (type === 133) return {};
	if (type === 134) {
		return {reachableTime: view.getUint32(body), retransmitTime: view.getUint32(body + 4)};
	}

	const target = formatIpv6(view, body);
	return type === 137 ? {target, destination: formatIpv6(view, body + 16)} : {target};
}
