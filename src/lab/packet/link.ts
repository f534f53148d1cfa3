/** Ethernet and VLAN tags. */

import {formatMac} from '../../base/address.js';
import type {Codec} from './codec.js';
import {draft, type DraftOf, type OptionsOf, type Writer} from './fields.js';
import type {Layer} from './layers.js';
import {etherTypes, experimentalEtherType, layerOfEtherType} from './numbers.js';

/** An Ethernet II header, without preamble and check sequence. */
export interface EthernetLayer {
	readonly layer: 'ethernet';
	/** Default: 02:00:00:00:00:02. */
	readonly destination: string;
	/** Default: 02:00:00:00:00:01. */
	readonly source: string;
	/** What follows; 0x88b5, for local experiments, by default when that is a payload. */
	readonly etherType: number;
}

/** An 802.1Q or 802.1ad tag. */
export interface VlanLayer {
	readonly layer: 'vlan';
	/** 0 to 7. Default: 0. */
	readonly priority: number;
	readonly dropEligible: boolean;
	/** The VLAN, 0 to 4095. Default: 1. */
	readonly id: number;
	/** What follows. */
	readonly etherType: number;
	/** EtherType that the layer below has for this one: 0x8100, or 0x88a8 for an outer tag. */
	readonly tag: number;
}

/** What `ethernet()` is given. */
export type EthernetOptions = OptionsOf<EthernetLayer>;
/** A layer made by `ethernet()`, for `packet()`. */
export type EthernetDraft = DraftOf<'ethernet', EthernetOptions>;
/** What `vlan()` is given. */
export type VlanOptions = OptionsOf<VlanLayer>;
/** A layer made by `vlan()`, for `packet()`. */
export type VlanDraft = DraftOf<'vlan', VlanOptions>;

/** An Ethernet header. *Throws:* `ERR_USAGE` for an unknown field. */
export function ethernet(options: EthernetOptions = {}): EthernetDraft {
	return draft('ethernet', ['destination', 'source', 'etherType'], options);
}

/** A VLAN tag. *Throws:* `ERR_USAGE` for an unknown field. */
export function vlan(options: VlanOptions = {}): VlanDraft {
	return draft('vlan', ['priority', 'dropEligible', 'id', 'etherType', 'tag'], options);
}

/** The EtherType of a layer; undefined for those that have none. */
export function etherTypeOf(layer: Layer | undefined): number | undefined {
	if (layer === undefined) return undefined;
	return layer.layer === 'vlan' ? layer.tag : etherTypes[layer.layer];
}

export const ethernetCodec: Codec<EthernetLayer, EthernetDraft> = {
	derived: ['etherType'],
	size: () => 14,
	complete: (given, {next}) => ({
		layer: 'ethernet',
		destination: given.destination ?? '02:00:00:00:00:02',
		source: given.source ?? '02:00:00:00:00:01',
		etherType: given.etherType ?? etherTypeOf(next) ?? experimentalEtherType,
	}),
	write(layer, out) {
		out.mac('destination', layer.destination);
		out.mac('source', layer.source);
		out.u16('etherType', layer.etherType);
	},
	read({view, start, end}) {
		if (end - start < 14) return `${end - start} of 14 bytes`;
		const etherType = view.getUint16(start + 12);
		return {
			layer: {
				layer: 'ethernet',
				destination: formatMac(view, start),
				source: formatMac(view, start + 6),
				etherType,
			},
			size: 14,
			next: layerOfEtherType(etherType),
		};
	},
};

export const vlanCodec: Codec<VlanLayer, VlanDraft> = {
	derived: ['etherType'],
	size: () => 4,
	complete: (given, {next}) => ({
		layer: 'vlan',
		priority: given.priority ?? 0,
		dropEligible: given.dropEligible ?? false,
		id: given.id ?? 1,
		etherType: given.etherType ?? etherTypeOf(next) ?? experimentalEtherType,
		tag: given.tag ?? 0x8100,
	}),
	write(layer, out: Writer) {
		const priority = out.bits('priority', layer.priority, 3, 13);
		const id = out.bits('id', layer.id, 12, 0);
		out.u16('id', priority | (layer.dropEligible ? 0x1000 : 0) | id);
		out.u16('etherType', layer.etherType);
	},
	read({view, start, end, below}) {
		if (end - start < 4) return `${end - start} of 4 bytes`;
		const control = view.getUint16(start);
		const etherType = view.getUint16(start + 2);
		const carrier = below?.layer === 'ethernet' || below?.layer === 'vlan' ? below : undefined;
		return {
			layer: {
				layer: 'vlan',
				priority: control >> 13,
				dropEligible: (control & 0x1000) !== 0,
				id: control & 0xfff,
				etherType,
				tag: carrier?.etherType ?? 0x8100,
			},
			size: 4,
			next: layerOfEtherType(etherType),
		};
	},
};
