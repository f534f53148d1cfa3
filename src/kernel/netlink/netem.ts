/** netem: a queueing discipline that delays and loses packets. */

import {hostLittleEndian, viewOf} from '../../base/bytes.js';
import {
	messageFlags,
	messageTypes,
	netemAttributes,
	tcAttributes,
	tcHandles,
} from '../../uapi/rtnetlink.js';
import {attribute, textAttribute} from './attributes.js';
import type {Change} from './exchange.js';

export interface Netem {
	/** Nanoseconds. */
	readonly delay: bigint;
	/** Nanoseconds. */
	readonly jitter: bigint;
	/** Part of the packets, from 0 to 1. */
	readonly loss: number;
	/** Packets. */
	readonly limit: number;
}

/** Makes an interface send through netem. */
export function addNetem(ifindex: number, {delay, jitter, loss, limit}: Netem): Change {
	const header = new Uint8Array(20);
	viewOf(header).setInt32(4, ifindex, hostLittleEndian);
	viewOf(header).setUint32(12, tcHandles.root, hostLittleEndian);
	// `struct tc_netem_qopt`; its delay in ticks stays 0, that in nanoseconds counts.
	const options = new Uint8Array(24);
	viewOf(options).setUint32(4, limit, hostLittleEndian);
	viewOf(options).setUint32(8, Math.round(loss * 0xff_ff_ff_ff), hostLittleEndian);
	const body = Buffer.concat([
		options,
		nanoseconds(netemAttributes.latency64, delay),
		nanoseconds(netemAttributes.jitter64, jitter),
	]);
	return {
		what: `delay packets of interface ${ifindex}`,
		needs: 'netem (CONFIG_NET_SCH_NETEM)',
		type: messageTypes.new_qdisc,
		flags: messageFlags.create | messageFlags.replace,
		parts: [
			header,
			textAttribute(tcAttributes.kind, 'netem'),
			attribute(tcAttributes.options, body),
		],
	};
}

function nanoseconds(type: number, value: bigint): Uint8Array {
	const bytes = new Uint8Array(8);
	viewOf(bytes).setBigInt64(0, value, hostLittleEndian);
	return attribute(type, bytes);
}
