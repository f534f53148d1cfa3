import type {ExecutionContext} from 'ava';
import {
	lab,
	packet,
	parsePacket,
	type Capture,
	type Family,
	type Layer,
	type Packet,
} from '../../../src/lab/index.js';
import {kernelTest} from '../../helpers/kernel.js';

const kernel = kernelTest({feature: 'network namespaces and cgroup v2', since: '5.3'});

/** Frames that are read as the kernel sent them: nothing is wrong, and they are built the same. */
function soundPackets(t: ExecutionContext, capture: Capture): Packet[] {
	capture.close();
	const packets = capture.read().map(({bytes}) => ({bytes, parsed: parsePacket(bytes)}));
	for (const {bytes, parsed} of packets) {
		t.true(parsed.isSound, `${String(parsed)}\n${parsed.format()}`);
		for (const parts of [parsed.layers, parsed.drafts]) {
			const rebuilt = packet(...parts);
			t.is(Buffer.compare(rebuilt.bytes, bytes), 0, `${String(parsed)}\n${String(rebuilt)}`);
		}
	}

	return packets.map(({parsed}) => parsed);
}

const has = (packets: readonly Packet[], wanted: (layer: Layer, packet: Packet) => boolean) =>
	packets.some(one => one.layers.some(layer => wanted(layer, one)));

const network = async () =>
	lab({
		hosts: ['a', 'b'],
		routers: ['r'],
		links: [
			{between: ['a', 'r'], offloads: false},
			{between: ['r', 'b'], offloads: false, mtu: 1400},
		],
		neighbours: 'learned',
	});

for (const family of ['ipv4', 'ipv6'] as const) {
	const isFour = family === 'ipv4';
	kernel(`pings, TCP and UDP of the kernel are read and built again by ${family}`, async t => {
		await using net = await network();
		const {a, b} = net.hosts;
		const capture = b.capture('eth0');
		t.truthy(await a.ping(b[family]));
		await using server = await b.listen(0);
		server.on('connection', socket => socket.end('answer'));
		const {port} = server.address() as {port: number};
		const socket = await a.connect(b[family], port);
		let answer = '';
		for await (const chunk of socket) answer += String(chunk);
		t.is(answer, 'answer');
		const receiver = await b.openUdp({family});
		const received = new Promise(resolve => receiver.once('message', resolve));
		const sender = await a.openUdp({family});
		sender.send('datagram', receiver.address().port, b[family]);
		await received;

		const packets = soundPackets(t, capture);

		const echo = isFour ? 'icmp' : 'icmpv6';
		t.true(has(packets, one => one.layer === echo && one.type === (isFour ? 8 : 128)));
		t.true(has(packets, one => one.layer === echo && one.type === (isFour ? 0 : 129)));
		const syn = packets.map(one => one.get('tcp')).find(tcp => tcp?.flags === 'S');
		t.deepEqual(syn?.options.map(({kind}) => kind).sort(), [
			'mss',
			'nop',
			'sackPermitted',
			'timestamps',
			'windowScale',
		]);
		t.true(packets.some(one => Buffer.from(one.payload).toString() === 'answer'));
		t.true(packets.some(one => one.get('udp') && one.payload.length === 8));
		if (isFour) {
			t.true(has(packets, one => one.layer === 'arp' && one.operation === 1));
			t.true(has(packets, one => one.layer === 'arp' && one.operation === 2));
		} else {
			const link = packets.flatMap(one => one.get('icmpv6')?.options?.map(o => o.kind) ?? []);
			t.true(has(packets, one => one.layer === 'icmpv6' && one.type === 135));
			t.true(has(packets, one => one.layer === 'icmpv6' && one.type === 136));
			t.true(link.includes('sourceLinkLayer') && link.includes('targetLinkLayer'));
		}
	});

	kernel(`errors of the kernel are read with what they are about by ${family}`, async t => {
		await using net = await network();
		const {a, b} = net.hosts;
		const capture = a.capture('eth0', {direction: 'in'});
		const sender = await a.openUdp({family});
		sender.on('error', () => undefined);
		sender.send('nobody listens', 9, b[family]);
		await a.exec('ping', ['-c1', '-W1', '-t1', b[family]]);
		await a.exec('ping', ['-c1', '-W1', '-Mdo', '-s1420', b[family]]);

		const packets = soundPackets(t, capture);

		const errors = packets.map(one => one.get(isFour ? 'icmp' : 'icmpv6'));
		const about = (type: number, code: number): Packet | undefined =>
			errors.find(one => one?.type === type && one.code === code)?.original;
		const [port, time, size] = isFour
			? [about(3, 3), about(11, 0), about(3, 4)]
			: [about(1, 4), about(3, 0), about(2, 0)];
		t.is(port?.get('udp')?.destinationPort, 9);
		t.is(Buffer.from(port?.payload ?? []).toString(), 'nobody listens');
		t.is(time?.get(family)?.destination, b[family]);
		t.is(size?.get(family)?.destination, b[family]);
		t.true(errors.some(one => one?.mtu === 1400));
	});
}

const tunnelled = async (t: ExecutionContext, over: Family): Promise<void> => {
	await using net = await lab({
		hosts: ['a', 'b'],
		links: [{between: ['a', 'b'], offloads: false}],
		vxlans: [{between: ['a', 'b'], over, vni: 77}],
		neighbours: 'learned',
	});
	const {a, b} = net.hosts;
	const inner = b.interfaces.find(({name}) => name !== 'eth0');
	const capture = b.capture('eth0');
	for (const family of ['ipv4', 'ipv6'] as const) {
		const [address = ''] = inner?.[family]?.split('/') ?? [];
		t.truthy(await a.ping(address));
	}

	const packets = soundPackets(t, capture).filter(one => one.get('vxlan'));

	t.true(packets.every(one => one.layers[1]?.layer === over && one.get('vxlan')?.vni === 77));
	t.true(has(packets, (one, {layers}) => one.layer === 'icmp' && layers.length > 5));
	t.true(has(packets, (one, {layers}) => one.layer === 'icmpv6' && layers.length > 5));
	t.true(has(packets, one => one.layer === 'arp'));
};
kernel('VXLAN of the kernel over IPv4 is read and built again', async t => tunnelled(t, 'ipv4'));
kernel('VXLAN of the kernel over IPv6 is read and built again', async t => tunnelled(t, 'ipv6'));
