import {once} from 'node:events';
import {closeSync, openSync} from 'node:fs';
import test from 'ava';

import {namespaceCookie} from '../../../src/kernel/sys/namespace.js';
import {kernelTest} from '../../helpers/kernel.js';
import {
	ask,
	closeSocketLab,
	exchange,
	families,
	frontends,
	peerOf,
	refusal,
	socketLab,
	type Family,
	tellers,
	twoBackends,
	type ClientKind,
} from '../../helpers/socket-lab.js';

const kernel = kernelTest({
	...{feature: 'programs of sock_release', since: '5.9'},
	serial: true,
});
test.after.always(closeSocketLab);
const of = (text: string) => (_: string | undefined, family: Family) => `${text}, ${family}`;

const connects = test.macro({
	async exec(t, family: Family) {
		const net = await socketLab(t);
		net.serve(twoBackends(net, family));
		const names = new Set<string>();
		for (let i = 0; i < 40 && names.size < 2; i++) {
			const {name, peer} = await ask(net.client, frontends[family], 80);
			t.is(peer, `${frontends[family]}|80`);
			names.add(name);
		}

		t.deepEqual([...names].sort(), ['one', 'two']);
	},
	title: of('a connection to a frontend is one to a backend, and getpeername tells the frontend'),
});
for (const family of families) kernel(connects, family);

kernel('an IPv6 socket reaches a service of IPv4 by a mapped address', async t => {
	const net = await socketLab(t);
	net.serve(twoBackends(net, 'ipv4'));
	net.serve(twoBackends(net, 'ipv4', {protocol: 'udp'}));
	const mapped = `::ffff:${frontends.ipv4}`;
	const {name, peer} = await ask(net.client, mapped, 80);
	t.regex(name, /one|two/);
	t.is(peer, `${mapped}|80`);

	const socket = await net.client.openUdp({family: 'ipv6'});
	const {from} = await exchange(socket, {address: mapped, port: 80});
	t.is(from, `${mapped}|80`);
	socket.connect(80, mapped);
	await once(socket, 'connect');
	t.is((await exchange(socket)).from, `${mapped}|80`);
	t.is(socket.remoteAddress().address, mapped);
});

const datagrams = test.macro({
	async exec(t, family: Family) {
		const net = await socketLab(t);
		net.serve(twoBackends(net, family, {protocol: 'udp'}));
		const to = {address: frontends[family], port: 80};
		const names = new Set<string>();
		for (let i = 0; i < 40 && names.size < 2; i++) {
			const socket = await net.client.openUdp({family});
			const first = await exchange(socket, to);
			t.is(first.from, `${to.address}|80`);
			// By the socket: the next datagram has the same backend.
			t.deepEqual(await exchange(socket, to), first);
			names.add(first.name);
			socket.close();
		}

		t.deepEqual([...names].sort(), ['one', 'two']);
	},
	title: of('datagrams of a socket go to one backend, and answers come from the frontend'),
});
for (const family of families) kernel(datagrams, family);

const connectedDatagrams = test.macro({
	async exec(t, family: Family) {
		const net = await socketLab(t);
		net.serve(twoBackends(net, family, {protocol: 'udp'}));
		const socket = await net.client.openUdp({family});
		socket.connect(80, frontends[family]);
		await once(socket, 'connect');
		const {address, port} = socket.remoteAddress();
		t.is(`${address}|${port}`, `${frontends[family]}|80`);
		t.is((await exchange(socket)).from, `${frontends[family]}|80`);
	},
	title: of('a connected UDP socket has the frontend as its peer'),
});
for (const family of families) kernel(connectedDatagrams, family);

const directly = test.macro({
	async exec(t, family: Family) {
		const net = await socketLab(t);
		const backend = {address: net.serverAddress[family], port: tellers.one};
		net.serve({...twoBackends(net, family, {protocol: 'udp'}), backends: {1: backend}});
		const socket = await net.client.openUdp({family});
		socket.connect(80, frontends[family]);
		await once(socket, 'connect');
		t.is((await exchange(socket)).from, `${frontends[family]}|80`);
		socket.disconnect();
		socket.connect(backend.port, backend.address);
		await once(socket, 'connect');
		const {address, port} = socket.remoteAddress();
		t.deepEqual({address, port}, backend);
		t.is((await exchange(socket)).from, `${backend.address}|${backend.port}`);
	},
	title: of(
		'a socket that is connected to a backend anew, by its own address, has it as its peer',
	),
});
for (const family of families) kernel(directly, family);

