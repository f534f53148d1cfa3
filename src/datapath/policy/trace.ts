/** Why a packet passes or not, explained from the maps. */

import {UsageError} from '../../base/errors.js';
import type {PolicyEntry, PolicyKey} from '../layout/policy.js';
import type {DatapathMaps} from '../maps.js';
import {protocols} from '../protocols.js';
import {peerBits} from './compile.js';
import {decide, prefixOf, type Decision} from './decide.js';
import {describeEntry, type PolicyMapEntry} from './map-entry.js';
import {openPolicyInForce, readEnforcement} from './policy-in-force.js';
import {protocolOf, type PolicyDirection, type PolicyProtocol} from './rule.js';
import {familyOf, findEnd, type TraceEnd, type TraceTarget} from './trace-end.js';
import {findFlow, type TraceFlow} from './trace-flow.js';

/** A packet that is not sent. */
export interface TraceRequest {
	readonly src: TraceTarget;
	readonly dst: TraceTarget;
	/** TCP unless given. */
	readonly protocol?: PolicyProtocol | number;
	/** Port of the destination: for protocols that have any. */
	readonly dport?: number;
	/** Port of the source, for ICMP echoes the identifier: with it conntrack is looked into. */
	readonly sport?: number;
	/** For ICMP and ICMPv6; 0 unless given. */
	readonly icmpType?: number;
}

/** What an endpoint does with the packet. */
export interface TraceSide {
	/** `egress` at the source, `ingress` at the destination. */
	readonly direction: PolicyDirection;
	readonly endpoint: number;
	/** Identity of the other end. */
	readonly peer: number;
	readonly enforced: boolean;
	readonly audit: boolean;
	/** The longest entry for the peer, and the longest for anybody. */
	readonly entries: {
		readonly peer: PolicyMapEntry | undefined;
		readonly anybody: PolicyMapEntry | undefined;
	};
	/** The one of both that decides, and why. */
	readonly chosen: Decision['chosen'];
	readonly why: string;
	/** What the entries come to; `none`: the packet is denied since nothing allows it. */
	readonly policy: 'allow' | 'deny' | 'none' | 'authenticate';
	/** Port of the proxy that sees it; 0: none. */
	readonly proxyPort: number;
	/** What conntrack knows; undefined where it knows nothing, or was not asked. */
	readonly flow: TraceFlow | undefined;
	/** Whether the packet passes, all of that considered. */
	readonly passes: boolean;
	/** The drop reason of a packet that does not; of an audited one that of the drop that is told. */
	readonly reason: number | undefined;
}

/** What becomes of a packet. */
export interface PolicyTrace {
	readonly source: TraceEnd;
	readonly destination: TraceEnd;
	readonly protocol: number;
	readonly dport: number;
	/** At the source, then at the destination; none where neither is on this node. */
	readonly sides: readonly TraceSide[];
	/** `unknown`: no endpoint of this node is asked. */
	readonly verdict: 'allowed' | 'denied' | 'unknown';
}

/** As in bpf/include/drop_reasons.h. */
const reasons = {none: 133, deny: 181, authenticate: 189} as const;
const fullPrefix = peerBits + 24;
const icmp: readonly number[] = [protocols.icmp, protocols.icmpv6];
const options = new Set(['src', 'dst', 'protocol', 'dport', 'sport', 'icmpType']);

/**
 * Explains from the maps, which may be opened for reading only, what becomes of a packet that is the
 * first of its flow, or with `sport` of that very flow.
 *
 * Nodes of Cilium before 1.19 know no precedences: there a denial wins, then the longer entry.
 * *Throws:* `ERR_USAGE`, `ERR_ADDRESS`, `ERR_DATAPATH`.
 */
