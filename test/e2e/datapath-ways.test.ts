/** Ways out of the programs that need a kernel's routes, devices and proxies. */

import {once} from 'node:events';
import type {ExecutionContext} from 'ava';

import {Metrics, Policies, type PolicyRule} from '../../src/datapath/index.js';
import {
	ethernet,
	ipv4,
	ipv6,
	packet,
	parsePacket,
	udp,
	vlan,
	type Host,
} from '../../src/lab/index.js';
import {loadCollection} from '../../src/object/collection/load-collection.js';
import {attachTcx} from '../../src/object/link/attach-tcx.js';
import {readObject} from '../../src/spec/read.js';
import {compile} from '../helpers/compile.js';
import {asks, echo, familyOf, patience, streams, talk} from '../helpers/datapath-clients.js';
import {addressesOf, makeDatapathLab, type DatapathLab} from '../helpers/datapath-lab.js';
import {kernelTest} from '../helpers/kernel.js';
import {until} from '../helpers/run.js';

const kernel = kernelTest({feature: 'links of tcx', since: '6.6'});

/** Slots of bpf/types/metrics.h. */
const slots = {stack: 3, proxy: 5, route: 6} as const;

/** Packets that went a way; before there are 32 of them on a CPU. */
function count({maps}: DatapathLab, way: keyof typeof slots): number {
	const cpus = maps.require('metricsPending').get(slots[way]) ?? [];
	return cpus.reduce((sum, {count}) => sum + Number(count), 0);
}

function drops({maps}: DatapathLab, reason: number): number {
	const rows = new Metrics(maps).list().filter(row => row.reason === reason);
	return rows.reduce((sum, {packets}) => sum + Number(packets), 0);
}

/** Answers each datagram with one byte. */
async function answer(t: ExecutionContext, host: Host, port: number): Promise<void> {
	const socket = await host.openUdp({port, family: 'ipv6'});
	socket.on('message', (_, {port: to, address}) => {
		socket.send('.', to, address);
	});
	t.teardown(() => socket.close());
}

async function ip(host: Host, ...args: string[]): Promise<void> {
	const {code, stderr} = await host.exec('ip', args);
	if (code !== 0) throw new Error(`ip ${args.join(' ')}: ${stderr}`);
}

kernel('what leaves the node is routed by the programs', async t => {
	const lab = await makeDatapathLab(t, {fibRouting: true});
	const {red, world, node} = lab;
	await answer(t, world, 7);
	for (const [turn, address] of addressesOf(world).entries()) {
		const v6 = familyOf(address) === 'ipv6';
		const flush = async () => ip(node, 'neighbour', 'flush', 'dev', 'eth2', 'nud', 'all');

		await flush();
		const before = {stack: count(lab, 'stack'), route: count(lab, 'route')};
		t.is(await asks(red, address, 7, 100, patience(true)), 1, 'the neighbour is not known');
		t.is(count(lab, 'stack'), before.stack + 1);
		t.is(count(lab, 'route'), before.route);

		t.is(await asks(red, address, 7, 100, patience(true)), 1, 'the neighbour is known');
		t.is(count(lab, 'stack'), before.stack + 1);
		t.is(count(lab, 'route'), before.route + 1);

		const nowhere = v6 ? '2001:db8:dead::1' : '203.0.113.1';
		t.is(await asks(red, nowhere, 7, 100, 100), undefined, 'there is no route');
		t.is(count(lab, 'stack'), before.stack + 2);
		t.is(drops(lab, 169), turn);
		await ip(node, 'route', 'add', 'blackhole', nowhere);
		t.is(await asks(red, nowhere, 7, 100, 100), undefined, 'a route says that there is none');
		t.is(drops(lab, 169), turn + 1);

		await ip(node, 'link', 'set', 'eth2', 'mtu', '1400');
		if (v6) await flush();
		t.is(await asks(red, address, 7, 100, patience(true)), 1);
		const frames = red.capture('eth0', {direction: 'in'});
		t.is(await asks(red, address, 7, 1450, 250), undefined, 'it is too big');
		const errors = frames.read().map(({bytes}) => parsePacket(bytes));
		const about = errors.find(
			each => each.get('icmp')?.type === 3 || each.get('icmpv6')?.type === 2,
		);
		t.is((about?.get('icmp') ?? about?.get('icmpv6'))?.mtu, 1400);
		frames.close();
		t.is(drops(lab, 136), turn + 1);
		// Red has learnt it, and sends fragments.
		t.is(await asks(red, address, 7, 1450, patience(true)), 1);
		await ip(node, 'link', 'set', 'eth2', 'mtu', '1500');
	}
});

kernel('who sends many segments at once learns that they are too big', async t => {
	const lab = await makeDatapathLab(t, {fibRouting: true});
	const {red, world, node} = lab;
	await echo(world, 8080);
	for (const address of addressesOf(world)) {
		await ip(node, 'link', 'set', 'eth2', 'mtu', '1500');
		const socket = await red.connect(address, 8080);
		t.is(await talk(socket, 'all is known'), 'all is known');
		await ip(node, 'link', 'set', 'eth2', 'mtu', '1400');
		// Routes of IPv6 go with the device's change, and the next hop is asked for anew.
		t.is(await talk(socket, 'again'), 'again');
		t.true(await streams(socket, 100_000));
		socket.destroy();
		t.regex((await red.exec('ip', ['route', 'get', address])).stdout, / mtu 1400/);
	}
});