const removed = test.macro({
	async exec(t, family: Family) {
		const net = await socketLab(t);
		const service = twoBackends(net, family);
		net.serve(service);
		const {2: left} = service.backends ?? {};
		net.serve({...service, backends: left === undefined ? {} : {2: left}});
		for (let i = 0; i < 10; i++) {
			t.is((await ask(net.client, frontends[family], 80)).name, 'two');
		}
	},
	title: of('the next connection after a backend was removed goes elsewhere'),
});
for (const family of families) kernel(removed, family);

const withoutBackend = test.macro({
	async exec(t, family: Family) {
		const net = await socketLab(t);
		const service = {number: 7, address: frontends[family], port: 80};
		net.serve(service);
		t.is(await refusal(net.client, service.address, 80), 'EHOSTUNREACH');
		t.is(net.counted(6), 1n);

		// Slots and backends that are half written.
		const services = net.maps.require(family === 'ipv4' ? 'services4' : 'services6');
		const key = {address: service.address, dport: 80, backend_slot: 0, proto: 6, scope: 0};
		const value = {count: 1, rev_nat_index: 7, flags: 0, flags2: 0, qcount: 0};
		services.set(key, {...value, affinity_timeout: 0});
		t.is(await refusal(net.client, service.address, 80), 'EHOSTUNREACH');
		t.is(net.counted(5), 1n);
		services.set({...key, backend_slot: 1}, {...value, backend_id: 9});
		t.is(await refusal(net.client, service.address, 80), 'EHOSTUNREACH');
		t.is(net.counted(6), 2n);
	},
	title: of('without a backend a connection fails at once, and it is counted'),
});
for (const family of families) kernel(withoutBackend, family);

const withoutPort = test.macro({
	async exec(t, family: Family) {
		const net = await socketLab(t);
		const address = net.serverAddress[family];
		// What stands for an address's other ports.
		net.serve({number: 0, address, port: 0, protocol: 'any', flags: 64});
		t.is(await refusal(net.client, address, 0), 'ECONNREFUSED');
		t.is(net.counted(6), 0n);
	},
	title: of('port 0 of an address with services is no service'),
});
for (const family of families) kernel(withoutPort, family);

const stale = test.macro({
	async exec(t, family: Family) {
		const net = await socketLab(t);
		const service = twoBackends(net, family, {protocol: 'udp'});
		net.serve(service);
		const socket = await net.client.openUdp({family});
		socket.connect(80, frontends[family]);
		await once(socket, 'connect');
		const entries = net.maps.require(family === 'ipv4' ? 'reverseSockets4' : 'reverseSockets6');
		t.is([...entries].length, 1);
		net.withdraw(service);
		t.is(socket.remoteAddress().address, net.serverAddress[family]);
		t.is(net.counted(8), 1n);
		t.deepEqual([...entries], []);
	},
	title: of('a peer is not told as a frontend that is gone, and its entry goes'),
});
for (const family of families) kernel(stale, family);

const released = test.macro({
	async exec(t, family: Family, mapped: boolean) {
		const net = await socketLab(t);
		const backend = {address: net.serverAddress[family], port: tellers.one};
		net.serve({...twoBackends(net, family), backends: {1: backend}});
		const address = mapped ? `::ffff:${frontends[family]}` : frontends[family];
		const socket = await net.client.connect(address, 80);
		t.is(peerOf(socket), `${address}|80`);
		const entries = net.maps.require(family === 'ipv4' ? 'reverseSockets4' : 'reverseSockets6');
		const [entry] = [...entries];
		t.like(entry?.[0], {address: net.serverAddress[family], port: tellers.one});
		t.deepEqual(entry?.[1], {address: frontends[family], port: 80, rev_nat_index: 7});
		socket.destroy();
		await once(socket, 'close');
		t.deepEqual([...entries], []);
		t.is(net.counted(14), 1n);
	},
	title: (_, family, mapped) =>
		`what is remembered of a socket goes with it, ${family}${mapped ? ' mapped' : ''}`,
});
kernel(released, 'ipv4', false);
kernel(released, 'ipv6', false);
kernel(released, 'ipv4', true);