export function tracePolicy(maps: DatapathMaps, request: TraceRequest): PolicyTrace {
	const unknown = Object.keys(request).find(key => !options.has(key));
	if (unknown !== undefined)
		throw new UsageError(`trace policy: there is no option "${unknown}"`);
	const {src, dst, sport} = request;
	const protocol = protocolOf(request.protocol) || protocols.tcp;
	const port = portOf(request, protocol);
	const family = familyOf([src, dst]);
	const source = findEnd(maps, src, family);
	const destination = findEnd(maps, dst, family);
	const isKnown = source.address !== undefined && destination.address !== undefined;
	const packet = family !== undefined &&
		isKnown &&
		sport !== undefined && {
			family,
			source: source.address,
			destination: destination.address,
			protocol,
			sourcePort: sport,
			// The type is not part of a flow.
			destinationPort: icmp.includes(protocol) ? 0 : port,
		};
	const side = (direction: PolicyDirection, own: TraceEnd, peer: TraceEnd): TraceSide[] => {
		const {endpoint} = own;
		if (endpoint === undefined) return [];
		const egress = direction === 'egress';
		const flow = packet === false ? undefined : findFlow(maps, egress, endpoint, packet);
		const key = {sec_label: peer.identity, egress, protocol, dport: port};
		return [judge(maps, endpoint, {prefixlen: fullPrefix, ...key}, flow)];
	};
	const sides = [...side('egress', source, destination), ...side('ingress', destination, source)];
	const verdict = sides.every(({passes}) => passes) ? 'allowed' : 'denied';
	return {
		source,
		destination,
		protocol,
		dport: port,
		sides,
		verdict: sides.length === 0 ? 'unknown' : verdict,
	};
}

/** What stands in the key's port. */
function portOf({dport, icmpType}: TraceRequest, protocol: number): number {
	const isIcmp = icmp.includes(protocol);
	if (isIcmp && dport !== undefined) {
		throw new UsageError('trace policy: ICMP has a type and no ports');
	}

	if (!isIcmp && icmpType !== undefined) {
		throw new UsageError(`trace policy: protocol ${protocol} has no type of ICMP`);
	}

	const port = (isIcmp ? icmpType : dport) ?? 0;
	if (Number.isInteger(port) && port >= 0 && port <= (isIcmp ? 255 : 0xffff)) return port;
	throw new UsageError(`trace policy: there is no ${isIcmp ? 'type of ICMP' : 'port'} ${port}`);
}

function judge(
	maps: DatapathMaps,
	endpoint: number,
	key: PolicyKey,
	flow: TraceFlow | undefined,
): TraceSide {
	const enforcement = readEnforcement(maps, endpoint);
	const direction = key.egress ? 'egress' : 'ingress';
	const enforced = enforcement[direction];
	const map = openPolicyInForce(maps, endpoint);
	try {
		const anyKey = {...key, sec_label: 0};
		const peer = map?.get(key);
		const anybody = map?.get(anyKey);
		const {chosen, why, auth} = decide(peer, anybody);
		const entry = {peer, anybody, none: undefined}[chosen];
		const policy = policyOf(entry, auth);
		const isDenied = enforced && policy !== 'allow' && flow?.passes !== true;
		return {
			direction,
			endpoint,
			peer: key.sec_label,
			enforced,
			audit: enforcement.audit,
			entries: {
				peer: peer && matched(key, peer),
				anybody: anybody && matched(anyKey, anybody),
			},
			chosen,
			why,
			policy,
			proxyPort: enforced && policy === 'allow' ? (entry?.proxy_port ?? 0) : 0,
			flow,
			passes: !isDenied || enforcement.audit,
			reason: isDenied ? reasons[policy] : undefined,
		};
	} finally {
		map?.close();
	}
}

function policyOf(entry: PolicyEntry | undefined, auth: number): TraceSide['policy'] {
	if (entry === undefined) return 'none';
	if (entry.deny) return 'deny';
	return auth === 0 ? 'allow' : 'authenticate';
}

/** The kernel gives the value alone: which bits of the key it is about, the value says. */
function matched(key: PolicyKey, value: PolicyEntry): PolicyMapEntry {
	const prefix = prefixOf(value);
	const portBits = Math.max(prefix - 8, 0);
	return describeEntry(
		{
			...key,
			prefixlen: peerBits + prefix,
			protocol: prefix === 0 ? 0 : key.protocol,
			dport: key.dport & (0xffff << (16 - portBits)) & 0xffff,
		},
		value,
	);
}
