/** A client, a node that balances, and another one with the backend, which answers by itself. */

import {once} from 'node:events';
import type {ExecutionContext} from 'ava';

import {
	datapathDown,
	datapathUp,
	Endpoints,
	Ipcache,
	openDatapathMaps,
	type DatapathMaps,
	type ServiceSettings,
} from '../../src/datapath/index.js';
import {lab, parsePacket, type Capture, type Host, type Packet} from '../../src/lab/index.js';
import {makeBpffs} from '../helpers/bpffs.js';
import {
	asks,
	echoUdp,
	errorOf,
	familyOf,
	patience,
	streams,
	talk,
} from '../helpers/datapath-clients.js';
import {addressesOf} from '../helpers/datapath-lab.js';
import {kernelTest} from '../helpers/kernel.js';
import {writeService} from '../helpers/services.js';

const kernel = kernelTest({feature: 'links of tcx', since: '6.6'});
type Carrier = NonNullable<ServiceSettings['dsrDispatch']>;

/** Milliseconds. */
const timeout = patience(true);
const remoteNode = 6;
const protocols = {tcp: 6, udp: 17} as const;

interface Nodes {
	readonly client: Host;
	/** Behind node `two`. */
	readonly red: Host;
	readonly one: Host;
	/** Addresses of node `one`, at which the services are. */
	readonly frontends: readonly [string, string];
	readonly maps: {readonly one: DatapathMaps; readonly two: DatapathMaps};
}

/** What the client sends gets to node `two` by node `one` only; what goes back need not. */
async function nodes(t: ExecutionContext, dsrDispatch: Carrier): Promise<Nodes> {
	const net = await lab({
		name: 'dsr',
		hosts: ['client', 'red'],
		routers: ['gate', 'one', 'two'],
		links: [
			['client', 'gate'],
			['one', 'gate'],
			['two', 'gate'],
			['red', 'two'],
		],
	});
	t.teardown(async () => net.close());
	const {client, red, one, two} = net.hosts;
	const open = async (node: Host): Promise<DatapathMaps> => {
		const root = `${await makeBpffs(t)}/skep`;
		const [ipv4, ipv6] = addressesOf(node);
		await datapathUp({
			...{root, netns: node.netns, devices: ['eth0']},
			...{gateway: {ipv4, ipv6}, nat: {ipv4, ipv6}},
			sizes: {conntrackTcp: 4096, conntrackAny: 4096, nat: 4096},
			services: {nodePort: true, forwarding: 'dsr', dsrDispatch},
		});
		t.teardown(async () => datapathDown({root}));
		const maps = openDatapathMaps({root, write: true});
		t.teardown(() => {
			maps.close();
		});
		new Endpoints(maps).setHost(addressesOf(node));
		return maps;
	};
	const maps = {one: await open(one), two: await open(two)};
	const [ipv4, ipv6] = addressesOf(red);
	const end = two.interfaces[1]?.name ?? '';
	new Endpoints(maps.two).add({
		...{id: 1, identity: 300, interface: end, netns: two.netns},
		...{ipv4, ipv6, mac: red.interfaces[0]?.mac ?? ''},
	});
	for (const [each, other] of [
		[maps.one, two],
		[maps.two, one],
	] as const) {
		const identity = remoteNode;
		new Ipcache(each).upsert(addressesOf(other).map(prefix => ({prefix, identity})));
	}

	const tunnelEndpoint = addressesOf(two)[0];
	new Ipcache(maps.one).upsert(
		addressesOf(red).map(prefix => ({prefix, identity: 300, tunnelEndpoint})),
	);
	return {client, red, one, frontends: addressesOf(one), maps};
}

/** At a port of node `one`, served by red at the same one. */
function serve({maps, red, frontends}: Nodes, id: number, protocol: number, port: number): void {
	for (const [i, address] of frontends.entries()) {
		const backend = {id, address: addressesOf(red)[i] ?? '', port};
		const flags = ['nodePort', 'routable'] as const;
		writeService(maps.one, {...{id, address, port, protocol, flags}, backends: [backend]});
	}
}

/** What passed since it was opened, but for errors and the link's own. */
function seen(capture: Capture): Packet[] {
	const packets = capture.read().map(({bytes}) => parsePacket(bytes));
	return packets.filter(packet => packet.get('tcp') ?? packet.get('udp'));
}

const destination = (packet: Packet): string | undefined =>
	(packet.get('ipv4') ?? packet.get('ipv6'))?.destination;

for (const carrier of ['opt', 'ipip', 'geneve'] as const) {
	kernel(
		`by ${carrier} the backend answers the client, and not by the node it asked`,
		async t => {
			const all = await nodes(t, carrier);
			const {client, red, one, frontends} = all;
			serve(all, 1, protocols.tcp, 30_080);
			serve(all, 2, protocols.udp, 30_053);
			const peers: string[] = [];
			const server = await red.listen(30_080);
			server.on('connection', connection => {
				connection.on('error', () => undefined);
				peers.push((connection.remoteAddress ?? '').replace('::ffff:', ''));
				connection.pipe(connection);
			});
			await echoUdp(t, red, 30_053);
			const capture = one.capture('eth0');

			for (const frontend of frontends) {
				const socket = await client.connect(frontend, 30_080, {
					signal: AbortSignal.timeout(timeout),
				});
				t.is(await talk(socket, 'once'), 'once');
				t.is(await talk(socket, 'twice'), 'twice');
				t.true(await streams(socket, 300_000));
				socket.end();
				await once(socket, 'close');
				t.is(await asks(client, frontend, 30_053, 100, timeout), 100, frontend);
			}

			t.deepEqual(peers, addressesOf(client));
			const passed = seen(capture);
			t.true(passed.some(packet => frontends.includes(destination(packet) ?? '')));
			t.deepEqual(
				passed.filter(packet => addressesOf(client).includes(destination(packet) ?? '')),
				[],
			);
		},
	);

	kernel(`by ${carrier} who sends too large packets learns how large they may be`, async t => {
		const all = await nodes(t, carrier);
		const {client, red, frontends} = all;
		serve(all, 2, protocols.udp, 30_053);
		await echoUdp(t, red, 30_053);
		for (const frontend of frontends) {
			const full = 1500 - (familyOf(frontend) === 'ipv6' ? 48 : 28);
			let answer;
			for (let round = 0; round < 20 && answer === undefined; round++) {
				answer = await asks(client, frontend, 30_053, full, 500);
			}

			t.is(answer, full, frontend);
			const route = await client.exec('ip', ['route', 'get', frontend]);
			t.regex(route.stdout, / mtu 14\d\d/, frontend);
			t.is(await asks(client, frontend, 30_053, 4000, timeout), 4000, frontend);
		}
	});

	kernel(`by ${carrier} a port that nobody has is told of by the service`, async t => {
		const all = await nodes(t, carrier);
		serve(all, 3, protocols.udp, 30_009);
		for (const frontend of all.frontends) {
			const socket = await all.client.openUdp({family: familyOf(frontend)});
			t.teardown(() => socket.close());
			t.is(await errorOf(socket, frontend, 30_009), 'ECONNREFUSED', frontend);
		}
	});
}
