/** A node of a lab with the datapath and three endpoints: red, blue and green. */

import {
	datapathDown,
	datapathUp,
	Endpoints,
	Identities,
	openDatapathMaps,
	type DatapathMaps,
	type Endpoint,
} from 'skep/datapath';
import {lab, type Host} from 'skep/lab';

import {printTable} from './table.js';

const names = ['red', 'blue', 'green'] as const;

/** What the demo does things with, of one node. */
export interface Node {
	readonly maps: DatapathMaps;
	readonly hosts: Readonly<Record<(typeof names)[number], Host>>;
	/** The same hosts as endpoints, in this order. */
	readonly added: readonly Endpoint[];
}

/** Brings a node up, has work done on it, and takes all of it down. */
export async function withNode(
	root: string,
	signal: AbortSignal,
	work: (node: Node) => Promise<void>,
): Promise<void> {
	const net = await lab({
		name: 'demo',
		hosts: names,
		routers: ['node'],
		links: names.map(name => [name, 'node'] as const),
	});
	try {
		const {node, ...hosts} = net.hosts;
		const [gateway] = node.interfaces;
		await datapathUp({
			root,
			netns: node.netns,
			gateway: {ipv4: bare(gateway?.ipv4), ipv6: bare(gateway?.ipv6)},
			sizes: {conntrackTcp: 4096, conntrackAny: 4096},
		});
		signal.throwIfAborted();
		using maps = openDatapathMaps({root, write: true});
		const added = addEndpoints(maps, node, Object.values(hosts));
		await work({maps, hosts, added});
	} finally {
		await datapathDown({root});
		await net.close();
	}
}

function addEndpoints(maps: DatapathMaps, node: Host, hosts: readonly Host[]): Endpoint[] {
	using identities = Identities.open(maps.root, {write: true});
	const endpoints = new Endpoints(maps);
	const addresses = node.interfaces.flatMap(({ipv4, ipv6}) => [bare(ipv4), bare(ipv6)]);
	endpoints.setHost(addresses);
	const added = hosts.map((host, i) =>
		endpoints.add({
			interface: node.interfaces[i]?.name ?? '',
			netns: node.netns,
			mac: host.interfaces[0]?.mac ?? '',
			ipv4: host.ipv4,
			ipv6: host.ipv6,
			identity: identities.allocate([`app=${host.name}`]).id,
		}),
	);
	printTable(
		added.map(({id, identity, addresses}) => ({
			endpoint: id,
			identity,
			labels: identities.get(identity)?.labels.join(' ') ?? '-',
			ipv4: addresses[0] ?? '-',
			ipv6: addresses[1] ?? '-',
		})),
	);
	return added;
}

const bare = (prefix = ''): string => prefix.split('/')[0] ?? '';
