import type {ExecutionContext} from 'ava';

import {
	datapathDown,
	datapathUp,
	Endpoints,
	Nat,
	openDatapathMaps,
	type DatapathMaps,
} from '../../src/datapath/index.js';
import {lab, type Host} from '../../src/lab/index.js';
import {makeBpffs} from '../helpers/bpffs.js';
import {asks, echoUdp, errorOf, familyOf, patience, talk} from '../helpers/datapath-clients.js';
import {addressesOf} from '../helpers/datapath-lab.js';
import {kernelTest} from '../helpers/kernel.js';

const kernel = kernelTest({feature: 'links of tcx', since: '6.6'});

/** Milliseconds. */
const timeout = patience(true);
const bare = (prefix: string | undefined): string => prefix?.split('/')[0] ?? '';

interface Balanced {
	readonly client: Host;
	readonly backends: readonly [Host, Host];
	readonly maps: DatapathMaps;
	/** Of the node, where clients come from. */
	readonly frontends: readonly [string, string];
	/** Of the node, towards the backends. */
	readonly inside: readonly [string, string];
}

/** Of the links in the middle of each side, and of the node's own towards the backends. */
interface Widths {
	readonly near?: number;
	readonly far?: number;
	readonly own?: number;
}

/** A node between a client and two backends, behind two routers on each side. */
async function balanced(
	t: ExecutionContext,
	{near = 1500, far = 1500, own = 1500}: Widths = {},
): Promise<Balanced> {
	const root = `${await makeBpffs(t)}/skep`;
	const net = await lab({
		name: 'nodeport',
		hosts: ['client', 'one', 'two'],
		routers: ['gate', 'near', 'node', 'far', 'edge'],
		links: [
			['client', 'gate'],
			{between: ['gate', 'near'], mtu: near},
			['near', 'node'],
			{between: ['node', 'far'], mtu: own},
			{between: ['far', 'edge'], mtu: far},
			['edge', 'one'],
			['edge', 'two'],
		],
	});
	t.teardown(async () => net.close());
	const {client, one, two, node} = net.hosts;
	const [outer, inner] = node.interfaces;
	const frontends = [bare(outer?.ipv4), bare(outer?.ipv6)] as const;
	const inside = [bare(inner?.ipv4), bare(inner?.ipv6)] as const;
	await datapathUp({
		...{root, netns: node.netns, devices: ['eth0', 'eth1']},
		sizes: {conntrackTcp: 4096, conntrackAny: 4096, nat: 4096},
		gateway: {ipv4: frontends[0], ipv6: frontends[1]},
		nat: {ipv4: inside[0], ipv6: inside[1]},
		services: {nodePort: true},
	});
	t.teardown(async () => datapathDown({root}));
	const maps = openDatapathMaps({root, write: true});
	t.teardown(() => {
		maps.close();
	});
	new Endpoints(maps).setHost([...frontends, ...inside]);
	return {client, backends: [one, two], maps, frontends, inside};
}

/** A service at a port of the node, of one protocol. */
function serve(
	{maps, frontends, backends}: Balanced,
	id: number,
	proto: number,
	dport: number,
	port: number,
): void {
	for (const [i, address] of frontends.entries()) {
		const family = i === 0 ? 4 : 6;
		const services = maps.require(`services${family}`);
		const key = {address, dport, proto, scope: 0};
		const slot = {rev_nat_index: id, flags: 0, flags2: 0, qcount: 0};
		for (const [at, host] of backends.entries()) {
			const backend = id * 10 + at;
			maps.require(`backends${family}`).set(backend, {
				...{address: addressesOf(host)[i] ?? '', port, proto, flags: 0},
				...{cluster_id: 0, zone: 0},
			});
			services.set({...key, backend_slot: at + 1}, {...slot, count: 0, backend_id: backend});
		}

		maps.require(`reverseNat${family}`).set(id, {address, port: dport});
		services.set(
			{...key, backend_slot: 0},
			{...slot, count: backends.length, affinity_timeout: 0, flags: 2 | 64},
		);
	}
}

kernel('backends on other nodes are reached by the address of the node', async t => {
	const lab = await balanced(t);
	const {client, backends, frontends, inside, maps} = lab;
	serve(lab, 1, 6, 30_080, 8080);
	serve(lab, 2, 17, 30_053, 5353);
	const peers = new Set<string>();
	const seen = new Map<Host, string[]>(backends.map(host => [host, []]));
	for (const host of backends) {
		const server = await host.listen(8080);
		server.on('connection', connection => {
			connection.on('error', () => undefined);
			seen.get(host)?.push((connection.remoteAddress ?? '').replace('::ffff:', ''));
			connection.pipe(connection);
		});
		await echoUdp(t, host, 5353);
	}

	for (const [i, frontend] of frontends.entries()) {
		for (let round = 0; round < 16; round++) {
			const socket = await client.connect(frontend, 30_080);
			t.is(await talk(socket, `round ${round}`), `round ${round}`);
			peers.add(socket.remoteAddress ?? '');
			socket.destroy();
		}

		for (const size of [100, 4000]) {
			t.is(await asks(client, frontend, 30_053, size, timeout), size, `${size} bytes`);
		}

		for (const list of seen.values()) {
			t.true(list.length > 0, 'both backends have a part');
			t.true(
				list.splice(0).every(address => address === inside[i]),
				frontend,
			);
		}
	}

	t.deepEqual([...peers], [...frontends]);
	const sources = [...new Nat(maps).list({filter: {direction: 'out'}})].map(({source}) => source);
	t.true(sources.length > 30);
	t.true(sources.every(source => addressesOf(client).includes(source)));
});

kernel('who lets packets be taken apart learns that they are too large for the node', async t => {
	const lab = await balanced(t, {own: 1400});
	const {client, backends, frontends} = lab;
	serve(lab, 1, 17, 30_053, 5353);
	for (const host of backends) await echoUdp(t, host, 5353);
	await client.exec('sysctl', ['-qw', 'net.ipv4.ip_no_pmtu_disc=1']);
	for (const frontend of frontends) {
		let answer;
		for (let round = 0; round < 20 && answer === undefined; round++) {
			answer = await asks(client, frontend, 30_053, 1400, 500);
		}

		t.is(answer, 1400, frontend);
	}
});

for (const side of ['near', 'far'] as const) {
	kernel(`who sends too large packets learns it from a router on the ${side} side`, async t => {
		const lab = await balanced(t, {[side]: 1300});
		const {client, backends, frontends, inside} = lab;
		serve(lab, 1, 17, 30_053, 5353);
		serve(lab, 2, 17, 30_054, 9);
		for (const host of backends) await echoUdp(t, host, 5353);
		for (const [i, frontend] of frontends.entries()) {
			const socket = await client.openUdp({family: familyOf(frontend)});
			t.teardown(() => socket.close());
			t.is(await errorOf(socket, frontend, 30_054), 'ECONNREFUSED', frontend);

			let answer;
			for (let round = 0; round < 20 && answer === undefined; round++) {
				answer = await asks(client, frontend, 30_053, 1400, 500);
			}

			t.is(answer, 1400, frontend);
			const learned = async (host: Host, to: string) =>
				(await host.exec('ip', ['route', 'get', to])).stdout.includes('mtu 1300');
			t.true(await learned(client, frontend), frontend);
			const towards = inside[i] ?? '';
			const told = await Promise.all(backends.map(async host => learned(host, towards)));
			t.true(told.includes(true), towards);
		}
	});
}
