import type {ExecutionContext} from 'ava';

import {
	datapathDown,
	datapathUp,
	Endpoints,
	Nat,
	openDatapathMaps,
	type DatapathMaps,
	type NodeSettings,
} from '../../src/datapath/index.js';
import {lab, type Host} from '../../src/lab/index.js';
import {makeBpffs} from '../helpers/bpffs.js';
import {
	asks,
	echoUdp,
	errorOf,
	familyOf,
	patience,
	pings,
	talk,
} from '../helpers/datapath-clients.js';
import {addressesOf} from '../helpers/datapath-lab.js';
import {kernelTest} from '../helpers/kernel.js';

const kernel = kernelTest({feature: 'links of tcx', since: '6.6'});

/** Milliseconds. */
const timeout = patience(true);

interface Masquerading {
	readonly red: Host;
	readonly blue: Host;
	readonly node: Host;
	readonly world: Host;
	readonly maps: DatapathMaps;
	/** The node's towards the network, by family. */
	readonly outside: readonly [string, string];
}

const bare = (prefix: string | undefined): string => prefix?.split('/')[0] ?? '';

/** Two endpoints behind a node, and the world behind a router. */
async function masquerading(
	t: ExecutionContext,
	more: NodeSettings,
	mtu = 1500,
): Promise<Masquerading> {
	const root = `${await makeBpffs(t)}/skep`;
	const net = await lab({
		name: 'nat',
		hosts: ['red', 'blue', 'world'],
		routers: ['node', 'router'],
		links: [
			['red', 'node'],
			['blue', 'node'],
			['node', 'router'],
			{between: ['router', 'world'], mtu},
		],
	});
	t.teardown(async () => net.close());
	const {red, blue, world, node} = net.hosts;
	const [first, , device] = node.interfaces;
	const outside = [bare(device?.ipv4), bare(device?.ipv6)] as const;
	await datapathUp({
		...{root, netns: node.netns, devices: ['eth2']},
		gateway: {ipv4: bare(first?.ipv4), ipv6: bare(first?.ipv6)},
		sizes: {conntrackTcp: 4096, conntrackAny: 4096, nat: 4096},
		nat: {ipv4: outside[0], ipv6: outside[1]},
		masquerade: {ipv4: true, ipv6: true},
		...more,
	});
	t.teardown(async () => datapathDown({root}));
	const maps = openDatapathMaps({root, write: true});
	t.teardown(() => {
		maps.close();
	});
	const endpoints = new Endpoints(maps);
	endpoints.setHost(node.interfaces.flatMap(({ipv4, ipv6}) => [bare(ipv4), bare(ipv6)]));
	for (const [i, host] of [red, blue].entries()) {
		const [ipv4, ipv6] = addressesOf(host);
		endpoints.add({
			...{id: i + 1, netns: node.netns, identity: 300 + i, ipv4, ipv6},
			interface: node.interfaces[i]?.name ?? '',
			mac: host.interfaces[0]?.mac ?? '',
		});
	}

	return {red, blue, node, world, maps, outside};
}

/** Listens, and answers with whom it sees. */
async function mirror(host: Host, port: number): Promise<void> {
	const server = await host.listen(port);
	server.on('connection', connection => {
		connection.on('error', () => undefined);
		const {remoteAddress = '', remotePort = 0} = connection;
		connection.once('data', () => {
			connection.write(`${remoteAddress.replace('::ffff:', '')} ${remotePort}`);
			connection.pipe(connection);
		});
	});
}

/** As whom a host is seen, and by which port. */
async function seenAs(
	from: Host,
	address: string,
	localPort: number,
): Promise<[address: string, port: number, close: () => void]> {
	const socket = await from.connect(address, 80, {localPort});
	const [seen = '', port] = (await talk(socket, 'who am I?')).split(' ');
	return [seen, Number(port), () => socket.destroy()];
}

const behaves = (title: string, settings: NodeSettings): void => {
	kernel(`endpoints are in the world by the address of the node, ${title}`, async t => {
		const {red, blue, node, world, maps, outside} = await masquerading(t, settings);
		await mirror(world, 80);
		await echoUdp(t, world, 5000);
		for (const [i, address] of addressesOf(world).entries()) {
			// One port of two endpoints and of the node, to one destination.
			const opened = [];
			for (const host of [red, blue, node]) opened.push(await seenAs(host, address, 40_000));
			t.deepEqual(
				opened.map(([seen]) => seen),
				new Array(3).fill(outside[i]),
				address,
			);
			t.is(new Set(opened.map(([, port]) => port)).size, 3);
			t.is(opened[0]?.[1], 40_000);
			for (const [, , close] of opened) close();

			t.true(await pings(red, address, timeout), address);
			t.is(await asks(red, address, 5000, 100, timeout), 100, address);
			t.is(await asks(red, address, 5000, 4000, timeout), 4000, `${address} in fragments`);
		}

		const made = [...new Nat(maps).list({filter: {direction: 'out'}})];
		t.true(made.some(({needsCt}) => needsCt));
		t.true(made.every(({toAddress}) => outside.includes(toAddress)));
	});

	kernel(`errors on the way get to the endpoint that they are about, ${title}`, async t => {
		const {red, world} = await masquerading(t, settings, 1300);
		for (const address of addressesOf(world)) {
			const socket = await red.openUdp({family: familyOf(address)});
			t.teardown(() => socket.close());
			t.is(await errorOf(socket, address, 9), 'ECONNREFUSED', address);

			// The node takes the first hop, the router has none left.
			const {stdout} = await red.exec('ping', ['-c', '1', '-W', '2', '-t', '2', address]);
			t.regex(stdout, /Time (to live )?exceeded/, address);

			// More than the last link takes.
			const large = await red.exec('ping', [
				...['-c', '1', '-W', '2', '-M', 'do', '-s', '1400', address],
			]);
			t.regex(large.stdout, /mtu ?= ?1300/, address);
		}
	});

	kernel(
		`what the world opens by the endpoint's own address is answered by it, ${title}`,
		async t => {
			const {red, world, maps} = await masquerading(t, settings);
			await echoUdp(t, red, 5000);
			await mirror(red, 80);
			for (const address of addressesOf(red)) {
				t.is(await asks(world, address, 5000, 100, timeout), 100, address);
				const socket = await world.connect(address, 80);
				const [seen = ''] = (await talk(socket, 'who am I?')).split(' ');
				t.true(addressesOf(world).includes(seen));
				for (const text of ['a', 'known', 'flow']) t.is(await talk(socket, text), text);
				socket.destroy();
				t.true(await pings(world, address, timeout), address);
			}

			t.deepEqual([...new Nat(maps).list()], []);
		},
	);
};

behaves('routed by the stack', {});
behaves('routed by the stack, known flows at once', {constants: {local_shortcuts: 1}});
behaves('routed by the programs', {fibRouting: true});
