import {formatIpv4} from '../../base/address.js';
import {UsageError} from '../../base/errors.js';
import {foldSum, sumOf} from './checksum.js';
import type {Codec} from './codec.js';
import {draft, type DraftOf, type OptionsOf, type Wrong} from './fields.js';
import type {Packet} from './packet.js';

/** ICMP for IPv4. Which of the optional fields there are, its type decides. */
export interface IcmpLayer {
	readonly layer: 'icmp';
	/** As in `IcmpType`. Default: 8, an echo request. */
	readonly type: number;
	/** Default: 0. */
	readonly code: number;
	readonly checksum: number;
	/** Of echoes and timestamps. Default: 1. */
	readonly identifier?: number | undefined;
	/** Of echoes and timestamps. Default: 1. */
	readonly sequence?: number | undefined;
	/** Of redirects: the better router. */
	readonly gateway?: string | undefined;
	/** Of `unreachable`, the MTU to be used: the second half of `rest`. */
	readonly mtu?: number | undefined;
	/** The four bytes after the checksum, where they are none of the above. */
	readonly rest?: number | undefined;
	/** Of errors: the packet complained of, or its beginning, from its IP header on. */
	readonly original?: Packet | undefined;
	readonly wrong?: Wrong<'checksum'>;
}

/** Types of ICMP. */
export const IcmpType = {
	echoReply: 0,
	unreachable: 3,
	sourceQuench: 4,
	redirect: 5,
	echoRequest: 8,
	timeExceeded: 11,
	parameterProblem: 12,
	timestampRequest: 13,
	timestampReply: 14,
} as const;

const codes = {
	network: 0,
	host: 1,
	protocol: 2,
	port: 3,
	fragmentationNeeded: 4,
	sourceRouteFailed: 5,
	networkProhibited: 9,
	hostProhibited: 10,
	administrativelyProhibited: 13,
} as const;

/** What `icmp()` is given. */
export interface IcmpOptions extends Omit<OptionsOf<IcmpLayer>, 'type' | 'code' | 'original'> {
	readonly type?: keyof typeof IcmpType | number | undefined;
	/** The names are those of `unreachable`. */
	readonly code?: keyof typeof codes | number | undefined;
	/** A packet, of which 548 bytes from its IP header on are taken; or bytes, taken as they are. */
	readonly original?: Packet | Uint8Array | undefined;
}

/** A layer made by `icmp()`, for `packet()`. */
export type IcmpDraft = DraftOf<'icmp', IcmpOptions>;

const fields = [
	...['type', 'code', 'checksum', 'identifier', 'sequence', 'gateway', 'mtu', 'rest'],
	'original',
];

/** RFC 1812: an error has at most 576 bytes. */
const mostOriginal = 576 - 20 - 8;

/** An ICMP message; what it echoes follows as a payload. *Throws:* `ERR_USAGE` for an unknown field. */
export function icmp(options: IcmpOptions = {}): IcmpDraft {
	const made = draft('icmp', fields, options);
	return {...made, original: originalBytes(options.original, mostOriginal)};
}

/** What an error carries of a packet that a user gives. */
export function originalBytes(
	original: Packet | Uint8Array | undefined,
	most: number,
): Uint8Array | undefined {
	if (original === undefined || original instanceof Uint8Array) return original;
	return original.networkBytes.subarray(0, most);
}

/** The packet that an error carries; an empty one when none was given. */
export function completeOriginal(
	given: Packet | Uint8Array | undefined,
	read: (bytes: Uint8Array) => Packet,
): Packet {
	if (given === undefined) return read(new Uint8Array(0));
	return given instanceof Uint8Array ? read(given) : given;
}

type Form = 'echo' | 'redirect' | 'unreachable' | 'error' | 'other';

function formOf(type: number): Form {
	switch (type) {
		case IcmpType.echoReply:
		case IcmpType.echoRequest:
		case IcmpType.timestampRequest:
		case IcmpType.timestampReply:
			return 'echo';
		case IcmpType.redirect:
			return 'redirect';
		case IcmpType.unreachable:
			return 'unreachable';
		case IcmpType.sourceQuench:
		case IcmpType.timeExceeded:
		case IcmpType.parameterProblem:
			return 'error';
		default:
			return 'other';
	}
}

