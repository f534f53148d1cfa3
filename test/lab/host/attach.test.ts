import {once} from 'node:events';
import type {AddressInfo, Socket} from 'node:net';
import test, {type ExecutionContext} from 'ava';
import {HostError, lab, type Family, type Host} from '../../../src/lab/index.js';
import {kernelTest} from '../../helpers/kernel.js';
import {loadFixture} from '../../helpers/load.js';

const kernel = kernelTest({feature: 'sockets of another cgroup', since: '5.7'});
const withTcx = kernelTest({feature: 'tcx links', since: '6.6'});
const withNetfilter = kernelTest({feature: 'netfilter links', since: '6.4'});
const pair = async () => lab({hosts: ['client', 'server'], links: [['client', 'server']]});

/** Drops all of both families: nothing comes back. */
async function isCut(t: ExecutionContext, client: Host, server: Host): Promise<void> {
	const timeout = 40;
	t.is(await client.ping(server.ipv4, {timeout}), undefined);
	t.is(await client.ping(server.ipv6, {timeout}), undefined);
}

async function isWhole(t: ExecutionContext, client: Host, server: Host): Promise<void> {
	t.truthy(await client.ping(server.ipv4));
	t.truthy(await client.ping(server.ipv6));
}

kernel('XDP drops what comes into a host, until it is detached', async t => {
	const collection = await loadFixture(t, 'kernel/globals', {}, {verdict: 1});
	await using net = await pair();
	const {client, server} = net.hosts;
	const link = server.attachXdp(collection.program('count_packets'));
	await isCut(t, client, server);
	link.close();
	await isWhole(t, client, server);
	t.throws(() => server.attachXdp(collection.program('count_packets'), 'none'), {
		code: 'ERR_LINK',
	});
});

withTcx('tcx drops what comes into a host, until it is detached', async t => {
	const collection = await loadFixture(t, 'kernel/tc');
	await using net = await pair();
	const {client, server} = net.hosts;
	const link = server.attachTcx(collection.program('ingress_drop'), 'eth0');
	await isCut(t, client, server);
	link.close();
	await isWhole(t, client, server);
});

withNetfilter('netfilter sees what comes to a host', async t => {
	const collection = await loadFixture(t, 'kernel/links', {programs: ['count_packet']});
	await using net = await pair();
	const {client, server} = net.hosts;
	const program = collection.program('count_packet');
	server.attachNetfilter(program, {family: 'ipv4', hook: 'input'});
	server.attachNetfilter(program, {family: 'ipv6', hook: 'input'});
	await isWhole(t, client, server);
	t.true(Number(collection.map('hits').get(1)) >= 2);
});

const inCgroup = test.macro({
	async exec(t: ExecutionContext, family: Family) {
		const collection = await loadFixture(t, 'kernel/cgroup');
		await using net = await pair();
		const {client, server} = net.hosts;
		const version = family === 'ipv4' ? '4' : '6';
		const slots = {connect: family === 'ipv4' ? 4 : 5, send: family === 'ipv4' ? 6 : 7};
		const count = (slot: number) => Number(collection.map('hook_counts').get(slot));
		for (const name of [`connect${version}`, `sendmsg${version}`, 'skb_egress']) {
			client.attachCgroup(collection.program(name));
		}

		server.attachCgroup(collection.program('skb_ingress'));
		server.attachCgroup(collection.program('sock_create'));
		const listener = await server.listen(0, {address: server[family]});
		t.is(count(2), 1);
		t.is(count(slots.connect), 0);
		const accepted = once(listener, 'connection');
		const socket = await client.connect(
			server[family],
			(listener.address() as AddressInfo).port,
		);
		const [other] = (await accepted) as [Socket];
		t.is(count(slots.connect), 1);
		const [before, sent] = [count(0), count(1)];
		other.once('data', () => other.end());
		socket.write('data');
		await once(socket.resume(), 'end');
		// The socket that was accepted is of the host's cgroup, too.
		t.true(count(0) > before);
		t.true(count(1) > sent);
		const datagrams = await client.openUdp({family});
		await new Promise(resolve => {
			datagrams.send('data', 9, server[family], resolve);
		});
		t.is(count(slots.send), 1);
	},
	title: (_, family: Family) => `programs of a host's cgroup see its sockets by ${family}`,
});
kernel(inCgroup, 'ipv4');
kernel(inCgroup, 'ipv6');

kernel('a socket look-up refuses a port of its host', async t => {
	const collection = await loadFixture(t, 'kernel/links', {programs: ['refuse_port']});
	await using net = await pair();
	const {client, server} = net.hosts;
	await server.listen(4242);
	const link = server.attachNetns(collection.program('refuse_port'));
	for (const family of ['ipv4', 'ipv6'] as const) {
		await t.throwsAsync(client.connect(server[family], 4242), {
			instanceOf: HostError,
			message: /ECONNREFUSED/,
		});
	}

	link.close();
	t.truthy(await client.connect(server.ipv4, 4242));
});
