/** Direct connections between sockets of this node. */

import type {StructTable} from './fields.js';

/** A socket; addresses of IPv4 stand in the first four bytes of 16. */
export interface DirectSocketKey {
	readonly local: string;
	readonly remote: string;
	readonly local_port: number;
	readonly remote_port: number;
	/** Number of the first byte that it sends. */
	readonly local_seq: number;
	/** Number of the first byte that it receives. */
	readonly remote_seq: number;
	/** 1: IPv4, 2: IPv6. */
	readonly family: number;
}

/** Whose connections are direct: a frontend, a server, or with the address `::` a port of all. */
export interface DirectPortKey {
	readonly address: string;
	readonly port: number;
	/** As of sockets; 0 with the address `::`. */
	readonly family: number;
}

export const sockmapStructs: StructTable = {
	sock_key: [
		[
			'skep',
			48,
			'0 local ipv6, 16 remote ipv6, 32 local_port be16, 34 remote_port be16, 36 local_seq u32, 40 remote_seq u32, 44 family u8, 45 pad _3',
		],
	],
	sockmap_port: [['skep', 24, '0 address ipv6, 16 port be16, 18 family u8, 19 pad _5']],
};