/** A number that may have a name. *Throws:* `ERR_USAGE` for a name that there is not. */
export function numberOf(
	layer: string,
	field: string,
	value: number | string,
	named: Readonly<Record<string, number>>,
): number {
	if (typeof value === 'number') return value;
	const number = Object.hasOwn(named, value) ? named[value] : undefined;
	if (number !== undefined) return number;
	const wanted = Object.keys(named).join(', ');
	throw new UsageError(
		`build ${layer}: ${field} is "${value}", not a number or one of ${wanted}`,
	);
}

export const icmpCodec: Codec<IcmpLayer, IcmpDraft> = {
	derived: ['checksum'],
	size: ({original}) => 8 + (original?.bytes.length ?? 0),
	complete(given, {original: read}) {
		const type = numberOf('icmp', 'type', given.type ?? IcmpType.echoRequest, IcmpType);
		const code = numberOf('icmp', 'code', given.code ?? 0, codes);
		const head = {layer: 'icmp', type, code, checksum: given.checksum ?? 0} as const;
		const form = formOf(type);
		const rest = given.rest ?? 0;
		if (form === 'echo') {
			return {...head, identifier: given.identifier ?? 1, sequence: given.sequence ?? 1};
		}

		if (form === 'other') return {...head, rest};
		const original = completeOriginal(given.original, read);
		if (form === 'redirect') return {...head, gateway: given.gateway ?? '192.0.2.1', original};
		if (form === 'unreachable') return {...head, mtu: given.mtu ?? 0, rest, original};
		return {...head, rest, original};
	},
	write(layer, out) {
		out.u8('type', layer.type);
		out.u8('code', layer.code);
		out.u16('checksum', layer.checksum);
		if (layer.identifier !== undefined) {
			out.u16('identifier', layer.identifier);
			out.u16('sequence', layer.sequence ?? 0);
		} else if (layer.gateway !== undefined) {
			out.ipv4('gateway', layer.gateway);
		} else if (layer.mtu !== undefined) {
			out.u16('rest', layer.rest ?? 0);
			out.u16('mtu', layer.mtu);
		} else {
			out.u32('rest', layer.rest ?? 0);
		}

		if (layer.original) out.raw(layer.original.bytes);
	},
	read({bytes, view, start, end, original}) {
		if (end - start < 8) return `${end - start} of 8 bytes`;
		const type = view.getUint8(start);
		const head = {
			layer: 'icmp',
			type,
			code: view.getUint8(start + 1),
			checksum: view.getUint16(start + 2),
		} as const;
		const rest = view.getUint32(start + 4);
		const [high, low] = [rest >>> 16, rest & 0xffff];
		const form = formOf(type);
		if (form === 'echo') {
			return {layer: {...head, identifier: high, sequence: low}, size: 8, next: 'payload'};
		}

		if (form === 'other') return {layer: {...head, rest}, size: 8, next: 'payload'};
		const carried = original(bytes.subarray(start + 8, end));
		const size = end - start;
		if (form === 'redirect') {
			const gateway = formatIpv4(view, start + 4);
			return {layer: {...head, gateway, original: carried}, size, next: 'padding'};
		}

		if (form === 'unreachable') {
			const layer = {...head, mtu: low, rest: high, original: carried};
			return {layer, size, next: 'padding'};
		}

		return {layer: {...head, rest, original: carried}, size, next: 'padding'};
	},
	checksum: {
		offset: 2,
		bytes: 2,
		compute(bytes, stack, index) {
			const self = stack[index];
			if (!self || self.cut) return undefined;
			const {start, end} = self;
			const field = ((bytes[start + 2] ?? 0) << 8) | (bytes[start + 3] ?? 0);
			return foldSum(sumOf(bytes, start, end) - field);
		},
	},
};
