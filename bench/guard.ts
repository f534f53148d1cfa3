/** A datapath around hosts of a lab. */

import {
	datapathDown,
	datapathUp,
	Endpoints,
	openDatapathMaps,
	type DatapathMaps,
	type DatapathOptions,
} from '../src/datapath/index.js';
import type {Host} from '../src/lab/index.js';
import {mountBpffs} from './bpffs.js';

/** An address without the length of its prefix. */
export const bare = (prefix = ''): string => prefix.replace(/\/.*/, '');

/** Addresses of a host's first interface: IPv4, IPv6. */
export function addressesOf({interfaces: [first]}: Host): [string, string] {
	return [bare(first?.ipv4), bare(first?.ipv6)];
}

/** Identities of hosts that are guarded: this one and those above it. */
export const firstIdentity = 300;

export interface Guard {
	readonly maps: DatapathMaps;
	readonly root: string;
	/** After the lab: until then nothing passes unguarded. */
	close(): Promise<void>;
}

/** Brings a datapath up on a node: the hosts, which are joined to it, become endpoints 1, 2, … */
export async function guard(
	node: Host,
	hosts: readonly Host[],
	options: DatapathOptions = {},
): Promise<Guard> {
	const bpffs = mountBpffs();
	const root = `${bpffs.path}/skep`;
	let maps: DatapathMaps | undefined;
	const close = async (): Promise<void> => {
		try {
			maps?.close();
			await datapathDown({root});
		} finally {
			bpffs.close();
		}
	};
	try {
		const [ipv4, ipv6] = addressesOf(node);
		await datapathUp({root, netns: node.netns, gateway: {ipv4, ipv6}, ...options});
		maps = openDatapathMaps({root, write: true});
		addEndpoints(new Endpoints(maps), node, hosts);
	} catch (error) {
		await close();
		throw error;
	}

	return {maps, root, close};
}

function addEndpoints(endpoints: Endpoints, node: Host, hosts: readonly Host[]): void {
	endpoints.setHost(node.interfaces.flatMap(({ipv4, ipv6}) => [bare(ipv4), bare(ipv6)]));
	for (const [i, host] of hosts.entries()) {
		const [ipv4, ipv6] = addressesOf(host);
		endpoints.add({
			id: i + 1,
			interface: node.interfaces.find(({peers}) => peers.includes(host.name))?.name ?? '',
			netns: node.netns,
			mac: host.interfaces[0]?.mac ?? '',
			ipv4,
			ipv6,
			identity: firstIdentity + i,
		});
	}
}
