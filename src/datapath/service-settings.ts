/** How the datapath's programs serve services. */

import {parseIpv4, parseIpv6} from '../base/address.js';
import {UsageError} from '../base/errors.js';
import type {MapSpec} from '../spec/types.js';
import {addressWords} from './address-words.js';

/** What programs do for services. */
export interface ServiceSettings {
	/** Whether what endpoints send to services is balanced, packet by packet; true unless given. */
	readonly perPacket?: boolean;
	/** Whether what the network sends to services is balanced; false unless given. */
	readonly nodePort?: boolean;
	/**
	 * Whether XDP sends on what the network sends to services with backends on other nodes, and what
	 * these answer; false unless given. It takes 14 MB of memory a CPU.
	 */
	readonly acceleration?: boolean;
	/**
	 * How what the network sends goes on to backends on other nodes: from this node, which replies
	 * return by (`snat`); from its client, which the backend's node answers (`dsr`); or so where it
	 * is TCP (`hybrid`). Services may ask for `dsr` where `dsrDispatch` is given. `snat` unless given.
	 */
	readonly forwarding?: 'snat' | 'dsr' | 'hybrid';
	/**
	 * What carries the frontend where packets go on by DSR: an option of IPv4 or a header of
	 * destination options of IPv6 (`opt`); a tunnel to a backend of the same port (`ipip`); a tunnel
	 * to the node that the ipcache knows as the backend's `tunnelEndpoint` (`geneve`). Tunnels come from
	 * the node's address for NAT, and are taken from addresses with the identity 6, remote node. The
	 * same for all nodes; `opt` unless given, where `forwarding` calls for any. *Kernel:* 6.3 for
	 * Geneve between nodes by the other family.
	 */
	readonly dsrDispatch?: DsrDispatch;
	/**
	 * Whether what the network sends to services whose backends have addresses of the other family
	 * goes there, from the node's address for NAT; dropped unless given.
	 */
	readonly nat46x64?: boolean;
	/** Whether services of any protocol are looked for, which costs a look-up; false unless given. */
	readonly anyProtocol?: boolean;
	/** Of services that do not name one; `random` unless given. */
	readonly algorithm?: 'random' | 'maglev';
	/** Entries of each Maglev table, one of {@link maglevSizes}; 16381 unless given. */
	readonly maglevSize?: number;
	/**
	 * What becomes of packets to a service without backends: dropped, or answered by "port
	 * unreachable"; `drop` unless given.
	 */
	readonly noBackend?: 'drop' | 'reject';
	/** The addresses under which endpoints meet themselves; {@link serviceLoopback} unless given. */
	readonly loopback?: {readonly ipv4?: string; readonly ipv6?: string};
}

/** Primes, so that every step goes through the whole table. */
export const maglevSizes: readonly number[] = [
	251, 509, 1021, 2039, 4093, 8191, 16_381, 32_749, 65_521, 131_071,
];

/** Nobody else's: never sent outside the node. */
export const serviceLoopback = {
	ipv4: '169.254.42.1',
	ipv6: 'fdc4:b1d0:5ad3::a9fe:2a01',
} as const;

const algorithms = {random: 1, maglev: 2} as const;
const forwardings = {snat: 0, dsr: 1, hybrid: 2} as const;
const dispatches = {opt: 1, ipip: 2, geneve: 3} as const;
const genevePort = 6081;
/** What carries a frontend to the backend's node. */
export type DsrDispatch = keyof typeof dispatches;

/**
 * Constants of `bpf/include/config.h`. *Throws:* `ERR_USAGE` for a size that no table has, and for
 * acceleration, DSR or NAT between families of what is not balanced at all.
 */
export function serviceConstants({
	perPacket = true,
	nodePort = false,
	acceleration = false,
	forwarding = 'snat',
	dsrDispatch = forwarding === 'snat' ? undefined : 'opt',
	nat46x64 = false,
	anyProtocol = false,
	algorithm = 'random',
	maglevSize = 16_381,
	noBackend = 'drop',
	loopback = {},
}: ServiceSettings): Record<string, unknown> {
	if (!maglevSizes.includes(maglevSize)) {
		throw new UsageError(
			`set up services: ${maglevSize} is no size of a Maglev table: ` +
				`expected one of ${maglevSizes.join(', ')}`,
		);
	}

	if (nat46x64 && !nodePort) {
		throw new UsageError(
			'set up services: NAT between the families is of what the network sends: it needs nodePort',
		);
	}

	if (acceleration && !nodePort) {
		throw new UsageError(
			'set up services: acceleration is of what the network sends: it needs nodePort',
		);
	}

	if (dsrDispatch !== undefined && !nodePort) {
		throw new UsageError(
			'set up services: DSR is of what the network sends: it needs nodePort',
		);
	}

	const {ipv4 = serviceLoopback.ipv4, ipv6 = serviceLoopback.ipv6} = loopback;
	return {
		service_per_packet: Number(perPacket),
		service_nodeport: Number(nodePort),
		xdp_services: Number(acceleration),
		service_forwarding: forwardings[forwarding],
		dsr_dispatch: dsrDispatch === undefined ? 0 : dispatches[dsrDispatch],
		tunnel_port: dsrDispatch === 'geneve' ? genevePort : 0,
		service_46x64: Number(nat46x64),
		service_any_protocol: Number(anyProtocol),
		service_algorithm: algorithms[algorithm],
		service_reject: Number(noBackend === 'reject'),
		service_loopback_ipv4: addressWords(parseIpv4(ipv4))[0],
		service_loopback_ipv6: addressWords(parseIpv6(ipv6)),
		maglev_table_size: maglevSize,
	};
}

/** A map, its Maglev tables of the size that is set where it has any. */
export function sizeMaglev(map: MapSpec, {maglevSize = 16_381}: ServiceSettings): MapSpec {
	if (map.inner === undefined || !map.name.endsWith('_maglev')) return map;
	return {...map, inner: {...map.inner, valueSize: maglevSize * 4}};
}
