/** Entries of policy maps for people. */

import type {PolicyEntry, PolicyKey} from '../layout/policy.js';
import {peerBits} from './compile.js';
import {formatPorts} from './ports.js';
import {protocols} from '../protocols.js';
import type {PolicyDirection} from './rule.js';

/** An entry of an endpoint's policy as the map has it. */
export interface PolicyMapEntry {
	readonly direction: PolicyDirection;
	/** Number of the peer's identity; 0: anybody. */
	readonly identity: number;
	/** Number of the IP protocol; undefined for all. */
	readonly protocol: number | undefined;
	/** `80`, `8000-8191`; undefined for all, and for ICMP. */
	readonly ports: string | undefined;
	/** Of ICMP and ICMPv6; undefined for all. */
	readonly icmpType: number | undefined;
	readonly action: 'allow' | 'deny';
	/** 0: none. */
	readonly proxyPort: number;
	/** 0: none. */
	readonly auth: number;
	/** Bits of protocol and port that count: 0, 8, 9 to 24. */
	readonly prefix: number;
	/** The higher wins: from Cilium 1.19. */
	readonly precedence: number | undefined;
	/** Names the rule in events: from Cilium 1.19. */
	readonly cookie: number | undefined;
	/** What it decided about; undefined where nothing counted. */
	readonly packets: bigint | undefined;
	readonly bytes: bigint | undefined;
}

/** How much an entry decided about. */
export interface DecidedCount {
	readonly packets: bigint;
	readonly bytes: bigint;
}

export function describeEntry(
	key: PolicyKey,
	value: PolicyEntry,
	counted?: DecidedCount,
): PolicyMapEntry {
	const prefix = Math.max(key.prefixlen - peerBits, 0);
	const isIcmp = key.protocol === protocols.icmp || key.protocol === protocols.icmpv6;
	const bits = Math.max(prefix - 8, 0);
	return {
		direction: key.egress ? 'egress' : 'ingress',
		identity: key.sec_label,
		protocol: prefix === 0 ? undefined : key.protocol,
		ports: isIcmp ? undefined : formatPorts({port: key.dport, bits}),
		icmpType: isIcmp && bits > 0 ? key.dport : undefined,
		action: value.deny ? 'deny' : 'allow',
		proxyPort: value.proxy_port,
		auth: value.auth_type,
		prefix,
		precedence: value.precedence,
		cookie: value.cookie,
		packets: value.packets ?? counted?.packets,
		bytes: value.bytes ?? counted?.bytes,
	};
}
