/** Which translations are meant: conditions on the bytes of keys. */

import {UsageError} from '../../base/errors.js';
import {FlowCondition, type FlowMatch} from '../conntrack/flow-filter.js';
import {keyPlaces} from '../conntrack/raw-entry.js';
import {protocolNumber} from '../protocols.js';
import {natPlaces} from './translation.js';

/** Conditions that all have to hold. Of lists one is enough. */
export interface NatFilter {
	/** Address or prefix of either end of the packet, or what it becomes. */
	readonly address?: string | readonly string[];
	/** Address or prefix of the packet's source. */
	readonly source?: string;
	/** Address or prefix of the packet's destination. */
	readonly destination?: string;
	/** Of either end; for ICMP echo the identifier. */
	readonly port?: number;
	/** Name or number as text. */
	readonly protocol?: string;
	readonly direction?: 'in' | 'out';
}

const names = new Set(['address', 'source', 'destination', 'port', 'protocol', 'direction']);

/** A filter that was read once and judges the entries of both families. */
export class NatCondition {
	private readonly protocol: number | undefined;
	private readonly packet: FlowCondition;
	private readonly becomes: FlowCondition | undefined;
	readonly isEmpty: boolean;

	/** *Throws:* `ERR_USAGE`, `ERR_ADDRESS`. */
	constructor(filter: NatFilter) {
		const unknown = Object.keys(filter).find(name => !names.has(name));
		if (unknown !== undefined) {
			throw new UsageError(`filter translations: there is no condition "${unknown}"`);
		}

		const {address, source, destination, port, protocol, direction} = filter;
		if (!['in', 'out', undefined].includes(direction)) {
			throw new UsageError(`filter translations: direction is in or out, not "${direction}"`);
		}

		// Keys of conntrack have the addresses exchanged, these have not.
		const packet = {
			...(source === undefined ? {} : {destination: source}),
			...(destination === undefined ? {} : {source: destination}),
			...(port === undefined ? {} : {port}),
			...(direction === undefined ? {} : {direction}),
		};
		this.packet = new FlowCondition(packet);
		this.becomes = address === undefined ? undefined : new FlowCondition({address});
		this.protocol = protocol === undefined ? undefined : protocolNumber(protocol);
		this.isEmpty = Object.values(filter).every(value => value === undefined);
	}

	/** Undefined where no entry of the family can meet it. */
	matchFor(family: 4 | 6): FlowMatch | undefined {
		const packet = this.packet.matchFor({family, tcp: false});
		const becomes = this.becomes?.matchFor({family, tcp: false});
		if (packet === undefined || (this.becomes !== undefined && becomes === undefined)) {
			return undefined;
		}

		const {protocol} = this;
		const {address, protocol: protocolAt} = keyPlaces[family];
		const place = natPlaces[family].address;
		return (keys, values) => {
			const isPacket = packet(keys, values);
			const isEnd = becomes?.(keys, values);
			// What it becomes is looked at as if it were an end, twice.
			const ends = new Uint8Array(address * 2);
			const isTarget = becomes?.(ends, values);
			const hasTarget = (valueAt: number): boolean => {
				for (let i = 0; i < address; i++) {
					ends[i] = ends[address + i] = values[valueAt + place + i] ?? 0;
				}

				return isTarget?.(0, 0) === true;
			};
			return (keyAt, valueAt) =>
				(protocol === undefined || keys[keyAt + protocolAt] === protocol) &&
				isPacket(keyAt, valueAt) &&
				(isEnd === undefined || isEnd(keyAt, valueAt) || hasTarget(valueAt));
		};
	}
}
