/** Services and backends as people write them and as they are read. */

import type {BackendState, ServiceAlgorithm, ServiceType} from './flags.js';

/** What clients connect to. */
export interface Frontend {
	readonly address: string;
	readonly port: number;
	/** `tcp`, `udp`, `sctp`, `any`, in any case, or a number; `tcp` unless given. */
	readonly protocol?: string | number;
	/**
	 * Who sees it: clients outside of the cluster, or those in it where the two see different
	 * backends. Unless given, `upsert` writes what the traffic policies call for.
	 */
	readonly scope?: ServiceScope;
}

/** Clients outside of the cluster, or in it. */
export type ServiceScope = 'external' | 'internal';
/** Backends of the whole cluster, or of this node only. */
export type TrafficPolicy = 'Cluster' | 'Local';

/** A server behind a service. */
export interface NewBackend {
	readonly address: string;
	readonly port: number;
	/** Share of a Maglev table, 1 to 65535; 100 unless given. */
	readonly weight?: number;
	/** Of the backend in all services that have it; unless given as it is, `active` for a new one. */
	readonly state?: BackendState;
	/** Number of its zone, 0 to 255; 0 unless given. */
	readonly zone?: number;
	/** Whether it is on this node: who counts under the policy `Local`. False unless given. */
	readonly local?: boolean;
}

/** Clients that may use a service, or that may not: prefixes of either family. */
export type SourceRanges =
	| {readonly allow: readonly string[]; readonly deny?: never}
	| {readonly deny: readonly string[]; readonly allow?: never};

/** A service as it is to be. */
export interface NewService {
	readonly frontend: Frontend;
	/** `ClusterIP` unless given. A `LocalRedirect` has backends on this node only. */
	readonly type?: ServiceType;
	readonly backends: readonly NewBackend[];
	/** The node's unless given. */
	readonly algorithm?: 'random' | 'maglev';
	/** Keeps a client with its backend for so many seconds after its last flow, 1 to 16777215. */
	readonly affinity?: {readonly timeout: number};
	/** For clients outside: backends of the whole cluster unless given, or of this node only. */
	readonly externalTrafficPolicy?: TrafficPolicy;
	/** The same for clients in the cluster. */
	readonly internalTrafficPolicy?: TrafficPolicy;
	readonly sourceRanges?: SourceRanges;
	/** How packets to backends on other nodes travel; `snat` unless given. */
	readonly forwardingMode?: 'snat' | 'dsr';
	/**
	 * A port, in all addresses of this node, of a transparent proxy that takes what is sent to the
	 * service, in the place of its backends; no policy is asked about it.
	 */
	readonly proxyPort?: number;
	/**
	 * Whether the backends have addresses of the other family than the frontend, which clients
	 * outside reach where the node's `nat46x64` is set. False unless given.
	 */
	readonly nat46x64?: boolean;
	/**
	 * Whether other ports of the address are refused to clients outside: true unless given for
	 * `ClusterIP` and `LoadBalancer`, false for addresses that nodes have.
	 */
	readonly wildcard?: boolean;
	/**
	 * Whether a `NodePort` is also written for the address 0.0.0.0 or `::`, where sockets of the node
	 * find it under any of its addresses; true unless given.
	 */
	readonly surrogate?: boolean;
}

/** A backend as the maps have it. */
export interface Backend {
	readonly id: number;
	readonly address: string;
	readonly port: number;
	/** `tcp`, `udp`, `sctp`, `any`, or a number as text. */
	readonly protocol: string;
	readonly state: BackendState;
	readonly zone: number;
}

/** A backend in its place behind a service. */
export interface ServiceBackend extends Backend {
	/** From 1 on. */
	readonly slot: number;
	readonly weight: number;
	/** Its slot is beyond those that new flows are given. */
	readonly quarantined: boolean;
}

/** A service as the maps have it. */
export interface Service {
	/** Its number, by which replies find the frontend. */
	readonly id: number;
	readonly frontend: Required<Frontend> & {readonly protocol: string};
	readonly type: ServiceType;
	/** In the words of `cilium-dbg bpf lb list`. */
	readonly flags: readonly string[];
	readonly algorithm: ServiceAlgorithm;
	readonly affinity: {readonly timeout: number} | undefined;
	readonly externalTrafficPolicy: TrafficPolicy;
	readonly internalTrafficPolicy: TrafficPolicy;
	readonly sourceRanges: SourceRanges | undefined;
	readonly forwardingMode: 'snat' | 'dsr';
	/** Of the proxy that takes what is sent to it. */
	readonly proxyPort?: number;
	/** Its backends have addresses of the other family. */
	readonly nat46x64?: true;
	readonly backends: readonly ServiceBackend[];
}
