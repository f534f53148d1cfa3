/** How a network is described: hosts, routers, bridges, and what joins them. */

import type {DeviceFeature} from '../../kernel/sys/namespace.js';

/** What a host or router has beside its links. */
export interface HostOptions {
	/** Addresses of its own on `lo`, with or without length: routed to from everywhere. */
	readonly addresses?: readonly string[];
	/** Further routes. */
	readonly routes?: readonly RouteOptions[];
	/** Settings below /proc/sys: `{'net/ipv4/tcp_timestamps': 0}`. */
	readonly settings?: Readonly<Record<string, string | number>>;
}

/** A route that does not follow from the topology. */
export interface RouteOptions {
	/** Prefix, or address: `203.0.113.0/24`, `::/0`. */
	readonly to: string;
	/** Address of a neighbour, of the same family. */
	readonly via: string;
}

/** One end of a link; what is not given follows from the topology. */
export interface EndOptions {
	/** `eth0`, `eth1`, … in the order of links unless given. */
	readonly name?: string;
	/** `02:00:00:00:00:01`. */
	readonly mac?: string;
	/** With the length of the prefix: `10.0.0.1/24`. */
	readonly ipv4?: string;
	readonly ipv6?: string;
	/** As of the link, for this end alone. */
	readonly offloads?: Offloads;
	/** As of the link, for what this end sends. */
	readonly netem?: NetemOptions;
}

/** All on or off, or each by name; the driver's own where not given. */
export type Offloads = boolean | Readonly<Partial<Record<DeviceFeature, boolean>>>;

/** What a link does to the packets that are sent into it. *Kernel:* CONFIG_NET_SCH_NETEM. */
export interface NetemOptions {
	/** Milliseconds, from one end to the other. */
	readonly delay?: number;
	/** Milliseconds by which the delay varies. */
	readonly jitter?: number;
	/** Percent of packets. */
	readonly loss?: number;
	/** Packets that wait at most; 1000 unless given. */
	readonly limit?: number;
}

/** A veth pair. */
export interface LinkOptions<Name extends string = string> {
	readonly between: readonly [Name, Name];
	/** Bytes; 1500 unless given. */
	readonly mtu?: number;
	/** Prefix that both ends are addressed from; `false` for no addresses of the family. */
	readonly ipv4?: string | false;
	readonly ipv6?: string | false;
	/**
	 * Checksums and segmentation that the driver leaves for later; `false` gives frames that are
	 * complete and no larger than the MTU, as on a wire.
	 */
	readonly offloads?: Offloads;
	/** For both directions. */
	readonly netem?: NetemOptions;
	/** By the name of the host at that end. */
	readonly ends?: Readonly<Partial<Record<Name, EndOptions>>>;
}

/** A VXLAN that joins hosts, whatever lies between them, to one segment. */
export interface VxlanOptions<Name extends string = string> {
	readonly between: readonly Name[];
	/** 1, 2, … in the order of VXLANs unless given. */
	readonly vni?: number;
	/** Family of the addresses that it runs over; `ipv4` unless given. */
	readonly over?: 'ipv4' | 'ipv6';
	/** UDP; 4789 unless given. */
	readonly port?: number;
	/** Bytes; the smallest of the ends' own links less the headers unless given. */
	readonly mtu?: number;
	readonly ipv4?: string | false;
	readonly ipv6?: string | false;
	readonly ends?: Readonly<Partial<Record<Name, EndOptions>>>;
}

/** Names, or names with what they are to have. */
export type Hosts<Name extends string> = readonly Name[] | Readonly<Record<Name, HostOptions>>;

/**
 * A network. Both families of addresses are given out automatically: the n-th host, router or
 * bridge of the description ends in n on every segment. Segments are 192.0.2.0/24,
 * 198.51.100.0/24, 203.0.113.0/24, then 10.0.3.0/24 and so on, and 2001:db8:0::/64,
 * 2001:db8:1::/64 and so on, in the order of links; VXLANs come after them.
 */
export interface Topology<
	Host extends string = string,
	Router extends string = string,
	Bridge extends string = string,
> {
	/** For people: shown by `skep lab list`; letters, digits, `-` and `_`. */
	readonly name?: string;
	readonly hosts: Hosts<Host>;
	/** Hosts that forward. */
	readonly routers?: Hosts<Router>;
	readonly bridges?: readonly Bridge[];
	readonly links?: readonly (
		| readonly [NoInfer<Host | Router | Bridge>, NoInfer<Host | Router | Bridge>]
		| LinkOptions<NoInfer<Host | Router | Bridge>>
	)[];
	readonly vxlans?: readonly VxlanOptions<NoInfer<Host | Router>>[];
	/**
	 * Whether hosts know their neighbours' MACs from the start, `given`, or have to ask for them by
	 * ARP and neighbour discovery; `given` unless said otherwise.
	 */
	readonly neighbours?: 'given' | 'learned';
	/** Whether hosts have routes to all segments; `given` unless said otherwise. */
	readonly routes?: 'given' | 'none';
}
