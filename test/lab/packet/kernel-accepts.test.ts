import {once} from 'node:events';
import type {ExecutionContext} from 'ava';
import {
	arp,
	ethernet,
	hopByHop,
	icmp,
	icmpv6,
	ipv4,
	ipv6,
	lab,
	packet,
	parsePacket,
	tcp,
	udp,
	vlan,
	vxlan,
	type Capture,
	type Family,
	type Packet,
	type PacketPart,
} from '../../../src/lab/index.js';
import {kernelTest} from '../../helpers/kernel.js';

const kernel = kernelTest({feature: 'network namespaces and cgroup v2', since: '5.3'});
const families = ['ipv4', 'ipv6'] as const;
const macs = {source: '02:00:00:00:00:a1', destination: '02:00:00:00:00:b1'};
const neighbours = {a: {mac: macs.source}, b: {mac: macs.destination}};

const pair = async () =>
	lab({
		hosts: ['a', 'b'],
		links: [{between: ['a', 'b'], offloads: false, ends: neighbours}],
	});

type Pair = Awaited<ReturnType<typeof pair>>;

/** From a to b, whatever they are called. */
function between({hosts: {a, b}}: Pair, family: Family, parts: readonly PacketPart[]): Packet {
	const addresses = {source: a[family], destination: b[family]};
	const ip = family === 'ipv4' ? ipv4(addresses) : ipv6(addresses);
	return packet(ethernet(macs), ip, ...parts);
}

/** The first packet that is wanted. */
async function answer(capture: Capture, wanted: (one: Packet) => boolean): Promise<Packet> {
	const {bytes} = await capture.find(frame => wanted(parsePacket(frame.bytes)));
	return parsePacket(bytes);
}

const echo = (family: Family, sequence: number, checksum?: number): PacketPart =>
	family === 'ipv4'
		? icmp({identifier: 77, sequence, checksum})
		: icmpv6({identifier: 77, sequence, checksum});
const sequenceOf = (one: Packet): number | undefined => {
	const message = one.get('icmp') ?? one.get('icmpv6');
	return message?.type === 0 || message?.type === 129 ? message.sequence : undefined;
};

for (const family of families) {
	kernel(`an echo request is answered, a wrong checksum is not, by ${family}`, async t => {
		await using net = await pair();
		const {a} = net.hosts;
		using capture = a.capture('eth0', {direction: 'in'});
		const sent = between(net, family, [echo(family, 1), 'are you there?']);
		const checksum = (sent.get('icmp') ?? sent.get('icmpv6'))?.checksum ?? 0;
		const wrong = between(net, family, [echo(family, 2, checksum), 'are you there?']);
		t.false(wrong.isSound);

		for (const one of [wrong, sent]) a.inject('eth0', one.bytes);
		const reply = await answer(capture, one => sequenceOf(one) !== undefined);

		// Frames are handled in order: an answer to the wrong one would have come before.
		t.is(sequenceOf(reply), 1);
		t.deepEqual(reply.payload, sent.payload);
		t.true(reply.isSound);
	});

	kernel(`UDP reaches a socket, wrong checksums and lengths do not, by ${family}`, async t => {
		await using net = await pair();
		const {a, b} = net.hosts;
		const socket = await b.openUdp({family});
		const {port} = socket.address();
		const datagram = (text: string, fields: Parameters<typeof udp>[0] = {}): Packet =>
			between(net, family, [udp({destinationPort: port, ...fields}), text]);
		const messages: string[] = [];
		const last = new Promise<void>(resolve => {
			socket.on('message', (message, {port: source}) => {
				messages.push(`${message.toString()} from ${source}`);
				if (message.toString() === 'last') resolve();
			});
		});

		const sent = [
			datagram('right'),
			datagram('wrong checksum', {checksum: 0xdead}),
			datagram('too long', {length: 100}),
			datagram('last', {sourcePort: 1234}),
		];
		for (const one of sent) a.inject('eth0', one.bytes);
		await last;

		t.deepEqual(messages, ['right from 40000', 'last from 1234']);
	});

	kernel(`a TCP handshake by hand, and data, by ${family}`, async t => {
		await using net = await pair();
		const {a, b} = net.hosts;
		const server = await b.listen(0);
		const accepted = once(server, 'connection');
		const {port} = server.address() as {port: number};
		const ports = {sourcePort: 40000, destinationPort: port};
		using capture = a.capture('eth0', {direction: 'in'});
		const options = [
			{kind: 'mss', size: 1200},
			{kind: 'sackPermitted'},
			{kind: 'timestamps', value: 1000, echo: 0},
			{kind: 'nop'},
			{kind: 'windowScale', shift: 3},
		] as const;
		// An address that a does not have: its kernel would end what it knows nothing of.
		const source = family === 'ipv4' ? '192.0.2.77' : '2001:db8::77';
		const way = ['lladdr', macs.source, 'dev', 'eth0'];
		await b.exec('ip', ['neigh', 'add', source, ...way]);
		const from = (...parts: PacketPart[]): Packet =>
			between(net, family, parts).with(family, {source});
		const syn = from(tcp({...ports, flags: 'S', sequence: 7, options}));
		a.inject('eth0', syn.with('tcp', {checksum: 1, sourcePort: 40001}).bytes);
		a.inject('eth0', syn.bytes);

		const reply = await answer(capture, one => one.get('tcp') !== undefined);
		const synAck = reply.get('tcp');
		t.is(synAck?.destinationPort, 40000);
		t.is(synAck?.flags, 'SA');
		t.is(synAck?.acknowledgment, 8);
		t.true(reply.isSound);
		// It understood what was offered.
		const stamps = synAck?.options.find(one => one.kind === 'timestamps');
		t.is(stamps?.echo, 1000);
		t.true(synAck?.options.some(({kind}) => kind === 'windowScale'));

		const stamp = {kind: 'timestamps', value: 1001, echo: stamps?.value ?? 0} as const;
		const data = tcp({
			...ports,
			flags: 'PA',
			sequence: 8,
			acknowledgment: ((synAck?.sequence ?? 0) + 1) % 2 ** 32,
			options: [{kind: 'nop'}, {kind: 'nop'}, stamp],
		});
		a.inject('eth0', from(data, 'hello').bytes);
		const [socket] = (await accepted) as [NodeJS.ReadableStream];
		const [text] = (await once(socket, 'data')) as [Buffer];
		t.is(text.toString(), 'hello');
		const ack = await answer(capture, one => one.get('tcp')?.acknowledgment === 13);
		t.is(ack.get('tcp')?.flags, 'A');
	});

	kernel(`VXLAN reaches the tunnel over ${family}`, async t => {
		await using net = await lab({
			hosts: ['a', 'b'],
			links: [{between: ['a', 'b'], offloads: false, ends: neighbours}],
			vxlans: [{between: ['a', 'b'], over: family, vni: 5}],
		});
		const {a, b} = net.hosts;
		const [inside] = b.interfaces.filter(({name}) => name !== 'eth0');
		const [mine] = a.interfaces.filter(({name}) => name !== 'eth0');
		const [source, destination] = [mine, inside].map(one => one?.ipv4?.split('/')[0]);
		const inner = packet(
			ethernet({source: mine?.mac, destination: inside?.mac}),
			ipv4({source, destination}),
			icmp({sequence: 3}),
			'in a tunnel',
		);
		using capture = a.capture('eth0', {direction: 'in'});
		const send = (vni: number): void => {
			const outer = [udp(), vxlan({vni}), inner.with('icmp', {sequence: vni})];
			a.inject('eth0', between(net, family, outer).bytes);
		};
		send(6);
		send(5);

		const reply = await answer(capture, one => one.get('icmp')?.type === 0);

		t.is(reply.get('vxlan')?.vni, 5);
		t.is(reply.get('icmp')?.sequence, 5);
		t.true(reply.isSound);
	});
}

