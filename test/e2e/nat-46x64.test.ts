/** Clients of one family and backends of the other: one behind a router, one an endpoint of the node. */

import {once} from 'node:events';
import type {ExecutionContext} from 'ava';

import {
	datapathDown,
	datapathUp,
	Endpoints,
	openDatapathMaps,
	Services,
} from '../../src/datapath/index.js';
import {lab, type Host} from '../../src/lab/index.js';
import {makeBpffs} from '../helpers/bpffs.js';
import {
	asks,
	echo,
	echoUdp,
	errorOf,
	familyOf,
	patience,
	streams,
	talk,
} from '../helpers/datapath-clients.js';
import {addressesOf} from '../helpers/datapath-lab.js';
import {kernelTest} from '../helpers/kernel.js';

const kernel = kernelTest({feature: 'links of tcx', since: '6.6'});

/** Milliseconds. */
const timeout = patience(true);
const bare = (prefix = ''): string => prefix.split('/')[0] ?? '';

/** Where the client serves, who asks is far. */
async function serving(
	t: ExecutionContext,
	backend: 'far' | 'red' | 'client',
): Promise<{client: Host; edge: Host; far: Host; frontends: readonly string[]}> {
	const root = `${await makeBpffs(t)}/skep`;
	const net = await lab({
		name: 'crossing',
		hosts: ['client', 'far', 'red'],
		routers: ['node', 'edge'],
		links: [
			['client', 'node'],
			['edge', 'node'],
			['red', 'node'],
			['far', 'edge'],
		],
	});
	t.teardown(async () => net.close());
	const {client, red, node, edge, far} = net.hosts;
	const [outer, inner, end] = node.interfaces;
	const inside = {ipv4: bare(inner?.ipv4), ipv6: bare(inner?.ipv6)};
	await datapathUp({
		...{root, netns: node.netns, devices: ['eth0', 'eth1'], gateway: inside, nat: inside},
		sizes: {conntrackTcp: 4096, conntrackAny: 4096, nat: 4096},
		services: {nodePort: true, nat46x64: true},
	});
	t.teardown(async () => datapathDown({root}));
	const maps = openDatapathMaps({root, write: true});
	t.teardown(() => {
		maps.close();
	});
	const endpoints = new Endpoints(maps);
	endpoints.setHost(node.interfaces.flatMap(({ipv4, ipv6}) => [bare(ipv4), bare(ipv6)]));
	const [ipv4, ipv6] = addressesOf(red);
	endpoints.add({
		...{id: 1, identity: 300, interface: end?.name ?? '', netns: node.netns},
		...{ipv4, ipv6, mac: red.interfaces[0]?.mac ?? ''},
	});

	const asked = backend === 'client' ? inner : outer;
	const frontends = [bare(asked?.ipv4), bare(asked?.ipv6)];
	const [four, six] = addressesOf(net.hosts[backend]);
	const services = new Services(maps);
	for (const [port, protocol, to] of [
		[30_080, 'tcp', 8080],
		[30_053, 'udp', 5353],
		[30_009, 'udp', 9],
	] as const) {
		for (const [i, address] of frontends.entries()) {
			await services.upsert({
				...{frontend: {address, port, protocol}, type: 'NodePort', surrogate: false},
				...{nat46x64: true, backends: [{address: i === 0 ? six : four, port: to}]},
			});
		}
	}

	await echo(net.hosts[backend], 8080);
	await echoUdp(t, net.hosts[backend], 5353);
	return {client, edge, far, frontends};
}

for (const backend of ['far', 'red'] as const) {
	kernel(`a backend of the other family answers: ${backend}`, async t => {
		const {client, frontends} = await serving(t, backend);
		for (const frontend of frontends) {
			const socket = await client.connect(frontend, 30_080, {
				signal: AbortSignal.timeout(timeout),
			});
			t.is(await talk(socket, 'there and back'), 'there and back');
			t.is(socket.remoteAddress, frontend);
			t.true(await streams(socket, 300_000));
			socket.end();
			await once(socket, 'close');
			t.is(await asks(client, frontend, 30_053, 100, timeout), 100, frontend);
		}
	});

	kernel(`a port that a backend of the other family has not is told of: ${backend}`, async t => {
		const {client, frontends} = await serving(t, backend);
		for (const frontend of frontends) {
			const socket = await client.openUdp({family: familyOf(frontend)});
			t.teardown(() => socket.close());
			t.is(await errorOf(socket, frontend, 30_009), 'ECONNREFUSED', frontend);
		}
	});
}

kernel('segments that a device is to cut get no larger than its link', async t => {
	const {
		client,
		edge,
		far,
		frontends: [frontend = ''],
	} = await serving(t, 'far');
	// The backend would take larger ones, and says so.
	await edge.exec('ip', ['link', 'set', edge.interfaces[1]?.name ?? '', 'mtu', '9000']);
	await far.exec('ip', ['link', 'set', far.interfaces[0]?.name ?? '', 'mtu', '9000']);
	const socket = await client.connect(frontend, 30_080, {signal: AbortSignal.timeout(timeout)});
	t.true(await streams(socket, 300_000));
	socket.destroy();
	t.true((await client.exec('ip', ['route', 'get', frontend])).stdout.includes(' mtu 1480'));
});

kernel('a link on the way to the other family says how large packets may be', async t => {
	const {client, edge, frontends} = await serving(t, 'far');
	await edge.exec('ip', ['link', 'set', edge.interfaces[1]?.name ?? '', 'mtu', '1400']);
	for (const frontend of frontends) {
		const socket = await client.connect(frontend, 30_080, {
			signal: AbortSignal.timeout(timeout),
		});
		t.true(await streams(socket, 300_000), frontend);
		socket.end();
		await once(socket, 'close');
		const {stdout} = await client.exec('ip', ['route', 'get', frontend]);
		t.true(stdout.includes(familyOf(frontend) === 'ipv4' ? ' mtu 1380' : ' mtu 1420'), stdout);
	}
});

kernel('a link on the way back says how large the answers of the other family may be', async t => {
	const {client, edge, far, frontends} = await serving(t, 'client');
	await edge.exec('ip', ['link', 'set', edge.interfaces[1]?.name ?? '', 'mtu', '1400']);
	for (const frontend of frontends) {
		const socket = await far.connect(frontend, 30_080, {
			signal: AbortSignal.timeout(timeout),
		});
		t.true(await streams(socket, 300_000), frontend);
		socket.end();
		await once(socket, 'close');
		// The backend answers the node, which has the same addresses there.
		const [node = ''] = frontends.filter(address => address !== frontend);
		const {stdout} = await client.exec('ip', ['route', 'get', node]);
		t.true(stdout.includes(familyOf(node) === 'ipv4' ? ' mtu 1380' : ' mtu 1420'), stdout);
	}
});

kernel('who sends too large packets to the other family learns how large they may be', async t => {
	const {
		client,
		frontends: [frontend = ''],
	} = await serving(t, 'far');
	let answer;
	for (let round = 0; round < 20 && answer === undefined; round++) {
		answer = await asks(client, frontend, 30_053, 1472 - 20, 500);
	}

	t.is(answer, 1472 - 20);
	const socket = await client.openUdp({family: 'ipv4'});
	t.teardown(() => socket.close());
	const told = async (): Promise<boolean> => {
		socket.send(Buffer.alloc(1472), 30_053, frontend);
		return (await client.exec('ip', ['route', 'get', frontend])).stdout.includes(' mtu 1480');
	};
	let knows = false;
	for (let round = 0; round < 50 && !knows; round++) knows = await told();
	t.true(knows);
});
