import {formatIpv4} from '../../base/address.js';
import {foldSum, sumOf} from './checksum.js';
import type {Codec} from './codec.js';
import {draft, setWrong, type DraftOf, type OptionsOf, type Wrong} from './fields.js';
import {
	readIpv4Options,
	sizeOfIpv4Options,
	writeIpv4Options,
	type Ipv4Option,
} from './ipv4-options.js';
import {experimentalProtocol, layerOfProtocol, protocols} from './numbers.js';

/** An IPv4 header. */
export interface Ipv4Layer {
	readonly layer: 'ipv4';
	/** Bytes. */
	readonly headerLength: number;
	/** 0 to 63. Default: 0. */
	readonly dscp: number;
	/** 0 to 3. Default: 0. */
	readonly ecn: number;
	/** Bytes of header and what it carries. */
	readonly totalLength: number;
	/** Default: 0. */
	readonly identification: number;
	/** The first of the three flags, which has no meaning. */
	readonly reserved: boolean;
	readonly dontFragment: boolean;
	readonly moreFragments: boolean;
	/** Bytes, a multiple of 8. Default: 0. */
	readonly fragmentOffset: number;
	/** Default: 64. */
	readonly ttl: number;
	/** What follows; 253, for experiments, by default when that is a payload. */
	readonly protocol: number;
	readonly checksum: number;
	/** Default: 192.0.2.1. */
	readonly source: string;
	/** Default: 192.0.2.2. */
	readonly destination: string;
	readonly options: readonly Ipv4Option[];
	readonly wrong?: Wrong<'headerLength' | 'totalLength' | 'checksum'>;
}

/** What `ipv4()` is given. */
export type Ipv4Options = OptionsOf<Ipv4Layer>;
/** A layer made by `ipv4()`, for `packet()`. */
export type Ipv4Draft = DraftOf<'ipv4', Ipv4Options>;

const fields = [
	...['headerLength', 'dscp', 'ecn', 'totalLength', 'identification', 'reserved'],
	...['dontFragment', 'moreFragments', 'fragmentOffset', 'ttl', 'protocol', 'checksum'],
	...['source', 'destination', 'options'],
];

/** An IPv4 header. *Throws:* `ERR_USAGE` for an unknown field. */
export function ipv4(options: Ipv4Options = {}): Ipv4Draft {
	return draft('ipv4', fields, options);
}

const none: readonly Ipv4Option[] = [];

export const ipv4Codec: Codec<Ipv4Layer, Ipv4Draft> = {
	derived: ['headerLength', 'totalLength', 'protocol', 'checksum'],
	bounded: true,
	size: ({options}) => 20 + sizeOfIpv4Options(options),
	complete(given, {next, length, cut}) {
		const options = given.options ?? none;
		const size = 20 + sizeOfIpv4Options(options);
		const named = next === undefined ? undefined : protocols[next.layer];
		const layer: Ipv4Layer = {
			layer: 'ipv4',
			headerLength: given.headerLength ?? size,
			dscp: given.dscp ?? 0,
			ecn: given.ecn ?? 0,
			totalLength: given.totalLength ?? size + length,
			identification: given.identification ?? 0,
			reserved: given.reserved ?? false,
			dontFragment: given.dontFragment ?? false,
			moreFragments: given.moreFragments ?? false,
			fragmentOffset: given.fragmentOffset ?? 0,
			ttl: given.ttl ?? 64,
			protocol: given.protocol ?? named ?? experimentalProtocol,
			checksum: given.checksum ?? 0,
			source: given.source ?? '192.0.2.1',
			destination: given.destination ?? '192.0.2.2',
			options,
		};
		if (layer.headerLength !== size) setWrong(layer, 'headerLength', size);
		if (layer.totalLength !== size + length && !cut) {
			setWrong(layer, 'totalLength', size + length);
		}

		return layer;
	},
	write(layer, out) {
		if (layer.headerLength % 4 !== 0) {
			out.refuse('headerLength', String(layer.headerLength), 'a multiple of 4');
		}

		if (layer.fragmentOffset % 8 !== 0) {
			out.refuse('fragmentOffset', String(layer.fragmentOffset), 'a multiple of 8');
		}

		out.u8('version', 0x40 | out.bits('headerLength / 4', layer.headerLength / 4, 4, 0));
		out.u8('dscp', out.bits('dscp', layer.dscp, 6, 2) | out.bits('ecn', layer.ecn, 2, 0));
		out.u16('totalLength', layer.totalLength);
		out.u16('identification', layer.identification);
		const offset = out.bits('fragmentOffset / 8', layer.fragmentOffset / 8, 13, 0);
		const flags =
			(layer.reserved ? 0x8000 : 0) |
			(layer.dontFragment ? 0x4000 : 0) |
			(layer.moreFragments ? 0x2000 : 0);
		out.u16('fragmentOffset', flags | offset);
		out.u8('ttl', layer.ttl);
		out.u8('protocol', layer.protocol);
		out.u16('checksum', layer.checksum);
		out.ipv4('source', layer.source);
		out.ipv4('destination', layer.destination);
		writeIpv4Options(layer.options, out);
	},
	read({bytes, view, start, end, cut}) {
		if (end - start < 20) return `${end - start} of 20 bytes`;
		const first = view.getUint8(start);
		if (first >> 4 !== 4) return `version ${first >> 4}`;
		const size = (first & 15) * 4;
		if (size < 20) return `header length ${size}`;
		if (end - start < size) return `${end - start} of ${size} bytes of header`;
		const service = view.getUint8(start + 1);
		const totalLength = view.getUint16(start + 2);
		const flags = view.getUint16(start + 6);
		const fragmentOffset = (flags & 0x1fff) * 8;
		const moreFragments = (flags & 0x2000) !== 0;
		const protocol = view.getUint8(start + 9);
		const layer: Ipv4Layer = {
			layer: 'ipv4',
			headerLength: size,
			dscp: service >> 2,
			ecn: service & 3,
			totalLength,
			identification: view.getUint16(start + 4),
			reserved: (flags & 0x8000) !== 0,
			dontFragment: (flags & 0x4000) !== 0,
			moreFragments,
			fragmentOffset,
			ttl: view.getUint8(start + 8),
			protocol,
			checksum: view.getUint16(start + 10),
			source: formatIpv4(view, start + 12),
			destination: formatIpv4(view, start + 16),
			options: size === 20 ? none : readIpv4Options(bytes, view, start + 20, start + size),
		};
		const fits = totalLength >= size && start + totalLength <= end;
		if (!fits && !cut) setWrong(layer, 'totalLength', end - start);
		return {
			layer,
			size,
			end: fits ? start + totalLength : end,
			next: fragmentOffset > 0 ? 'payload' : layerOfProtocol(protocol),
			cut: !fits || fragmentOffset > 0 || moreFragments,
		};
	},
	checksum: {
		offset: 10,
		bytes: 2,
		compute(bytes, stack, index) {
			const self = stack[index];
			if (!self) return undefined;
			const {start, size} = self;
			const field = ((bytes[start + 10] ?? 0) << 8) | (bytes[start + 11] ?? 0);
			return foldSum(sumOf(bytes, start, start + size) - field);
		},
	},
};
