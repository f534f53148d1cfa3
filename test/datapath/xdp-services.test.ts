import {once} from 'node:events';
import type {ExecutionContext} from 'ava';

import {
	datapathDown,
	datapathStatus,
	datapathUp,
	Metrics,
	openDatapathMaps,
	Services,
	type DatapathMaps,
	type DatapathOptions,
} from '../../src/datapath/index.js';
import {lab, type Host} from '../../src/lab/index.js';
import {makeBpffs} from '../helpers/bpffs.js';
import {addressesOf, makeDatapathLab} from '../helpers/datapath-lab.js';
import {echo, talk} from '../helpers/datapath-clients.js';
import {kernelTest} from '../helpers/kernel.js';

const kernel = kernelTest({feature: 'frames in several pieces', since: '5.18'});

const frontends = ['192.0.2.80', '3fff:80::1'] as const;
const bare = (prefix: string | undefined): string => prefix?.split('/')[0] ?? '';

/** Frames of veth pairs come with the checksums of a real network, and go on without being asked. */
async function behaveLikeNetwork(...hosts: readonly Host[]): Promise<void> {
	for (const host of hosts) {
		for (const {name} of host.interfaces) {
			await host.exec('ethtool', ['-K', name, 'tx', 'off', 'gro', 'on']);
		}
	}
}

/** Says its name to who connects, and sends back what comes. */
async function serve(host: Host): Promise<void> {
	const server = await host.listen(8080);
	server.on('connection', connection => {
		connection.on('error', () => undefined);
		connection.on('data', data => connection.write(`${host.name}: ${data.toString()}`));
	});
}

interface RelayLab {
	readonly client: Host;
	readonly node: Host;
	readonly backends: readonly Host[];
	readonly maps: DatapathMaps;
	readonly services: Services;
	readonly options: DatapathOptions;
}

/** A node that has no endpoints, a client outside and two servers on other nodes. */
async function makeRelayLab(t: ExecutionContext): Promise<RelayLab> {
	const root = `${await makeBpffs(t)}/skep`;
	const net = await lab({
		name: 'relay',
		hosts: ['client', 'one', 'two'],
		routers: ['node'],
		links: [
			['client', 'node'],
			['one', 'node'],
			['two', 'node'],
		],
	});
	t.teardown(async () => net.close());
	const {client, one, two, node} = net.hosts;
	await behaveLikeNetwork(client, one, two);
	const [towards, own] = node.interfaces;
	for (const [i, frontend] of frontends.entries()) {
		const via = bare(i === 0 ? towards?.ipv4 : towards?.ipv6);
		await client.exec('ip', ['route', 'add', frontend, 'via', via]);
	}

	const options: DatapathOptions = {
		root,
		netns: node.netns,
		devices: node.interfaces.map(({name}) => name),
		nat: {ipv4: bare(own?.ipv4), ipv6: bare(own?.ipv6)},
		services: {nodePort: true, acceleration: true},
		sizes: {conntrackTcp: 4096, conntrackAny: 4096, nat: 4096},
	};
	const {hooks} = await datapathUp(options);
	t.teardown(async () => datapathDown({root}));
	t.deepEqual(
		hooks.flatMap(({where, mode}) => (mode === undefined ? [] : [`${where} ${mode}`])),
		['eth0 native', 'eth1 native', 'eth2 native'],
	);
	const maps = openDatapathMaps({root, write: true});
	t.teardown(() => {
		maps.close();
	});
	const services = new Services(maps);
	const backends = [one, two];
	for (const [i, address] of frontends.entries()) {
		await services.upsert({
			frontend: {address, port: 80},
			type: 'LoadBalancer',
			backends: backends.map(host => ({address: addressesOf(host)[i] ?? '', port: 8080})),
		});
	}

	for (const host of backends) await serve(host);
	return {client, node, backends, maps, services, options};
}

/** Who answered, of so many connections. */
async function ask(client: Host, address: string, times: number): Promise<string[]> {
	const answers = [];
	for (let i = 0; i < times; i++) {
		const socket = await client.connect(address, 80);
		answers.push(await talk(socket, `${i}`));
		socket.destroy();
	}

	return answers.map(answer => answer.split(':', 1)[0] ?? '');
}

/** Packets that XDP sent on. */
const relayed = (maps: DatapathMaps): bigint =>
	new Metrics(maps)
		.list()
		.filter(({file}) => file === 'relay.h' || file === 'shortcut.h')
		.reduce((sum, {packets}) => sum + packets, 0n);

kernel('clients outside reach the backends of other nodes by XDP, over both families', async t => {
	const {client, maps} = await makeRelayLab(t);
	for (const address of frontends) {
		const before = relayed(maps);
		const answers = await ask(client, address, 24);
		t.deepEqual([...new Set(answers)].sort(), ['one', 'two'], address);
		// At least three packets each way.
		t.true(relayed(maps) - before >= 24n * 6n);
	}
});

kernel('a connection goes on while programs are replaced and a backend is taken away', async t => {
	const {client, backends, services, options} = await makeRelayLab(t);
	for (const [family, address] of frontends.entries()) {
		const socket = await client.connect(address, 80);
		const [mine = ''] = (await talk(socket, 'who')).split(':', 1);
		await datapathUp(options);
		t.regex(await talk(socket, 'still'), new RegExp(`^${mine}: still`));

		// Its own backend takes no new ones; the connection keeps it.
		await services.upsert({
			frontend: {address, port: 80},
			type: 'LoadBalancer',
			backends: backends.map(host => ({
				address: addressesOf(host)[family] ?? '',
				port: 8080,
				...(host.name === mine && {state: 'terminating' as const}),
			})),
		});
		t.regex(await talk(socket, 'after'), new RegExp(`^${mine}: after`));
		const others = await ask(client, address, 12);
		t.deepEqual([...new Set(others)], [mine === 'one' ? 'two' : 'one']);
		socket.destroy();
		await once(socket, 'close');
	}
});

kernel(
	'what XDP leaves to tc goes on there: to backends of the node, and to no service',
	async t => {
		const {world, red, node, maps, root} = await makeDatapathLab(t, {
			services: {nodePort: true, acceleration: true},
			xdp: 'native',
		});
		t.true(
			datapathStatus({root}).hooks.some(
				({kind, mode}) => kind === 'xdp' && mode === 'native',
			),
		);
		await echo(red, 8080);
		const services = new Services(maps);
		const device = node.interfaces[2];
		for (const [i, address] of frontends.entries()) {
			await services.upsert({
				frontend: {address, port: 80},
				type: 'LoadBalancer',
				backends: [{address: addressesOf(red)[i] ?? '', port: 8080}],
			});
			const via = bare(i === 0 ? device?.ipv4 : device?.ipv6);
			await world.exec('ip', ['route', 'add', address, 'via', via]);
			const service = await world.connect(address, 80);
			t.is(await talk(service, 'hello'), 'hello');
			service.destroy();
			const direct = await world.connect(addressesOf(red)[i] ?? '', 8080);
			t.is(await talk(direct, 'hello'), 'hello');
			direct.destroy();
		}

		t.is(relayed(maps), 0n);
	},
);
