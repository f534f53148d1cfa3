import {once} from 'node:events';
import type {AddressInfo, Socket} from 'node:net';
import test, {type ExecutionContext} from 'ava';
import {HostError, lab, type Family} from '../../../src/lab/index.js';
import {kernelTest} from '../../helpers/kernel.js';

const kernel = kernelTest({feature: 'network namespaces and cgroup v2', since: '5.3'});

const pair = async () =>
	lab({
		hosts: ['client', 'server'],
		routers: ['router'],
		links: [
			['client', 'router'],
			['router', 'server'],
		],
	});

const tcp = test.macro({
	async exec(t: ExecutionContext, family: Family) {
		await using net = await pair();
		const {client, server} = net.hosts;
		const listener = await server.listen(8080);
		listener.on('connection', (socket: Socket) => socket.pipe(socket));
		const socket = await client.connect(server[family], 8080);
		t.is(socket.localAddress, client[family]);
		t.is(socket.remotePort, 8080);
		socket.end('over there and back');
		let text = '';
		for await (const piece of socket) text += String(piece);
		t.is(text, 'over there and back');
	},
	title: (_, family: Family) => `TCP by ${family} from host to host`,
});
kernel(tcp, 'ipv4');
kernel(tcp, 'ipv6');

const udp = test.macro({
	async exec(t: ExecutionContext, family: Family) {
		await using net = await pair();
		const {client, server} = net.hosts;
		const receiver = await server.openUdp({port: 53, family});
		const sender = await client.openUdp({family});
		receiver.once('message', (message, {port, address}) => {
			receiver.send(`${String(message)}!`, port, address);
		});
		const answered = once(sender, 'message');
		sender.send('question', 53, server[family]);
		const [answer, from] = (await answered) as [Buffer, AddressInfo];
		t.is(answer.toString(), 'question!');
		t.like(from, {address: server[family], port: 53});
	},
	title: (_, family: Family) => `UDP by ${family} from host to host`,
});
kernel(udp, 'ipv4');
kernel(udp, 'ipv6');

const pings = test.macro({
	async exec(t: ExecutionContext, family: Family) {
		await using net = await pair();
		const {client, server} = net.hosts;
		const milliseconds = await client.ping(server[family]);
		t.true(milliseconds !== undefined && milliseconds > 0);
		await server.exec('ip', ['link', 'set', 'eth0', 'down']);
		t.is(await client.ping(server[family], {timeout: 50}), undefined);
	},
	title: (_, family: Family) =>
		`a ping by ${family} says how long it took, or that it did not come`,
});
kernel(pings, 'ipv4');
kernel(pings, 'ipv6');

kernel('ICMP is a socket, too', async t => {
	await using net = await pair();
	const socket = await net.hosts.client.openIcmp();
	const answered = once(socket, 'message');
	socket.send(Buffer.from([8, 0, 0, 0, 0, 0, 0, 9, 1, 2, 3]), 1, net.hosts.server.ipv4);
	const [answer] = (await answered) as [Buffer];
	t.is(answer[0], 0);
	t.deepEqual([...answer.subarray(6)], [0, 9, 1, 2, 3]);
});

kernel('a connection comes from the address and port asked for', async t => {
	await using net = await pair();
	const {client, server} = net.hosts;
	const listener = await server.listen(0, {address: server.ipv4});
	const {port} = listener.address() as AddressInfo;
	const options = {localAddress: client.ipv4, localPort: 4321};
	const socket = await client.connect(server.ipv4, port, options);
	t.is(socket.localPort, 4321);
});

kernel('what is refused says so', async t => {
	await using net = await pair();
	const {client, server} = net.hosts;
	const refused = await t.throwsAsync(client.connect(server.ipv4, 9), {instanceOf: HostError});
	t.is(refused.code, 'ERR_HOST');
	t.regex(refused.message, /^connect to 198.51.100.2 port 9 in host "client": .*ECONNREFUSED/);
	await server.listen(80);
	const taken = await t.throwsAsync(server.listen(80), {instanceOf: HostError});
	t.is(taken.errno, 98);
	await t.throwsAsync(client.ping('not an address'), {instanceOf: HostError});
	const away = await t.throwsAsync(server.listen(80, {address: '203.0.113.9'}));
	t.regex(away.message, /EADDRNOTAVAIL/);
});

kernel('sockets go with the lab', async t => {
	const net = await pair();
	const {client, server} = net.hosts;
	const listener = await server.listen(80);
	const accepted = once(listener, 'connection');
	const socket = await client.connect(server.ipv6, 80);
	const [other] = (await accepted) as [Socket];
	const udpSocket = await client.openUdp();
	const closed = Promise.all([
		once(socket, 'close'),
		once(other, 'close'),
		once(listener, 'close'),
		once(udpSocket, 'close'),
	]);
	await net.close();
	await closed;
	t.true(socket.destroyed);
});
