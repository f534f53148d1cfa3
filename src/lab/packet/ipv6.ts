import {formatIpv6} from '../../base/address.js';
import type {Codec} from './codec.js';
import {draft, setWrong, type DraftOf, type OptionsOf, type Wrong} from './fields.js';
import type {Layer} from './layers.js';
import {experimentalProtocol, layerOfNextHeader, noNextHeader, protocols} from './numbers.js';

/** An IPv6 header. */
export interface Ipv6Layer {
	readonly layer: 'ipv6';
	/** 0 to 63. Default: 0. */
	readonly dscp: number;
	/** 0 to 3. Default: 0. */
	readonly ecn: number;
	/** 20 bits. Default: 0. */
	readonly flowLabel: number;
	/** Bytes after the header; 0 for a jumbogram. */
	readonly payloadLength: number;
	/** What follows; 253, for experiments, by default when that is a payload. */
	readonly nextHeader: number;
	/** Default: 64. */
	readonly hopLimit: number;
	/** Default: 2001:db8::1. */
	readonly source: string;
	/** Default: 2001:db8::2. */
	readonly destination: string;
	readonly wrong?: Wrong<'payloadLength'>;
}

/** What `ipv6()` is given. */
export type Ipv6Options = OptionsOf<Ipv6Layer>;
/** A layer made by `ipv6()`, for `packet()`. */
export type Ipv6Draft = DraftOf<'ipv6', Ipv6Options>;

const fields = [
	...['dscp', 'ecn', 'flowLabel', 'payloadLength', 'nextHeader', 'hopLimit'],
	...['source', 'destination'],
];

/** An IPv6 header. *Throws:* `ERR_USAGE` for an unknown field. */
export function ipv6(options: Ipv6Options = {}): Ipv6Draft {
	return draft('ipv6', fields, options);
}

/** The next header number for a layer. */
export function nextHeaderOf(next: Layer | undefined): number {
	if (next === undefined || next.layer === 'padding') return noNextHeader;
	return protocols[next.layer] ?? experimentalProtocol;
}

export const ipv6Codec: Codec<Ipv6Layer, Ipv6Draft> = {
	derived: ['payloadLength', 'nextHeader'],
	bounded: true,
	size: () => 40,
	complete(given, {next, length, cut}) {
		const right = length > 0xffff ? 0 : length;
		const layer: Ipv6Layer = {
			layer: 'ipv6',
			dscp: given.dscp ?? 0,
			ecn: given.ecn ?? 0,
			flowLabel: given.flowLabel ?? 0,
			payloadLength: given.payloadLength ?? right,
			nextHeader: given.nextHeader ?? nextHeaderOf(next),
			hopLimit: given.hopLimit ?? 64,
			source: given.source ?? '2001:db8::1',
			destination: given.destination ?? '2001:db8::2',
		};
		if (layer.payloadLength !== right && !cut) setWrong(layer, 'payloadLength', right);
		return layer;
	},
	write(layer, out) {
		const service = out.bits('dscp', layer.dscp, 6, 22) | out.bits('ecn', layer.ecn, 2, 20);
		out.u32(
			'flowLabel',
			(0x6000_0000 | service | out.bits('flowLabel', layer.flowLabel, 20, 0)) >>> 0,
		);
		out.u16('payloadLength', layer.payloadLength);
		out.u8('nextHeader', layer.nextHeader);
		out.u8('hopLimit', layer.hopLimit);
		out.ipv6('source', layer.source);
		out.ipv6('destination', layer.destination);
	},
	read({view, start, end, cut}) {
		if (end - start < 40) return `${end - start} of 40 bytes`;
		const first = view.getUint32(start);
		if (first >>> 28 !== 6) return `version ${first >>> 28}`;
		const payloadLength = view.getUint16(start + 4);
		const nextHeader = view.getUint8(start + 6);
		const layer: Ipv6Layer = {
			layer: 'ipv6',
			dscp: (first >>> 22) & 0x3f,
			ecn: (first >>> 20) & 3,
			flowLabel: first & 0xfffff,
			payloadLength,
			nextHeader,
			hopLimit: view.getUint8(start + 7),
			source: formatIpv6(view, start + 8),
			destination: formatIpv6(view, start + 24),
		};
		const available = end - start - 40;
		const isJumbo = payloadLength === 0 && available > 0xffff;
		const fits = !isJumbo && payloadLength <= available;
		if (!fits && !isJumbo && !cut) setWrong(layer, 'payloadLength', available);
		return {
			layer,
			size: 40,
			end: fits ? start + 40 + payloadLength : end,
			next: nextHeader === noNextHeader ? 'padding' : layerOfNextHeader(nextHeader),
			cut: !fits && !isJumbo,
		};
	},
};
