import {existsSync, mkdirSync, readdirSync} from 'node:fs';
import {setTimeout as sleep} from 'node:timers/promises';
import test, {type ExecutionContext} from 'ava';
import {listDevices} from '../../src/kernel/netlink/device.js';
import {lab, listLabs, type Host, type Topology} from '../../src/lab/index.js';
import {fixtureObject} from '../helpers/compile.js';
import {kernelTest} from '../helpers/kernel.js';
import {fillLab, watchLab} from '../helpers/lab-traces.js';
import {run} from '../helpers/run.js';

const kernel = kernelTest({feature: 'network namespaces and cgroup v2', since: '5.3'});

/** The first packet arrives: nothing is asked for, nothing waited for. */
async function reaches(from: Host, address: string): Promise<boolean> {
	const {code} = await from.exec('ping', ['-c', '1', '-W', '2', address]);
	return code === 0;
}

const reachable = test.macro({
	async exec(t: ExecutionContext, topology: Topology) {
		await using net = await lab(topology);
		const {client, server} = net.hosts;
		if (!client || !server) throw new Error('no such hosts');
		const addresses = server.interfaces.flatMap(({ipv4 = [], ipv6 = []}) =>
			[ipv4, ipv6].flat(),
		);
		t.true(addresses.length >= 2);
		for (const address of addresses) {
			t.true(await reaches(client, address.split('/')[0] ?? ''), address);
		}
	},
	title: (_, {name}: Topology) => `both families are reachable over a ${name}`,
});

const hosts = ['client', 'server'] as const;
kernel(reachable, {name: 'link', hosts, links: [['client', 'server']]});
kernel(reachable, {
	name: 'chain',
	hosts,
	routers: ['r1', 'r2', 'r3'],
	links: [
		['client', 'r1'],
		['r1', 'r2'],
		['r2', 'r3'],
		['r3', 'server'],
	],
});
kernel(reachable, {
	name: 'bridge',
	hosts,
	bridges: ['left', 'right'],
	links: [
		['client', 'left'],
		['left', 'right'],
		['right', 'server'],
	],
});
kernel(reachable, {
	name: 'vxlan',
	hosts,
	routers: ['router'],
	links: [
		['client', 'router'],
		['router', 'server'],
	],
	vxlans: [{between: ['client', 'server']}, {between: ['server', 'client'], over: 'ipv6'}],
});
kernel(reachable, {
	name: 'link-with-learned-neighbours',
	hosts,
	links: [['client', 'server']],
	neighbours: 'learned',
});

kernel('a VXLAN joins three hosts', async t => {
	await using net = await lab({
		hosts: ['a', 'b', 'c'],
		bridges: ['wire'],
		links: [
			['a', 'wire'],
			['b', 'wire'],
			['c', 'wire'],
		],
		vxlans: [{between: ['a', 'b', 'c']}],
		neighbours: 'learned',
	});
	const {a, b, c} = net.hosts;
	for (const far of [b, c]) {
		const tunnel = far.interfaces.find(({name}) => name === 'vxlan0');
		t.true(await reaches(a, tunnel?.ipv4?.split('/')[0] ?? ''));
		t.true(await reaches(a, tunnel?.ipv6?.split('/')[0] ?? ''));
	}
});

kernel('addresses of hosts themselves are reachable', async t => {
	await using net = await lab({
		hosts: {client: {}, server: {addresses: ['203.0.113.80', '2001:db8:f::80']}},
		routers: ['router'],
		links: [
			['client', 'router'],
			['router', 'server'],
		],
	});
	t.true(await reaches(net.hosts.client, '203.0.113.80'));
	t.true(await reaches(net.hosts.client, '2001:db8:f::80'));
});

