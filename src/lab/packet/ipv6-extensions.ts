/** Extension headers of IPv6, and AH, which IPv4 has too. */

import {formatIpv6, parseIpv6} from '../../base/address.js';
import {viewOf} from '../../base/bytes.js';
import type {Codec} from './codec.js';
import {draft, setWrong, type DraftOf, type OptionsOf, type Wrong} from './fields.js';
import {nextHeaderOf} from './ipv6.js';
import {layerOfNextHeader, layerOfProtocol, noNextHeader} from './numbers.js';

/** An option of a hop-by-hop or destination options header; padding is an option too. */
export interface Ipv6Option {
	/** 0 is a single byte of padding, without data; 1 is padding, 5 router alert, 194 jumbo. */
	readonly type: number;
	readonly data?: Uint8Array | undefined;
}

/** What hop-by-hop and destination options headers have in common. */
export interface Ipv6OptionsFields {
	readonly nextHeader: number;
	/** Bytes. */
	readonly headerLength: number;
	/** Filled up to a multiple of 8 by padding. */
	readonly options: readonly Ipv6Option[];
	readonly wrong?: Wrong<'headerLength'>;
}

/** Options for every hop. */
export interface HopByHopLayer extends Ipv6OptionsFields {
	readonly layer: 'hopByHop';
}

/** Options for the destination. */
export interface DestinationOptionsLayer extends Ipv6OptionsFields {
	readonly layer: 'destinationOptions';
}

/** A routing header. */
export interface RoutingLayer {
	readonly layer: 'routing';
	readonly nextHeader: number;
	/** Bytes. */
	readonly headerLength: number;
	/** Default: 4, segment routing. */
	readonly routingType: number;
	/** Default: 0. */
	readonly segmentsLeft: number;
	/** After the first four bytes; made of `segments` by default. */
	readonly data: Uint8Array;
	/** Of types 0, 2 and 4: the addresses in the order they stand in. */
	readonly segments: readonly string[];
	/** Where the packet will arrive in the end, while segments are left. */
	readonly finalDestination?: string | undefined;
	readonly wrong?: Wrong<'headerLength'>;
}

/** A fragment header. */
export interface FragmentLayer {
	readonly layer: 'fragment';
	readonly nextHeader: number;
	/** A byte without a meaning. */
	readonly reserved: number;
	/** Bytes, a multiple of 8. Default: 0. */
	readonly fragmentOffset: number;
	/** Two bits without a meaning. */
	readonly reservedBits: number;
	readonly moreFragments: boolean;
	/** Default: 0. */
	readonly identification: number;
}

/** An authentication header. */
export interface AhLayer {
	readonly layer: 'ah';
	readonly nextHeader: number;
	/** Bytes. */
	readonly headerLength: number;
	readonly reserved: number;
	readonly spi: number;
	readonly sequence: number;
	/** A multiple of 4 bytes. Default: 12 zeros. */
	readonly integrity: Uint8Array;
	readonly wrong?: Wrong<'headerLength'>;
}

/** What `hopByHop()` is given. */
export type HopByHopOptions = OptionsOf<HopByHopLayer>;
/** A layer made by `hopByHop()`, for `packet()`. */
export type HopByHopDraft = DraftOf<'hopByHop', HopByHopOptions>;
/** What `destinationOptions()` is given. */
export type DestinationOptionsOptions = OptionsOf<DestinationOptionsLayer>;
/** A layer made by `destinationOptions()`, for `packet()`. */
export type DestinationOptionsDraft = DraftOf<'destinationOptions', DestinationOptionsOptions>;
/** What `routing()` is given. */
export type RoutingOptions = OptionsOf<RoutingLayer>;
/** A layer made by `routing()`, for `packet()`. */
export type RoutingDraft = DraftOf<'routing', RoutingOptions>;
/** What `fragment()` is given. */
export type FragmentOptions = OptionsOf<FragmentLayer>;
/** A layer made by `fragment()`, for `packet()`. */
export type FragmentDraft = DraftOf<'fragment', FragmentOptions>;
/** What `ah()` is given. */
export type AhOptions = OptionsOf<AhLayer>;
/** A layer made by `ah()`, for `packet()`. */
export type AhDraft = DraftOf<'ah', AhOptions>;

const optionsFields = ['nextHeader', 'headerLength', 'options'];

/** A hop-by-hop options header. *Throws:* `ERR_USAGE` for an unknown field. */
export function hopByHop(options: HopByHopOptions = {}): HopByHopDraft {
	return draft('hopByHop', optionsFields, options);
}

/** A destination options header. *Throws:* `ERR_USAGE` for an unknown field. */
export function destinationOptions(
	options: DestinationOptionsOptions = {},
): DestinationOptionsDraft {
	return draft('destinationOptions', optionsFields, options);
}

/** A routing header. *Throws:* `ERR_USAGE` for an unknown field. */
export function routing(options: RoutingOptions = {}): RoutingDraft {
	const own = ['routingType', 'segmentsLeft', 'data', 'segments', 'finalDestination'];
	return draft('routing', ['nextHeader', 'headerLength', ...own], options);
}