kernel('a wrong IPv4 header checksum is not answered', async t => {
	await using net = await pair();
	const {a} = net.hosts;
	using capture = a.capture('eth0', {direction: 'in'});
	const request = (sequence: number): Packet => between(net, 'ipv4', [echo('ipv4', sequence)]);
	for (const one of [request(1).with('ipv4', {checksum: 1}), request(2)]) {
		a.inject('eth0', one.bytes);
	}

	t.is(sequenceOf(await answer(capture, one => sequenceOf(one) !== undefined)), 2);
});

const answered = async (
	t: ExecutionContext,
	request: (net: Pair) => Packet,
	wanted: (reply: Packet, net: Pair) => boolean,
): Promise<void> => {
	await using net = await pair();
	const {a} = net.hosts;
	using capture = a.capture('eth0', {direction: 'in'});
	a.inject('eth0', request(net).bytes);
	const reply = await answer(capture, one => wanted(one, net));
	t.true(reply.isSound, reply.format());
};

kernel('an ARP request is answered', async t =>
	answered(
		t,
		({hosts: {a, b}}) =>
			packet(
				ethernet({...macs, destination: 'ff:ff:ff:ff:ff:ff'}),
				arp({senderMac: macs.source, senderIp: a.ipv4, targetIp: b.ipv4}),
			),
		reply => reply.get('arp')?.senderMac === macs.destination,
	),
);

kernel('a neighbour solicitation is answered', async t =>
	answered(
		t,
		({hosts: {a, b}}) =>
			packet(
				ethernet(macs),
				ipv6({source: a.ipv6, destination: b.ipv6, hopLimit: 255}),
				icmpv6({
					type: 'neighbourSolicitation',
					target: b.ipv6,
					options: [{kind: 'sourceLinkLayer', mac: macs.source}],
				}),
			),
		(reply, {hosts: {b}}) => {
			const message = reply.get('icmpv6');
			return message?.type === 136 && message.target === b.ipv6;
		},
	),
);

kernel('IPv4 options are understood', async t =>
	answered(
		t,
		({hosts: {a, b}}) =>
			packet(
				ethernet(macs),
				ipv4({
					source: a.ipv4,
					destination: b.ipv4,
					options: [
						{
							kind: 'recordRoute',
							pointer: 4,
							addresses: ['0.0.0.0', '0.0.0.0', '0.0.0.0'],
						},
						{kind: 'end'},
					],
				}),
				icmp({identifier: 9}),
			),
		(reply, {hosts: {b}}) => {
			const record = reply.get('ipv4')?.options.find(({kind}) => kind === 'recordRoute');
			return record?.kind === 'recordRoute' && record.addresses.includes(b.ipv4);
		},
	),
);

kernel('options for every hop are understood', async t =>
	answered(
		t,
		({hosts: {a, b}}) =>
			packet(
				ethernet(macs),
				ipv6({source: a.ipv6, destination: b.ipv6}),
				hopByHop({options: [{type: 5, data: new Uint8Array(2)}]}),
				icmpv6({identifier: 9}),
			),
		reply => reply.get('icmpv6')?.identifier === 9,
	),
);

kernel('a VLAN tag of priority alone is taken off', async t =>
	answered(
		t,
		({hosts: {a, b}}) =>
			packet(
				ethernet(macs),
				vlan({id: 0, priority: 3}),
				ipv4({source: a.ipv4, destination: b.ipv4}),
				icmp({identifier: 9}),
			),
		reply => reply.get('icmp')?.identifier === 9,
	),
);