kernel('counters and routes are those of the host', async t => {
	await using net = await lab({
		hosts: ['a', 'b'],
		routers: ['r'],
		links: [
			['a', 'r'],
			['r', 'b'],
		],
	});
	const {a, b} = net.hosts;
	const sent = () => a.readInterfaces().find(({name}) => name === 'eth0')?.counters.sentPackets;
	const before = sent() ?? 0n;
	await a.exec('ping', ['-c', '3', '-i', '0.01', b.ipv4]);
	t.true((sent() ?? 0n) >= before + 3n);
	const routes = a.readRoutes();
	for (const [to, via] of [
		['0.0.0.0/0', '192.0.2.3'],
		['::/0', '2001:db8::3'],
		['192.0.2.0/24', undefined],
	] as const) {
		t.true(
			routes.some(each => each.to === to && each.via === via && each.interface === 'eth0'),
			to,
		);
	}
});

kernel('other tools find a host by the name of its namespace', async t => {
	await using net = await lab({name: 'named', hosts: ['a', 'b'], links: [['a', 'b']]});
	const {a} = net.hosts;
	t.regex(a.netnsName, /^skep-\d+-\d+\.named\.a$/);
	t.regex(await run('ip', '-n', a.netnsName, '-br', 'address'), /192\.0\.2\.1\/24/);
	t.regex(await run('ip', 'netns', 'exec', a.netnsName, 'ip', 'link'), /eth0/);
});

kernel('this process sees no interface of a lab, and its namespace stays', async t => {
	const names = () => listDevices().map(({name}) => name);
	const before = names();
	await using net = await lab({hosts: ['a', 'b'], links: [['a', 'b']]});
	t.deepEqual(
		names().filter(name => !before.includes(name) && /^(?:eth|vxlan|br)\d/.test(name)),
		[],
	);
	const threads = readdirSync('/proc/self/task');
	t.true(threads.length > 0);
	t.truthy(net.hosts.a);
});

kernel('two labs of one name stand side by side with the same addresses', async t => {
	const topology = {name: 'twin', hosts: ['a', 'b'], links: [['a', 'b']]} as const;
	await using left = await lab(topology);
	await using right = await lab(topology);
	t.not(left.name, right.name);
	t.is(left.hosts.a.ipv4, right.hosts.a.ipv4);
	t.true(await reaches(left.hosts.a, left.hosts.b.ipv4));
	t.true(await reaches(right.hosts.a, right.hosts.b.ipv4));
	const own = listLabs().filter(({pid}) => pid === process.pid);
	t.true(own.some(({name, alive}) => name === left.name && alive));
	t.true(own.some(({name, alive}) => name === right.name && alive));
});

const leaves = test.macro({
	async exec(t: ExecutionContext, work: () => void) {
		const object = await fixtureObject('kernel/globals');
		let left: (() => Promise<string[]>) | undefined;
		const use = async (): Promise<void> => {
			await using net = await lab({
				hosts: ['a', 'b', 'c'],
				bridges: ['br'],
				links: [
					['a', 'br'],
					['b', 'br'],
					['br', 'c'],
				],
				vxlans: [{between: ['a', 'c']}],
			});
			left = await watchLab(await fillLab(net, object));
			work();
		};
		await use().catch((error: unknown) => t.true(error instanceof RangeError));
		t.deepEqual(await left?.(), []);
	},
	title: (title = '') => `nothing is left after ${title}`,
});
kernel('success', leaves, () => undefined);
kernel('an exception', leaves, () => {
	throw new RangeError('on purpose');
});

kernel('a lab takes programs down with what they started', async t => {
	const net = await lab({hosts: ['a']});
	const child = net.hosts.a.spawn('sh', ['-c', 'setsid sleep 60 & wait']);
	const {cgroup} = net.hosts.a;
	while ((await run('cat', `${cgroup}/cgroup.procs`)).trim().split('\n').length < 2)
		await sleep(5);
	await net.close();
	t.is(child.signalCode, 'SIGKILL');
	t.false(existsSync(cgroup));
	await net.close();
});

kernel('cgroups made in a host go with it', async t => {
	const net = await lab({hosts: ['a']});
	mkdirSync(`${net.hosts.a.cgroup}/inner`);
	await net.close();
	t.false(existsSync(net.hosts.a.cgroup));
});
