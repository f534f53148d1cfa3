/** The datapath's own ways to a service's backends. */

import {dirname} from 'node:path';

import {
	Services,
	Sockets,
	type DatapathMaps,
	type DatapathOptions,
	type NewService,
} from '../src/datapath/index.js';
import type {Host} from '../src/lab/index.js';
import {bare, guard, type Guard} from './guard.js';
import type {ModePlan} from './service-lab.js';
import type {BenchService} from './service-list.js';
import {runTool} from './tools.js';
import {trafficPort} from './traffic.js';

/** What is done beside what every mode does: endpoints are guarded, and the services are there. */
interface Way {
	readonly endpoints: readonly Host[];
	readonly options: DatapathOptions;
	/** `ClusterIP` unless given. */
	readonly type?: NewService['type'];
	/** What else is set up. */
	readonly prepare?: (maps: DatapathMaps) => void;
}

/** Guards the endpoints and writes the services. */
export async function installDatapath(
	{lab: {node}, services}: ModePlan,
	{endpoints, options, type = 'ClusterIP', prepare}: Way,
): Promise<() => Promise<void>> {
	const guarded: Guard = await guard(node, endpoints, options);
	try {
		await new Services(guarded.maps).upsertMany(services.map(one => newService(one, type)));
		prepare?.(guarded.maps);
	} catch (error) {
		await guarded.close();
		throw error;
	}

	return async () => guarded.close();
}

/**
 * Balances where frames come in. Those of veth pairs are made as on a wire: with checksums, which
 * plain routing here is spared, and received in batches.
 */
export async function installXdp(plan: ModePlan): Promise<() => Promise<void>> {
	const {client, node, backends} = plan.lab;
	for (const host of [client, ...backends]) {
		for (const {name} of host.interfaces) {
			await runTool(host, 'ethtool', ['-K', name, 'tx', 'off', 'gro', 'on']);
		}
	}

	const towards = node.interfaces.find(({peers}) => peers.includes('one'));
	return installDatapath(plan, {
		endpoints: [],
		options: {
			devices: node.interfaces.map(({name}) => name),
			nat: {ipv4: bare(towards?.ipv4), ipv6: bare(towards?.ipv6)},
			services: {nodePort: true, acceleration: true},
		},
		type: 'LoadBalancer',
	});
}

/** Chosen in the client's socket, and from there on from socket to socket. */
export async function installSockmap(plan: ModePlan): Promise<() => Promise<void>> {
	const {client, backends} = plan.lab;
	return installDatapath(plan, {
		endpoints: [client, ...backends],
		// Of all hosts of the lab.
		options: {cgroup: dirname(client.cgroup), sockmap: true},
		prepare(maps) {
			new Sockets(maps).choose({port: trafficPort});
		},
	});
}

function newService({address, port, backends}: BenchService, type: NewService['type']): NewService {
	return {frontend: {address, port}, backends, ...(type === undefined ? {} : {type})};
}
