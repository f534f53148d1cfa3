/** What conntrack knows of a traced flow already. */

import type {CtEntry, CtTuple} from '../layout/conntrack.js';
import type {DatapathMaps} from '../maps.js';
import {ipcacheRevisionIndex} from '../revisions.js';
import {readSettings} from './enforcement.js';
import {protocols} from '../protocols.js';
import type {TraceFamily} from './trace-end.js';

/** An entry of conntrack that packets of the flow meet. */
export interface TraceFlow {
	/** `reply`: the flow was opened by the other end. */
	readonly status: 'established' | 'reply';
	/** Whether the policy is not asked again. */
	readonly passes: boolean;
	readonly why: string;
	readonly entry: CtEntry;
}

/** What is looked for. */
export interface FlowPacket {
	readonly family: TraceFamily;
	readonly source: string;
	readonly destination: string;
	readonly protocol: number;
	readonly sourcePort: number;
	readonly destinationPort: number;
}

const flags = {out: 0, in: 1} as const;

/** The entry that decides; undefined where there is none, or no map. */
export function findFlow(
	maps: DatapathMaps,
	egress: boolean,
	endpoint: number,
	packet: FlowPacket,
): TraceFlow | undefined {
	const isTcp = packet.protocol === protocols.tcp;
	const name = `ct${isTcp ? 'Tcp' : 'Any'}${packet.family}` as const;
	const conntrack = maps[name];
	if (conntrack?.known !== true) return undefined;
	const [own, other] = egress ? [flags.out, flags.in] : [flags.in, flags.out];
	const reply = conntrack.map.get(replyKey(packet, other));
	if (reply !== undefined) {
		const why = 'it answers a flow that the other end opened';
		return {status: 'reply', passes: true, why, entry: reply};
	}

	const entry = conntrack.map.get(openerKey(packet, own));
	return entry && {status: 'established', ...judge(maps, endpoint, entry), entry};
}

function judge(
	maps: DatapathMaps,
	endpoint: number,
	{policy_revision: revision}: CtEntry,
): Pick<TraceFlow, 'passes' | 'why'> {
	if (revision === undefined || maps.endpointSettings?.known !== true) {
		return {passes: false, why: 'each of its packets is judged'};
	}

	if (revision === 0) return {passes: false, why: 'its packets are judged, as a proxy sees them'};
	if (revision === currentRevision(maps, endpoint)) {
		return {passes: true, why: 'the present policy let it pass'};
	}

	return {passes: false, why: 'an older policy let it pass: the next packet is judged again'};
}

/** As bpf/lib/policy.h: both revisions together, and never 0. */
function currentRevision(maps: DatapathMaps, endpoint: number): number {
	const ipcache = maps.require('runtimeConfig').get(ipcacheRevisionIndex) ?? 0n;
	const sum = BigInt(readSettings(maps, endpoint).policy_revision) + ipcache;
	return Number(BigInt.asUintN(32, sum)) || 1;
}

/** As bpf/lib/conntrack.h: addresses exchanged, ports as they are. */
function openerKey(packet: FlowPacket, direction: number): CtTuple {
	return {
		daddr: packet.source,
		saddr: packet.destination,
		dport: packet.destinationPort,
		sport: packet.sourcePort,
		nexthdr: packet.protocol,
		flags: direction,
	};
}

function replyKey(packet: FlowPacket, direction: number): CtTuple {
	return {
		daddr: packet.destination,
		saddr: packet.source,
		dport: packet.sourcePort,
		sport: packet.destinationPort,
		nexthdr: packet.protocol,
		flags: direction,
	};
}
