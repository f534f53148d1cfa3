/** A policy lets one connection through and drops another; monitor and conntrack tell of both. */

import {
	monitor,
	openConntrack,
	Policies,
	readFlow,
	type DropEvent,
	type Monitor,
} from 'skep/datapath';
import type {Host} from 'skep/lab';

import type {Node} from './datapath.js';
import {printTable} from './table.js';

const allowed = 80;
const denied = 81;

/** *Throws:* when a connection has another fate than the policy says. */
export async function guardEndpoints({maps, added, hosts}: Node, signal: AbortSignal) {
	const [red, blue] = added;
	await new Policies(maps).replace(
		blue?.id ?? 0,
		[
			{
				direction: 'ingress',
				peers: red?.identity ?? 0,
				protocol: 'tcp',
				ports: allowed,
				action: 'allow',
			},
		],
		{enforce: {ingress: true}},
	);
	console.log(`  app=blue takes connections of app=red to port ${allowed}, and no others`);

	const {red: client, blue: server} = hosts;
	using events = monitor({
		root: maps.root,
		filter: {kinds: ['drop'], ports: [denied]},
		signal,
	});
	const servers = await Promise.all([allowed, denied].map(async port => server.listen(port)));
	const drops: DropEvent[] = [];
	for (const address of [server.ipv4, server.ipv6]) {
		const socket = await client.connect(address, allowed, {signal});
		console.log(`  connected to ${address} port ${allowed}`);
		socket.destroy();
		drops.push(await dropped(events, client, address, signal));
	}

	for (const each of servers) each.close();
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
