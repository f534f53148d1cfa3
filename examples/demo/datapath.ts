/** A datapath in a lab of its own: a policy lets one connection through and drops another. */

import {
	datapathDown,
	datapathUp,
	Endpoints,
	Identities,
	monitor,
	openConntrack,
	openDatapathMaps,
	Policies,
	readFlow,
	type DatapathMaps,
	type DropEvent,
	type Monitor,
} from 'skep/datapath';
import {lab, type Host} from 'skep/lab';

import {printTable} from './table.js';

const allowed = 80;
const denied = 81;
const bare = (prefix = ''): string => prefix.split('/')[0] ?? '';

/** *Throws:* when a connection has another fate than the policy says. */
export async function guardEndpoints(root: string, signal: AbortSignal): Promise<void> {
	const net = await lab({
		name: 'demo',
		hosts: ['red', 'blue'],
		routers: ['node'],
		links: [
			['red', 'node'],
			['blue', 'node'],
		],
	});
	try {
		const {red, blue, node} = net.hosts;
		const [gateway] = node.interfaces;
		await datapathUp({
			root,
			netns: node.netns,
			gateway: {ipv4: bare(gateway?.ipv4), ipv6: bare(gateway?.ipv6)},
			sizes: {conntrackTcp: 4096, conntrackAny: 4096},
		});
		signal.throwIfAborted();
		using maps = openDatapathMaps({root, write: true});
		const [client, server] = addEndpoints(maps, node, [red, blue]);
		await new Policies(maps).replace(
			server?.id ?? 0,
			[
				{
					direction: 'ingress',
					peers: client?.identity ?? 0,
					protocol: 'tcp',
					ports: allowed,
					action: 'allow',
				},
			],
			{enforce: {ingress: true}},
		);
		console.log(`  app=blue takes connections of app=red to port ${allowed}, and no others`);
		await useBoth(root, maps, red, blue, signal);
	} finally {
		await datapathDown({root});
		await net.close();
	}
}

function addEndpoints(maps: DatapathMaps, node: Host, hosts: readonly Host[]) {
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

/** Tries both ports, by both families. */
async function useBoth(
	root: string,
	maps: DatapathMaps,
	red: Host,
	blue: Host,
	signal: AbortSignal,
): Promise<void> {
	using events = monitor({root, filter: {kinds: ['drop'], ports: [denied]}, signal});
	const servers = await Promise.all([allowed, denied].map(async port => blue.listen(port)));
	const drops: DropEvent[] = [];
	for (const address of [blue.ipv4, blue.ipv6]) {
		const socket = await red.connect(address, allowed, {signal});
		console.log(`  connected to ${address} port ${allowed}`);
		socket.destroy();
		drops.push(await dropped(events, red, address, signal));
	}

	for (const server of servers) server.close();
	console.log(`\n  What the monitor told of port ${denied}`);
	printTable(drops.map(rowOf));
	console.log('\n  What conntrack has');
	using conntrack = await openConntrack(maps);
	printTable(
		[...conntrack.list({filter: {protocol: 'tcp'}})].map(flow => ({
			proto: flow.protocol,
			dir: flow.direction,
			source: ends(flow.source, flow.sourcePort),
			destination: ends(flow.destination, flow.destinationPort),
			state: flow.state,
			packets: flow.packets,
		})),
	);
}

/** The connection hangs until its drop was told: then it is given up. */
async function dropped(
	events: Monitor,
	red: Host,
	address: string,
	signal: AbortSignal,
): Promise<DropEvent> {
	const attempt = new AbortController();
	const given = AbortSignal.any([signal, attempt.signal]);
	const isConnected = red.connect(address, denied, {signal: given}).then(
		() => true,
		() => false,
	);
	for await (const event of events) {
		if (event.kind !== 'drop') continue;
		attempt.abort();
		if (await isConnected) throw new Error(`a connection to ${address} was not dropped`);
		return event;
	}

	attempt.abort();
	await isConnected;
	signal.throwIfAborted();
	throw new Error('the monitor ended');
}

function rowOf({reasonText, packet, isL3, sourceIdentity, source}: DropEvent) {
	const flow = readFlow(packet, isL3);
	return {
		drop: reasonText,
		endpoint: source,
		from: sourceIdentity,
		source: ends(flow?.source, flow?.sourcePort),
		destination: ends(flow?.destination, flow?.destinationPort),
	};
}

const ends = (address = '-', port = 0): string =>
	address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