/** A fragment header. *Throws:* `ERR_USAGE` for an unknown field. */
export function fragment(options: FragmentOptions = {}): FragmentDraft {
	const own = ['reserved', 'fragmentOffset', 'reservedBits', 'moreFragments', 'identification'];
	return draft('fragment', ['nextHeader', ...own], options);
}

/** An authentication header. *Throws:* `ERR_USAGE` for an unknown field. */
export function ah(options: AhOptions = {}): AhDraft {
	const own = ['reserved', 'spi', 'sequence', 'integrity'];
	return draft('ah', ['nextHeader', 'headerLength', ...own], options);
}

const derived = ['nextHeader', 'headerLength'];
const following = (nextHeader: number) =>
	nextHeader === noNextHeader ? 'padding' : layerOfNextHeader(nextHeader);

function padded(options: readonly Ipv6Option[]): readonly Ipv6Option[] {
	let size = 2;
	for (const {type, data} of options) size += type === 0 ? 1 : 2 + (data?.length ?? 0);
	const missing = -size & 7;
	if (missing === 0) return options;
	if (missing === 1) return [...options, {type: 0}];
	return [...options, {type: 1, data: new Uint8Array(missing - 2)}];
}

function sizeOfOptions(options: readonly Ipv6Option[]): number {
	let size = 2;
	for (const {type, data} of options) size += type === 0 ? 1 : 2 + (data?.length ?? 0);
	return size;
}

function optionsCodec<Name extends 'hopByHop' | 'destinationOptions'>(
	name: Name,
): Codec<Ipv6OptionsFields & {readonly layer: Name}, DraftOf<Name, HopByHopOptions>> {
	return {
		derived,
		size: ({options}) => sizeOfOptions(options),
		complete(given, {next}) {
			const options = padded(given.options ?? []);
			const size = sizeOfOptions(options);
			const layer = {
				layer: name,
				nextHeader: given.nextHeader ?? nextHeaderOf(next),
				headerLength: given.headerLength ?? size,
				options,
			};
			if (layer.headerLength !== size) setWrong(layer, 'headerLength', size);
			return layer;
		},
		write(layer, out) {
			out.u8('nextHeader', layer.nextHeader);
			out.u8('headerLength / 8 - 1', layer.headerLength / 8 - 1);
			for (const {type, data} of layer.options) {
				out.u8('options.type', type);
				if (type === 0) continue;
				out.u8('options.data.length', data?.length ?? 0);
				if (data) out.raw(data);
			}
		},
		read({bytes, view, start, end}) {
			if (end - start < 8) return `${end - start} of 8 bytes`;
			const size = (view.getUint8(start + 1) + 1) * 8;
			if (end - start < size) return `${end - start} of ${size} bytes`;
			const options: Ipv6Option[] = [];
			for (let at = start + 2; at < start + size;) {
				const type = view.getUint8(at);
				const length = at + 1 < start + size ? view.getUint8(at + 1) : 256;
				if (type !== 0 && at + 2 + length > start + size) return 'an option beyond its end';
				const data = bytes.subarray(at + 2, at + 2 + length);
				options.push(type === 0 ? {type} : {type, data});
				at += type === 0 ? 1 : 2 + length;
			}

			const nextHeader = view.getUint8(start);
			const layer = {layer: name, nextHeader, headerLength: size, options};
			return {layer, size, next: following(nextHeader)};
		},
	};
}

export const hopByHopCodec = optionsCodec('hopByHop');
export const destinationOptionsCodec = optionsCodec('destinationOptions');

/** The last segment is the first of a segment routing header, the last of the older types. */
function finalOf(type: number, segments: readonly string[]): string | undefined {
	return type === 4 ? segments[0] : segments.at(-1);
}

function dataOf(type: number, segments: readonly string[]): Uint8Array {
	const data = new Uint8Array(4 + segments.length * 16);
	if (type === 4) data[0] = Math.max(0, segments.length - 1);
	for (const [i, segment] of segments.entries()) data.set(parseIpv6(segment), 4 + i * 16);
	return data;
}

function segmentsOf(type: number, data: Uint8Array): string[] {
	const room = Math.floor((data.length - 4) / 16);
	const count = type === 4 ? (data[0] ?? 0) + 1 : type === 0 || type === 2 ? room : 0;
	const view = viewOf(data);
	return Array.from({length: Math.min(count, room)}, (_, i) => formatIpv6(view, 4 + i * 16));
}