const affinity = test.macro({
	async exec(t, family: Family) {
		const net = await socketLab(t);
		const match = net.maps.require('affinityMatch');
		match.set({backend_id: 1, rev_nat_id: 7}, 0);
		match.set({backend_id: 2, rev_nat_id: 7}, 0);
		const service = twoBackends(net, family, {flags: 16, first: 3600});
		net.serve(service);
		const {name: first} = await ask(net.client, frontends[family], 80);
		for (let i = 0; i < 10; i++) {
			t.is((await ask(net.client, frontends[family], 80)).name, first);
		}

		const map = net.maps.require(family === 'ipv4' ? 'affinity4' : 'affinity6');
		const [entry] = [...map];
		t.is(typeof entry?.[0].client, 'bigint');
		t.is(entry?.[0].rev_nat_id, 7);
		// Clients of a backend that may not be kept choose again.
		const [gone, kept] = first === 'one' ? [1, 2] : [2, 1];
		match.delete({backend_id: gone, rev_nat_id: 7});
		const backend = service.backends?.[kept];
		net.serve({...service, backends: backend ? {[kept]: backend} : {}});
		t.not((await ask(net.client, frontends[family], 80)).name, first);
	},
	title: of('a namespace keeps its backend where the service has affinity'),
});
for (const family of families) kernel(affinity, family);

const scopes = test.macro({
	async exec(t, family: Family) {
		const net = await socketLab(t);
		const {1: outside, 2: inside} = twoBackends(net, family).backends ?? {};
		net.serve(twoBackends(net, family, {flags2: 32, backends: outside ? {1: outside} : {}}));
		net.serve(
			twoBackends(net, family, {flags2: 32, scope: 1, backends: inside ? {2: inside} : {}}),
		);
		for (let i = 0; i < 8; i++) {
			t.is((await ask(net.client, frontends[family], 80)).name, 'two');
		}
	},
	title: of('of two scopes sockets have the inner one'),
});
for (const family of families) kernel(scopes, family);

const anyProtocol = test.macro({
	async exec(t, family: Family) {
		const net = await socketLab(t);
		net.serve(twoBackends(net, family, {protocol: 'any'}));
		t.regex((await ask(net.client, frontends[family], 80)).name, /one|two/);
	},
	title: of('a service of any protocol is one of TCP'),
});
for (const family of families) kernel(anyProtocol, family);

kernel(
	'where only the host has services in sockets, others reach frontends as they are',
	async t => {
		const net = await socketLab(t, 'left');
		for (const family of families) {
			const address = net.serverAddress[family];
			net.serve(twoBackends(net, family, {address}));
			t.is(await refusal(net.client, address, 80), 'ECONNREFUSED');
		}
	},
);

kernel('namespaces reach redirected frontends as they are where they ask for it', async t => {
	const net = await socketLab(t);
	const fd = openSync(net.client.netns, 'r');
	const netns_cookie = namespaceCookie(fd);
	closeSync(fd);
	for (const family of families) {
		const address = net.serverAddress[family];
		net.serve(twoBackends(net, family, {address, flags2: 1}));
		t.regex((await ask(net.client, address, 80)).name, /one|two/);
		const skip = net.maps.require(family === 'ipv4' ? 'skipServices4' : 'skipServices6');
		skip.set({netns_cookie, address, port: 80}, 1);
		t.is(await refusal(net.client, address, 80), 'ECONNREFUSED');
	}
});

const proxies = test.macro({
	async exec(t, family: Family, kind: ClientKind) {
		const net = await socketLab(t, kind);
		const proxy = await net.client.listen(15_001);
		proxy.on('connection', socket => socket.end('proxy'));
		t.teardown(() => proxy.close());
		const address = net.serverAddress[family];
		net.serve({number: 7, address, port: 80, flags2: 4, first: 15_001});
		if (kind === 'node') t.is((await ask(net.client, address, 80)).name, 'proxy');
		else t.is(await refusal(net.client, address, 80), 'ECONNREFUSED');
	},
	title: (_, family, kind) =>
		kind === 'node'
			? `the host's connections to an L7 service go to the proxy, ${family}`
			: `connections of others to an L7 service are left to their packets, ${family}`,
});
for (const family of families) {
	kernel(proxies, family, 'node');
	kernel(proxies, family, 'other');
}