/** Gives what a host sends the word that only the datapath's own packets have. */
async function pretend(t: ExecutionContext, host: Host): Promise<void> {
	const source = `
		#include <linux/bpf.h>
		__attribute__((section("tcx/egress"), used))
		int pretend(struct __sk_buff *ctx)
		{
			ctx->tc_index = 8;
			return -1;
		}`;
	const collection = loadCollection(await readObject(await compile(source)));
	const link = attachTcx(collection.program('pretend'), 'eth0', {netns: host.netns});
	t.teardown(() => {
		link.close();
		collection.close();
	});
}

kernel('nobody in the network passes for the datapath', async t => {
	const lab = await makeDatapathLab(t, {constants: {peer_redirect: 0}});
	const {red, world, maps} = lab;
	await answer(t, red, 7);
	for (const address of addressesOf(red)) {
		t.is(await asks(world, address, 7, 100, patience(true)), 1);
	}

	await new Policies(maps).replace(1, [], {enforce: {ingress: true, egress: false}});
	await pretend(t, world);
	for (const [i, address] of addressesOf(red).entries()) {
		t.is(await asks(world, address, 7, 100, patience(false)), undefined);
		await until('the drop is counted', () => drops(lab, 133) === i + 1);
	}
});

kernel('frames with a VLAN tag are dropped where an endpoint sends them', async t => {
	const lab = await makeDatapathLab(t);
	const [red, world] = [addressesOf(lab.red), addressesOf(lab.world)];
	const before = drops(lab, 182);
	for (const [i, layer] of [ipv4, ipv6].entries()) {
		const addresses = {source: red[i], destination: world[i]};
		const frame = packet(ethernet(), vlan({id: 5}), layer(addresses), udp({}));
		lab.red.inject('eth0', frame.bytes);
		await until('the drop is counted', () => drops(lab, 182) === before + i + 1);
	}

	t.pass();
});

/** A transparent proxy: tells whoever connects whom it stands for. */
const proxy = `
import socket
s = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
s.setsockopt(41, 75, 1)
s.setsockopt(0, 19, 1)
s.bind(('::', 10001))
s.listen()
print('ready', flush=True)
while True:
    c = s.accept()[0]
    c.sendall(('%s %d' % c.getsockname()[:2]).encode())
    c.close()
`;

async function startProxy({node}: DatapathLab): Promise<void> {
	// What programs mark is given to the proxy, whatever its destination is.
	for (const [family, tables] of [
		['-4', 'iptables'],
		['-6', 'ip6tables'],
	] as const) {
		const mark = ['-m', 'mark', '--mark', '0x11270200', '-j', 'TPROXY', '--on-port', '10001'];
		const rule = ['-w', '-t', 'mangle', '-A', 'PREROUTING', '-p', 'tcp', ...mark];
		const {code, stderr} = await node.exec(tables, rule);
		if (code !== 0) throw new Error(`${tables}: ${stderr}`);
		await ip(node, family, 'rule', 'add', 'fwmark', '0x200/0xf00', 'lookup', '200');
		await ip(node, family, 'route', 'add', 'local', 'default', 'dev', 'lo', 'table', '200');
	}

	// The stack forwards no packet for which it found a socket.
	await node.exec('sysctl', ['-qw', 'net.ipv4.ip_early_demux=0']);
	let told = '';
	const {stdout, stderr} = node.spawn('python3', ['-c', proxy]);
	for (const each of [stdout, stderr]) each?.on('data', text => (told += String(text)));
	await until('the proxy listens', () => told.endsWith('\n'));
	if (told.trim() !== 'ready') throw new Error(told);
}

kernel('a proxy of the host stands for an endpoint, wherever a packet comes from', async t => {
	// What the world sends comes to blue by the stack.
	const lab = await makeDatapathLab(t, {devices: []});
	await startProxy(lab);
	const policies = new Policies(lab.maps);
	const proxied: PolicyRule = {
		...{direction: 'ingress', peers: 'any', protocol: 'tcp', ports: 80},
		...{action: 'allow', proxyPort: 10_001},
	};
	await policies.replace(2, [proxied], {enforce: {ingress: true, egress: false}});
	for (const client of [lab.red, lab.world]) {
		for (const address of addressesOf(lab.blue)) {
			const before = count(lab, 'proxy');
			const signal = AbortSignal.timeout(patience(true));
			const socket = await client.connect(address, 80, {signal});
			const [answer] = (await once(socket, 'data', {signal})) as [Buffer];
			const shown = address.includes(':') ? address : `::ffff:${address}`;
			t.is(answer.toString(), `${shown} 80`);
			t.true(count(lab, 'proxy') > before);
			socket.destroy();
		}
	}
});
