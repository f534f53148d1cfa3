import {once} from 'node:events';
import type {AddressInfo, Socket} from 'node:net';
import test, {type ExecutionContext} from 'ava';
import {lab, type Family, type Frame, type Host, type Topology} from '../../../src/lab/index.js';
import {kernelTest} from '../../helpers/kernel.js';

const kernel = kernelTest({feature: 'sockets of another cgroup', since: '5.7'});
const hosts = ['client', 'server'] as const;
const families = ['ipv4', 'ipv6'] as const;
const size = 300_000;

/** Sends bytes by TCP, and gives how many arrived. */
async function transfer(client: Host, server: Host, address: string): Promise<number> {
	const listener = await server.listen();
	const accepted = once(listener, 'connection');
	const socket = await client.connect(address, (listener.address() as AddressInfo).port);
	const [other] = (await accepted) as [Socket];
	socket.end(Buffer.alloc(size, 0x5a));
	let arrived = 0;
	for await (const piece of other) arrived += (piece as Buffer).length;
	listener.close();
	return arrived;
}

/** Sends a datagram there and back. */
async function answers(client: Host, server: Host, address: string): Promise<boolean> {
	const family = address.includes(':') ? 'ipv6' : 'ipv4';
	const receiver = await server.openUdp({family});
	const sender = await client.openUdp({family});
	receiver.once('message', (message, from) => {
		receiver.send(message, from.port, from.address);
	});
	const answered = once(sender, 'message');
	sender.send('datagram', receiver.address().port, address);
	const [message] = (await answered) as [Buffer];
	return message.toString() === 'datagram';
}

const carries = test.macro({
	async exec(t: ExecutionContext, topology: Topology) {
		await using net = await lab(topology);
		const {client, server} = net.hosts;
		if (!client || !server) throw new Error('no such hosts');
		for (const family of families) {
			const addresses: string[] = server.interfaces.flatMap(
				each => each[family]?.split('/')[0] ?? [],
			);
			t.true(addresses.length > 0);
			for (const address of addresses) {
				t.is(await transfer(client, server, address), size, address);
				t.true(await answers(client, server, address), address);
			}
		}
	},
	title: (_, {name = ''}: Topology) => `TCP and UDP of both families cross ${name}`,
});
const across = [
	['client', 'router'],
	['router', 'server'],
] as const;
kernel(carries, {name: 'a-router', hosts, routers: ['router'], links: across});
kernel(carries, {name: 'a-bridge', hosts, bridges: ['router'], links: across});
kernel(carries, {
	name: 'VXLANs-over-both-families',
	hosts,
	routers: ['router'],
	links: across,
	vxlans: [{between: hosts}, {between: hosts, over: 'ipv6', port: 4790}],
});
kernel(carries, {
	name: 'a-router-without-offloads',
	hosts,
	routers: ['router'],
	links: across.map(between => ({between, offloads: false})),
});
kernel(carries, {
	name: 'a-narrower-link',
	hosts,
	routers: ['router'],
	links: [
		{between: across[0], offloads: false},
		{between: across[1], offloads: false, mtu: 1300},
	],
});
kernel(carries, {
	name: 'learned-neighbours',
	hosts,
	routers: ['router'],
	links: across,
	neighbours: 'learned',
});

/** Frames of TCP that came in. */
const isTcp = ({bytes, direction}: Frame): boolean =>
	direction === 'in' && (bytes[12] === 0x86 ? bytes[20] : bytes[23]) === 6;

const mtu = test.macro({
	async exec(t: ExecutionContext, family: Family) {
		await using net = await lab({
			hosts,
			links: [{between: hosts, mtu: 1350, offloads: false}],
		});
		const {client, server} = net.hosts;
		using capture = server.capture('eth0', {filter: isTcp});
		t.is(await transfer(client, server, server[family]), size);
		const frames = capture.read();
		t.is(Math.max(...frames.map(({length}) => length)), 1350 + 14);
		t.true(frames.every(({checksumMissing}) => !checksumMissing));
		const headers = family === 'ipv4' ? 28 : 48;
		const ping = async (bytes: number) =>
			client.exec('ping', ['-c1', '-W1', '-Mdo', `-s${bytes - headers}`, server[family]]);
		t.is((await ping(1350)).code, 0);
		t.is((await ping(1351)).code, 1);
	},
	title: (_, family: Family) => `no packet by ${family} is larger than the MTU`,
});
kernel(mtu, 'ipv4');
kernel(mtu, 'ipv6');

const left = test.macro({
	async exec(t: ExecutionContext, family: Family) {
		await using net = await lab({hosts, links: [hosts]});
		const {client, server} = net.hosts;
		using capture = server.capture('eth0', {filter: isTcp});
		t.is(await transfer(client, server, server[family]), size);
		const frames = capture.read();
		t.true(frames.some(({checksumMissing}) => checksumMissing));
		t.true(Math.max(...frames.map(({length}) => length)) > 1514);
	},
	title: (_, family: Family) => `offloads leave checksums and segments by ${family} for later`,
});
kernel(left, 'ipv4');
kernel(left, 'ipv6');

const macs = test.macro({
	async exec(t: ExecutionContext, family: Family) {
		const [from, to] = ['02:aa:bb:cc:dd:01', '02:aa:bb:cc:dd:02'] as const;
		await using net = await lab({
			hosts,
			links: [{between: hosts, ends: {client: {mac: from}, server: {mac: to}}}],
		});
		const {client, server} = net.hosts;
		t.deepEqual([client.interfaces[0]?.mac, server.interfaces[0]?.mac], [from, to]);
		using capture = server.capture('eth0', {filter: isTcp});
		t.is(await transfer(client, server, server[family]), size);
		const [frame] = capture.read();
		const octets = `${to}:${from}`.split(':').map(octet => parseInt(octet, 16));
		t.deepEqual([...(frame?.bytes.subarray(0, 12) ?? [])], octets);
	},
	title: (_, family: Family) => `frames by ${family} carry the MACs that were given`,
});
kernel(macs, 'ipv4');
kernel(macs, 'ipv6');

const given = test.macro({
	async exec(t: ExecutionContext, family: Family, to: string, own: string, via: string) {
		await using net = await lab({
			hosts: {
				client: {routes: [{to, via}]},
				server: {addresses: [own]},
			},
			links: [hosts],
			routes: 'none',
		});
		const {client, server} = net.hosts;
		t.is(await transfer(client, server, own), size);
		const {stdout} = await client.exec('ip', [`-${family.slice(3)}`, 'route', 'get', own]);
		t.true(stdout.includes(`via ${via} `));
	},
	title: (_, family: Family) => `a route that is given is taken by ${family}`,
});
kernel(given, 'ipv4', '203.0.113.0/24', '203.0.113.80', '192.0.2.2');
kernel(given, 'ipv6', '2001:db8:f::/48', '2001:db8:f::80', '2001:db8::2');
