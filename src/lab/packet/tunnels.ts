/** VXLAN and Geneve. */

import type {Codec} from './codec.js';
import {draft, setWrong, type DraftOf, type OptionsOf, type Wrong} from './fields.js';
import {etherTypeOf} from './link.js';
import {etherTypes, layerOfEtherType} from './numbers.js';

/** A VXLAN header (RFC 7348). */
export interface VxlanLayer {
	readonly layer: 'vxlan';
	/** Default: 8, the network identifier is valid. */
	readonly flags: number;
	/** The three bytes between flags and identifier. */
	readonly reserved: number;
	/** The network, 24 bits. Default: 1. */
	readonly vni: number;
	/** The last byte. */
	readonly reservedLast: number;
}

/** An option of Geneve. */
export interface GeneveOption {
	/** Namespace of the type: 0x0102 to 0xfffe are given out, 0xffff is for experiments. */
	readonly class: number;
	/** The highest bit: who does not know it must drop the packet. */
	readonly type: number;
	/** Three bits without a meaning. Default: 0. */
	readonly reserved?: number | undefined;
	/** A multiple of 4 bytes. */
	readonly data: Uint8Array;
}

/** A Geneve header (RFC 8926). */
export interface GeneveLayer {
	readonly layer: 'geneve';
	readonly version: number;
	/** Bytes. */
	readonly headerLength: number;
	/** A control packet. */
	readonly control: boolean;
	/** Has options that must be understood. */
	readonly critical: boolean;
	/** Six bits without a meaning. */
	readonly reserved: number;
	/** EtherType of what follows; 0x6558 is Ethernet. */
	readonly protocol: number;
	/** The network, 24 bits. Default: 1. */
	readonly vni: number;
	/** The last byte. */
	readonly reservedLast: number;
	readonly options: readonly GeneveOption[];
	readonly wrong?: Wrong<'headerLength'>;
}

/** What `vxlan()` is given. */
export type VxlanLayerOptions = OptionsOf<VxlanLayer>;
/** A layer made by `vxlan()`, for `packet()`. */
export type VxlanDraft = DraftOf<'vxlan', VxlanLayerOptions>;
/** What `geneve()` is given. */
export type GeneveOptions = OptionsOf<GeneveLayer>;
/** A layer made by `geneve()`, for `packet()`. */
export type GeneveDraft = DraftOf<'geneve', GeneveOptions>;

/** A VXLAN header. *Throws:* `ERR_USAGE` for an unknown field. */
export function vxlan(options: VxlanLayerOptions = {}): VxlanDraft {
	return draft('vxlan', ['flags', 'reserved', 'vni', 'reservedLast'], options);
}

/** A Geneve header. *Throws:* `ERR_USAGE` for an unknown field. */
export function geneve(options: GeneveOptions = {}): GeneveDraft {
	const fields = [
		...['version', 'headerLength', 'control', 'critical', 'reserved', 'protocol'],
		...['vni', 'reservedLast', 'options'],
	];
	return draft('geneve', fields, options);
}

export const vxlanCodec: Codec<VxlanLayer, VxlanDraft> = {
	derived: [],
	size: () => 8,
	complete: given => ({
		layer: 'vxlan',
		flags: given.flags ?? 8,
		reserved: given.reserved ?? 0,
		vni: given.vni ?? 1,
		reservedLast: given.reservedLast ?? 0,
	}),
	write(layer, out) {
		out.u8('flags', layer.flags);
		out.u24('reserved', layer.reserved);
		out.u24('vni', layer.vni);
		out.u8('reservedLast', layer.reservedLast);
	},
	read({view, start, end}) {
		if (end - start < 8) return `${end - start} of 8 bytes`;
		const layer: VxlanLayer = {
			layer: 'vxlan',
			flags: view.getUint8(start),
			reserved: view.getUint32(start) & 0xffffff,
			vni: view.getUint32(start + 4) >>> 8,
			reservedLast: view.getUint8(start + 7),
		};
		return {layer, size: 8, next: 'ethernet'};
	},
};

function sizeOfOptions(options: readonly GeneveOption[]): number {
	let size = 0;
	for (const {data} of options) size += 4 + data.length;
	return size;
}

export const geneveCodec: Codec<GeneveLayer, GeneveDraft> = {
	derived: ['headerLength', 'protocol'],
	size: ({options}) => 8 + sizeOfOptions(options),
	complete(given, {next}) {
		const options = (given.options ?? []).map(one => ({...one, reserved: one.reserved ?? 0}));
		const size = 8 + sizeOfOptions(options);
		const layer: GeneveLayer = {
			layer: 'geneve',
			version: given.version ?? 0,
			headerLength: given.headerLength ?? size,
			control: given.control ?? false,
			critical: given.critical ?? options.some(({type}) => (type & 0x80) !== 0),
			reserved: given.reserved ?? 0,
			protocol: given.protocol ?? etherTypeOf(next) ?? etherTypes.ethernet ?? 0,
			vni: given.vni ?? 1,
			reservedLast: given.reservedLast ?? 0,
			options,
		};
		if (layer.headerLength !== size) setWrong(layer, 'headerLength', size);
		return layer;
	},
	write(layer, out) {
		const words = out.bits('headerLength / 4 - 2', layer.headerLength / 4 - 2, 6, 0);
		out.u8('version', out.bits('version', layer.version, 2, 6) | words);
		const flags = (layer.control ? 0x80 : 0) | (layer.critical ? 0x40 : 0);
		out.u8('reserved', flags | out.bits('reserved', layer.reserved, 6, 0));
		out.u16('protocol', layer.protocol);
		out.u24('vni', layer.vni);
		out.u8('reservedLast', layer.reservedLast);
		for (const option of layer.options) {
			out.u16('options.class', option.class);
			out.u8('options.type', option.type);
			const reserved = out.bits('options.reserved', option.reserved ?? 0, 3, 5);
			const length = out.bits('options.data.length / 4', option.data.length / 4, 5, 0);
			out.u8('options.data.length', reserved | length);
			out.raw(option.data);
		}
	},
	read({bytes, view, start, end}) {
		if (end - start < 8) return `${end - start} of 8 bytes`;
		const first = view.getUint16(start);
		const size = 8 + ((first >> 8) & 0x3f) * 4;
		if (end - start < size) return `${end - start} of ${size} bytes`;
		const options: GeneveOption[] = [];
		for (let at = start + 8; at < start + size;) {
			const last = view.getUint8(at + 3);
			const length = (last & 0x1f) * 4;
			if (at + 4 + length > start + size) return 'an option beyond its end';
			options.push({
				class: view.getUint16(at),
				type: view.getUint8(at + 2),
				reserved: last >> 5,
				data: bytes.subarray(at + 4, at + 4 + length),
			});
			at += 4 + length;
		}

		const protocol = view.getUint16(start + 2);
		const layer: GeneveLayer = {
			layer: 'geneve',
			version: first >> 14,
			headerLength: size,
			control: (first & 0x80) !== 0,
			critical: (first & 0x40) !== 0,
			reserved: first & 0x3f,
			protocol,
			vni: view.getUint32(start + 4) >>> 8,
			reservedLast: view.getUint8(start + 7),
			options,
		};
		return {layer, size, next: layerOfEtherType(protocol)};
	},
};
