/** What a monitor tells. */

/** What a datapath's programs tell of. */
export const eventKinds = ['drop', 'trace', 'policy-verdict', 'trace-sock'] as const;

/** What an event of a program tells of. */
export type EventKind = (typeof eventKinds)[number];

/** What events of all kinds have. */
export interface PacketEvent {
	/** Milliseconds since 1970 when the event was read: events themselves have no time. */
	readonly time: number;
	/** Endpoint that the program worked for; 0 for none. Of a verdict, the endpoint that was asked. */
	readonly source: number;
	/** The kernel's hash of the packet's flow. */
	readonly hash: number;
	/** Bytes of the packet. */
	readonly length: number;
	/** Its first bytes. */
	readonly packet: Uint8Array;
	/** Whether `packet` begins with the IP header and not with Ethernet's. */
	readonly isL3: boolean;
}

/** A packet was dropped. */
export interface DropEvent extends PacketEvent {
	readonly kind: 'drop';
	/** Number of the drop reason. */
	readonly reason: number;
	readonly reasonText: string;
	/** What decided it beside the reason: what a helper returned, and the like; 0 for nothing. */
	readonly extendedError: number;
	readonly sourceIdentity: number;
	readonly destinationIdentity: number;
	/** 0 where it was not known, as on the packet's way out. */
	readonly destinationEndpoint: number;
	readonly ifindex: number;
	/** Where the program says so: the file's name, or its number where it is not known. */
	readonly file: string;
	readonly line: number;
}

/** A packet passed a place. */
export interface TraceEvent extends PacketEvent {
	readonly kind: 'trace';
	/** `to-endpoint`, `from-network`, …: see `tracePoints`. */
	readonly point: string;
	/** `new`, `established`, `reply`, `related`, `unknown`, …: see `traceReasons`. */
	readonly reason: string;
	/** Whether it came encrypted. */
	readonly encrypted: boolean;
	readonly sourceIdentity: number;
	readonly destinationIdentity: number;
	/** 0 where it was not known, or for a proxy. */
	readonly destinationEndpoint: number;
	/** Port of the proxy that gets it; 0 for none. */
	readonly proxyPort: number;
	readonly ifindex: number;
	/** The source before it was translated; null where it is not told. */
	readonly originalSource: string | null;
}

/** What a policy decided. */
export type Verdict = 'allow' | 'deny' | 'redirect' | 'audit';

/** A policy decided on a flow. */
export interface PolicyVerdictEvent extends PacketEvent {
	readonly kind: 'policy-verdict';
	/** `redirect`: to a proxy; `audit`: denied, but let pass. */
	readonly verdict: Verdict;
	/** Number of the drop reason; 0 where it passes. */
	readonly reason: number;
	/** Text of the drop reason; empty where it passes. */
	readonly reasonText: string;
	/** 0 for none. */
	readonly proxyPort: number;
	readonly direction: 'ingress' | 'egress';
	/** Identity of the peer. */
	readonly remoteIdentity: number;
	/** IP protocol. */
	readonly protocol: number;
	/** Of ICMP, the type. */
	readonly destinationPort: number;
	/** What the rule named: see `matchTypes`. */
	readonly match: string;
	/** How the flow has to be authenticated: see `authTypes`. */
	readonly authType: string;
	/** What the rule's author wrote beside it. */
	readonly cookie: number;
}

/**
 * A socket asked for a service, or was told of a message from one: before and behind the translation.
 * Told where the node's `traceSockets` is set.
 */
export interface SocketEvent {
	readonly kind: 'trace-sock';
	/** Milliseconds since 1970 when the event was read. */
	readonly time: number;
	/** `pre-forward`, `post-forward`, `pre-reverse`, `post-reverse`: see `socketPoints`. */
	readonly point: string;
	readonly protocol: 'tcp' | 'udp' | 'unknown';
	/** Of the peer. */
	readonly address: string;
	readonly port: number;
	readonly cookie: bigint;
	/** The cgroup of the process, by its id. */
	readonly cgroup: bigint;
}

/** Events that the monitor did not get. */
export interface LostEvent {
	readonly kind: 'lost';
	/** Milliseconds since 1970. */
	readonly time: number;
	/** Events that found the monitor's ring full, since it was told last. */
	readonly lost: number;
	/** Events that the rate limit held back from all monitors, since it was told last. */
	readonly limited: number;
}

/** An event that is not of a kind, version and length that are known, as bytes. */
export interface UnknownEvent {
	readonly kind: 'unknown';
	/** Milliseconds since 1970 when the event was read. */
	readonly time: number;
	/** Its first byte: 1 drop, 2 and 3 debugging, 4 trace, 5 policy verdict, 7 socket; of Cilium's the last, whose two forms are of one length. */
	readonly type: number;
	/** All of it; at its end are up to 7 bytes of padding. */
	readonly bytes: Uint8Array;
}

/** What a monitor tells of. */
export type MonitorEvent =
	DropEvent | TraceEvent | PolicyVerdictEvent | SocketEvent | LostEvent | UnknownEvent;
