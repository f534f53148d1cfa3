import type {ExecutionContext} from 'ava';

import {
	datapathDown,
	datapathUp,
	Endpoints,
	Ipcache,
	openDatapathMaps,
	type DatapathMaps,
	type DatapathOptions,
	type Endpoint,
} from '../../src/datapath/index.js';
import {lab, type Host, type Lab} from '../../src/lab/index.js';
import {makeBpffs} from './bpffs.js';

/** A node with two endpoints, and the world behind its device `eth2`. */
export interface DatapathLab {
	readonly net: Lab<'red' | 'blue' | 'world' | 'node'>;
	readonly red: Host;
	readonly blue: Host;
	readonly world: Host;
	readonly node: Host;
	readonly root: string;
	readonly maps: DatapathMaps;
	readonly endpoints: Endpoints;
	readonly ipcache: Ipcache;
	/** Of red and blue. */
	readonly added: readonly Endpoint[];
	readonly options: DatapathOptions;
}

const bare = (prefix: string | undefined): string => prefix?.split('/')[0] ?? '';

/** Addresses of a host's first interface, without lengths: IPv4, IPv6. */
export function addressesOf(host: Host): [string, string] {
	const [first] = host.interfaces;
	return [bare(first?.ipv4), bare(first?.ipv6)];
}

/** Identities of red and blue. */
export const identities = {red: 300, blue: 400} as const;

/** Brings a datapath up in a lab of its own; all of it goes with the test. */
export async function makeDatapathLab(
	t: ExecutionContext,
	more: DatapathOptions = {},
): Promise<DatapathLab> {
	const bpffs = await makeBpffs(t);
	const net = await lab({
		name: 'datapath',
		hosts: ['red', 'blue', 'world'],
		routers: ['node'],
		links: [
			['red', 'node'],
			['blue', 'node'],
			['world', 'node'],
		],
	});
	t.teardown(async () => net.close());
	const {red, blue, world, node} = net.hosts;
	const root = `${bpffs}/skep`;
	const [gateway] = node.interfaces;
	const options: DatapathOptions = {
		root,
		netns: node.netns,
		devices: ['eth2'],
		gateway: {ipv4: bare(gateway?.ipv4), ipv6: bare(gateway?.ipv6)},
		sizes: {conntrackTcp: 4096, conntrackAny: 4096},
		...more,
	};
	await datapathUp(options);
	t.teardown(async () => datapathDown({root}));
	const maps = openDatapathMaps({root, write: true});
	t.teardown(() => {
		maps.close();
	});
	const endpoints = new Endpoints(maps);
	endpoints.setHost(node.interfaces.flatMap(({ipv4, ipv6}) => [bare(ipv4), bare(ipv6)]));
	const added = (['red', 'blue'] as const).map((name, i) => {
		const host = net.hosts[name];
		const [ipv4, ipv6] = addressesOf(host);
		return endpoints.add({
			id: i + 1,
			interface: node.interfaces[i]?.name ?? '',
			netns: node.netns,
			mac: host.interfaces[0]?.mac ?? '',
			ipv4,
			ipv6,
			identity: identities[name],
		});
	});
	const ipcache = new Ipcache(maps);
	return {net, red, blue, world, node, root, maps, endpoints, ipcache, added, options};
}
