/** A client, a node that forwards, and two hosts behind it that answer. */

import {lab, type Host, type Lab} from '../src/lab/index.js';
import {servicePrefix, type BenchBackend, type BenchService, type Family} from './service-list.js';
import {startServer, trafficPort} from './traffic.js';

export interface ServiceLab {
	readonly net: Lab<'client' | 'one' | 'two' | 'node'>;
	readonly client: Host;
	readonly node: Host;
	/** Whose first interfaces are the node's in this order, after the client's. */
	readonly backends: readonly Host[];
	/** Process ids of the backends' servers. */
	readonly servers: readonly number[];
}

/** Everything that a mode needs to know to be put in place. */
export interface ModePlan {
	readonly lab: ServiceLab;
	readonly family: Family;
	/** The last one is used. */
	readonly services: readonly BenchService[];
}

const via = {4: '10.1.0.4', 6: 'fd00:1::4'} as const;
const names = ['client', 'one', 'two'] as const;

/** Builds one; the servers run on the CPU. */
export async function makeServiceLab(cpu = 0): Promise<ServiceLab> {
	const net = await lab({
		name: 'service',
		hosts: {
			client: {routes: [route(4), route(6)]},
			one: {},
			two: {},
		},
		routers: ['node'],
		links: names.map((name, i) => ({
			between: [name, 'node'] as const,
			ipv4: `10.1.${i}.0/24`,
			ipv6: `fd00:1:${i}::/64`,
		})),
	});
	try {
		const {client, one, two, node} = net.hosts;
		const backends = [one, two];
		const servers = await Promise.all(backends.map(async host => startServer(host, cpu)));
		return {net, client, node, backends, servers};
	} catch (error) {
		await net.close();
		throw error;
	}
}

const route = (family: Family): {to: string; via: string} => ({
	to: servicePrefix[family],
	via: via[family],
});

/** Where the two answer. */
export function backendsOf(family: Family): readonly BenchBackend[] {
	return [1, 2].map(segment => ({
		address:
			family === 4 ? `10.1.${segment}.${segment + 1}` : `fd00:1:${segment}::${segment + 1}`,
		port: trafficPort,
	}));
}
