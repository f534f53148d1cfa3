/** Endpoints by their interfaces, as the programs find them. */

import {hostLittleEndian, viewOf} from '../../base/bytes.js';
import type {BpfMap} from '../../object/map/map.js';
import {deviceOffsets, type LxcDevice} from '../layout/endpoint.js';
import type {DatapathMaps} from '../maps.js';

/**
 * Each interface has the slot of its number's lower 16 bits, or a place beside the slots where
 * another endpoint that lives has that.
 */
export class EndpointDevices {
	private readonly maps: DatapathMaps;

	constructor(maps: DatapathMaps) {
		this.maps = maps;
	}

	/** The id of the endpoint that an interface has. */
	idOf(ifindex: number): number | undefined {
		const own = [this.slots.raw.get(slotOf(ifindex)), this.others.raw.get(keyOf(ifindex))];
		const device = own.find(each => each !== undefined && ifindexOf(each) === ifindex);
		return device && viewOf(device).getUint16(deviceOffsets.id, hostLittleEndian);
	}

	/** Writes an interface's endpoint; what is returned puts back what was there. */
	write(device: LxcDevice): () => void {
		const {ifindex} = device;
		const holder = this.slots.raw.get(slotOf(ifindex));
		const isOthers = holder !== undefined && ![0, ifindex].includes(ifindexOf(holder));
		const [map, key] = isOthers ? [this.others, keyOf(ifindex)] : [this.slots, slotOf(ifindex)];
		const before = isOthers ? map.raw.get(key) : holder;
		const value = new Uint8Array(map.raw.valueSize);
		map.valueCodec.encode(device, viewOf(value), 0);
		map.raw.set(key, value);
		return () => {
			if (before === undefined) map.raw.delete(key);
			else map.raw.set(key, before);
		};
	}

	remove(ifindex: number): void {
		const holder = this.slots.raw.get(slotOf(ifindex));
		if (holder !== undefined && ifindexOf(holder) === ifindex) {
			this.slots.raw.set(slotOf(ifindex), new Uint8Array(holder.length));
		}

		this.others.delete(ifindex);
	}

	private get slots(): BpfMap<number, LxcDevice> {
		return this.maps.require('endpointDevices');
	}

	private get others(): BpfMap<number, LxcDevice> {
		return this.maps.require('moreEndpointDevices');
	}
}

/** Of a device's bytes; 0 where the slot is nobody's. */
const ifindexOf = (device: Uint8Array): number =>
	viewOf(device).getUint32(deviceOffsets.ifindex, hostLittleEndian);
const keyOf = (number: number): Uint8Array => new Uint8Array(Uint32Array.of(number).buffer);
const slotOf = (ifindex: number): Uint8Array => keyOf(ifindex & 0xffff);
