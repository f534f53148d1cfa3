/** Endpoints, identities of addresses, and nodes. */

import type {StructTable} from './fields.js';

/** An address of the node or of an endpoint on it. */
export interface EndpointKey {
	/** Of either family. */
	readonly address: string;
	/** Always read; 0 unless given. */
	readonly key?: number;
	readonly cluster_id?: number;
}

/** The endpoint that has the address. */
export interface EndpointInfo {
	/** Of the host's end. */
	readonly ifindex: number;
	/** The endpoint's id; 0 for the host. */
	readonly lxc_id: number;
	/** Bits: 1 the node's own address, 2 at the host's namespace, 4 and 8 no SNAT of IPv4 and IPv6. */
	readonly flags: number;
	/** Of the endpoint's end. */
	readonly mac: string;
	/** Of the host's end. */
	readonly node_mac: string;
	readonly sec_id: number;
	/** From Cilium 1.17. */
	readonly parent_ifindex?: number;
}

/** An endpoint by its interface: skep only. */
export interface LxcDevice {
	/** `0.0.0.0` for none. */
	readonly ip4: string;
	/** `::` for none. */
	readonly ip6: string;
	/** Of the endpoint's end. */
	readonly mac: string;
	/** Of the host's end. */
	readonly node_mac: string;
	readonly sec_id: number;
	/** Of the host's end; 0: nobody's slot. */
	readonly ifindex: number;
	/** The endpoint's id. */
	readonly lxc_id: number;
	/** Bits as in `EndpointInfo`. */
	readonly flags: number;
}

/** An endpoint by its id: skep only. */
export interface LxcSettings {
	/** Grows with every change of the endpoint's policy, flags or identity. */
	readonly policy_revision: number;
	/** Bits: 1 enforces the policy for ingress, 2 for egress, 4 audits it only. */
	readonly flags: number;
}

/** A prefix of addresses of either family. */
export interface IpcacheKey {
	/** `10.0.0.0/8`; a bare address where it is written is one of full length. */
	readonly prefix: string;
	/** Always read; 0 unless given. */
	readonly cluster_id?: number;
}

/** Whose addresses they are, and how they are reached. */
export interface RemoteEndpointInfo {
	readonly sec_identity: number;
	/** The node behind which they are; null for none, as where it is not given. IPv4 to Cilium 1.17. */
	readonly tunnel_endpoint?: string | null;
	/** Index of the encryption key; 0 unless given. */
	readonly key?: number;
	/** From Cilium 1.16; false unless given. */
	readonly flag_skip_tunnel?: boolean;
	/** From Cilium 1.19; false unless given. */
	readonly flag_remote_cluster?: boolean;
}

/** An address of a node. */
export interface NodeKey {
	readonly address: string;
}

/** The number of the node that has the address. */
export interface NodeValue {
	readonly id: number;
	/** From Cilium 1.16. */
	readonly spi?: number;
}

/** Where the id stands in `endpoint_info` of any version: u16. */
export const endpointIdOffset = 6;

/** Where fields of `lxc_device` stand: the interface's number, and the endpoint's id in 16 bits. */
export const deviceOffsets = {ifindex: 52, id: 56} as const;

const info =
	'0 ifindex u32, 4 unused _2, 6 lxc_id u16, 8 flags u32, 16 mac mac, 24 node_mac mac, 32 sec_id u32';
const remote = '0 sec_identity u32, 4 tunnel_endpoint _4, 8 pad _2, 10 key u8';
const remote6 =
	'0 sec_identity u32, 4 tunnel_endpoint.ip4 _4, 8 tunnel_endpoint.pad1 _4, 12 tunnel_endpoint.pad2 _4, 16 tunnel_endpoint.pad3 _4, 4 tunnel_endpoint.ip6 _16, 20 pad _2, 22 key u8, 23.0 flag_skip_tunnel flag, 23.1 flag_has_tunnel_ep _b1, 23.2 flag_ipv6_tunnel_ep _b1';

export const endpointStructs: StructTable = {
	endpoint_key: [
		[
			'1.15-',
			20,
			'0 ip4 _4, 4 pad1 _4, 8 pad2 _4, 12 pad3 _4, 0 ip6 _16, 16 family _1, 17 key u8, 18 cluster_id u16',
		],
	],
	endpoint_info: [
		['1.15-1.16', 48, `${info}, 36 pad _12`],
		['1.17-', 48, `${info}, 36 parent_ifindex u32, 40 pad _8`],
	],
	lxc_device: [
		[
			'skep',
			64,
			'0 ip4 ipv4in16, 16 ip6 ipv6, 32 mac mac, 40 node_mac mac, 48 sec_id u32, 52 ifindex u32, 56 lxc_id u16, 58 flags u16, 60 pad _4',
		],
	],
	lxc_settings: [['skep', 8, '0 policy_revision u32, 4 flags u32']],
	ipcache_key: [
		[
			'1.15-',
			24,
			'0 lpm_key _4, 4 cluster_id u16, 6 pad1 _1, 7 family _1, 8 ip4 _4, 12 pad4 _4, 16 pad5 _4, 20 pad6 _4, 8 ip6 _16',
		],
	],
	remote_endpoint_info: [
		['1.15', 12, remote],
		['1.16-1.17', 12, `${remote}, 11.0 flag_skip_tunnel flag, 11.1 pad2 _b7`],
		['1.18', 24, `${remote6}, 23.3 pad2 _b5`],
		['1.19-', 24, `${remote6}, 23.3 flag_remote_cluster flag, 23.4 pad2 _b4`],
	],
	node_key: [
		[
			'1.15-',
			20,
			'0 pad1 _2, 2 pad2 _1, 3 family _1, 4 ip4 _4, 8 pad4 _4, 12 pad5 _4, 16 pad6 _4, 4 ip6 _16',
		],
	],
	node_value: [
		['1.15', 2, '0 id u16'],
		['1.16-', 4, '0 id u16, 2 spi u8, 3 pad _1'],
	],
};