export const routingCodec: Codec<RoutingLayer, RoutingDraft> = {
	derived,
	size: ({data}) => 4 + data.length,
	complete(given, {next}) {
		const routingType = given.routingType ?? 4;
		const data = given.data ?? dataOf(routingType, given.segments ?? []);
		const segments = segmentsOf(routingType, data);
		const size = 4 + data.length;
		const layer: RoutingLayer = {
			layer: 'routing',
			nextHeader: given.nextHeader ?? nextHeaderOf(next),
			headerLength: given.headerLength ?? size,
			routingType,
			segmentsLeft: given.segmentsLeft ?? 0,
			data,
			segments,
			finalDestination: finalOf(routingType, segments),
		};
		if (layer.headerLength !== size) setWrong(layer, 'headerLength', size);
		return layer;
	},
	write(layer, out) {
		out.u8('nextHeader', layer.nextHeader);
		out.u8('headerLength / 8 - 1', layer.headerLength / 8 - 1);
		out.u8('routingType', layer.routingType);
		out.u8('segmentsLeft', layer.segmentsLeft);
		out.raw(layer.data);
	},
	read({bytes, view, start, end}) {
		if (end - start < 8) return `${end - start} of 8 bytes`;
		const size = (view.getUint8(start + 1) + 1) * 8;
		if (end - start < size) return `${end - start} of ${size} bytes`;
		const [nextHeader, routingType] = [view.getUint8(start), view.getUint8(start + 2)];
		const data = bytes.subarray(start + 4, start + size);
		const segments = segmentsOf(routingType, data);
		const layer: RoutingLayer = {
			layer: 'routing',
			nextHeader,
			headerLength: size,
			routingType,
			segmentsLeft: view.getUint8(start + 3),
			data,
			segments,
			finalDestination: finalOf(routingType, segments),
		};
		return {layer, size, next: following(nextHeader)};
	},
};

export const fragmentCodec: Codec<FragmentLayer, FragmentDraft> = {
	derived: ['nextHeader'],
	size: () => 8,
	complete: (given, {next}) => ({
		layer: 'fragment',
		nextHeader: given.nextHeader ?? nextHeaderOf(next),
		reserved: given.reserved ?? 0,
		fragmentOffset: given.fragmentOffset ?? 0,
		reservedBits: given.reservedBits ?? 0,
		moreFragments: given.moreFragments ?? false,
		identification: given.identification ?? 0,
	}),
	write(layer, out) {
		if (layer.fragmentOffset % 8 !== 0) {
			out.refuse('fragmentOffset', String(layer.fragmentOffset), 'a multiple of 8');
		}

		out.u8('nextHeader', layer.nextHeader);
		out.u8('reserved', layer.reserved);
		const offset = out.bits('fragmentOffset / 8', layer.fragmentOffset / 8, 13, 3);
		const bits = out.bits('reservedBits', layer.reservedBits, 2, 1);
		out.u16('fragmentOffset', offset | bits | (layer.moreFragments ? 1 : 0));
		out.u32('identification', layer.identification);
	},
	read({view, start, end}) {
		if (end - start < 8) return `${end - start} of 8 bytes`;
		const nextHeader = view.getUint8(start);
		const offset = view.getUint16(start + 2);
		const layer: FragmentLayer = {
			layer: 'fragment',
			nextHeader,
			reserved: view.getUint8(start + 1),
			fragmentOffset: offset & 0xfff8,
			reservedBits: (offset >> 1) & 3,
			moreFragments: (offset & 1) !== 0,
			identification: view.getUint32(start + 4),
		};
		return {
			layer,
			size: 8,
			next: layer.fragmentOffset > 0 ? 'payload' : following(nextHeader),
			cut: layer.fragmentOffset > 0 || layer.moreFragments,
		};
	},
};

export const ahCodec: Codec<AhLayer, AhDraft> = {
	derived,
	size: ({integrity}) => 12 + integrity.length,
	complete(given, {next}) {
		const integrity = given.integrity ?? new Uint8Array(12);
		const size = 12 + integrity.length;
		const layer: AhLayer = {
			layer: 'ah',
			nextHeader: given.nextHeader ?? nextHeaderOf(next),
			headerLength: given.headerLength ?? size,
			reserved: given.reserved ?? 0,
			spi: given.spi ?? 256,
			sequence: given.sequence ?? 1,
			integrity,
		};
		if (layer.headerLength !== size) setWrong(layer, 'headerLength', size);
		return layer;
	},
	write(layer, out) {
		out.u8('nextHeader', layer.nextHeader);
		out.u8('headerLength / 4 - 2', layer.headerLength / 4 - 2);
		out.u16('reserved', layer.reserved);
		out.u32('spi', layer.spi);
		out.u32('sequence', layer.sequence);
		out.raw(layer.integrity);
	},
	read({bytes, view, start, end, below}) {
		if (end - start < 12) return `${end - start} of 12 bytes`;
		const size = (view.getUint8(start + 1) + 2) * 4;
		if (size < 12) return `header length ${size}`;
		if (end - start < size) return `${end - start} of ${size} bytes`;
		const nextHeader = view.getUint8(start);
		const layer: AhLayer = {
			layer: 'ah',
			nextHeader,
			headerLength: size,
			reserved: view.getUint16(start + 2),
			spi: view.getUint32(start + 4),
			sequence: view.getUint32(start + 8),
			integrity: bytes.subarray(start + 12, start + size),
		};
		const isIpv4 = below?.layer === 'ipv4';
		return {layer, size, next: isIpv4 ? layerOfProtocol(nextHeader) : following(nextHeader)};
	},
};
