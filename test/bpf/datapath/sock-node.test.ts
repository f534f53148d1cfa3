import test from 'ava';

import {kernelTest} from '../../helpers/kernel.js';
import {
	ask,
	closeSocketLab,
	families,
	refusal,
	socketLab,
	twoBackends,
	type Family,
} from '../../helpers/socket-lab.js';

const kernel = kernelTest({
	...{feature: 'programs of sock_release', since: '5.9'},
	serial: true,
});
test.after.always(closeSocketLab);
const of = (text: string) => (_: string | undefined, family: Family) => `${text}, ${family}`;

const any = {ipv4: '0.0.0.0', ipv6: '::'} as const;
const loopback = {ipv4: '127.0.0.1', ipv6: '::1'} as const;
const nodePort = 2;

const nodePorts = test.macro({
	async exec(t, family: Family) {
		const net = await socketLab(t, 'node');
		const wanted = {address: any[family], port: 30_080, flags: nodePort};
		net.serve(twoBackends(net, family, wanted));
		const own = net.clientAddress[family];
		t.is(await refusal(net.client, own, 30_080), 'ECONNREFUSED');
		const hostInfo = {ifindex: 0, lxc_id: 0, flags: 1, sec_id: 1, parent_ifindex: 0};
		const none = '00:00:00:00:00:00';
		const info = {...hostInfo, mac: none, node_mac: none};
		net.maps.require('endpoints').set({address: own}, info);
		for (const address of [loopback[family], own]) {
			const {name, peer} = await ask(net.client, address, 30_080);
			t.regex(name, /one|two/, address);
			t.is(peer, `${address}|30080`);
		}

		// Another node's address, and no node's.
		const other = family === 'ipv4' ? '198.51.100.7' : '2001:db8:99::7';
		const length = family === 'ipv4' ? 32 : 128;
		const prefix = `${other}/${length}`;
		net.maps.require('ipcache').set({prefix}, {sec_identity: 6});
		t.is((await ask(net.client, other, 30_080)).peer, `${other}|30080`);
		// Ports outside of the range are no node ports.
		net.serve(twoBackends(net, family, {...wanted, port: 80}));
		t.is(await refusal(net.client, loopback[family], 80), 'ECONNREFUSED');
	},
	title: of('a node port is that of every address of a node, loopback too'),
});
for (const family of families) kernel(nodePorts, family);

const hostPorts = test.macro({
	async exec(t, family: Family) {
		const net = await socketLab(t, 'node');
		net.serve(twoBackends(net, family, {address: any[family], port: 88, flags: 8}));
		t.is((await ask(net.client, loopback[family], 88)).peer, `${loopback[family]}|88`);
	},
	title: of('a host port is that of the own addresses'),
});
for (const family of families) kernel(hostPorts, family);

const elsewhere = test.macro({
	async exec(t, family: Family) {
		const net = await socketLab(t);
		net.serve(twoBackends(net, family, {address: any[family], port: 30_080, flags: nodePort}));
		t.is(await refusal(net.client, loopback[family], 30_080), 'ECONNREFUSED');
	},
	title: of('node ports are not on the loopback of other namespaces than the host'),
});
for (const family of families) kernel(elsewhere, family);

const externalIps = test.macro({
	async exec(t, family: Family) {
		const net = await socketLab(t);
		const address = net.serverAddress[family];
		net.serve(twoBackends(net, family, {address, flags: 1}));
		t.is(await refusal(net.client, address, 80), 'ECONNREFUSED');
	},
	title: of('an external address that this node does not have is left to the network'),
});
for (const family of families) kernel(externalIps, family);

const binds = test.macro({
	async exec(t, family: Family) {
		const net = await socketLab(t, 'node');
		net.serve(twoBackends(net, family, {address: any[family], port: 30_080, flags: nodePort}));
		net.serve(
			twoBackends(net, family, {
				...{address: any[family], port: 30_080, flags: nodePort, protocol: 'udp'},
			}),
		);
		const own = net.clientAddress[family];
		net.serve(twoBackends(net, family, {address: own, flags: 32}));
		const errno = async (port: number, address: string, udp = false): Promise<string> => {
			try {
				if (udp) (await net.client.openUdp({port, address, family})).close();
				else (await net.client.listen(port, {address})).close();
				return 'bound';
			} catch (error) {
				return (error as {message: string}).message;
			}
		};
		t.regex(await errno(30_080, any[family]), /EADDRINUSE/);
		t.regex(await errno(30_080, any.ipv6), /EADDRINUSE/);
		t.regex(await errno(30_080, loopback[family]), /EADDRINUSE/);
		t.regex(await errno(30_080, any[family], true), /EADDRINUSE/);
		t.regex(await errno(80, own), /EADDRINUSE/);
		t.is(await errno(80, any[family]), 'bound');
		t.is(await errno(30_081, any[family]), 'bound');
	},
	title: of('on the host no socket takes the port of a service'),
});
for (const family of families) kernel(binds, family);

kernel('in other namespaces sockets take what ports they like', async t => {
	const net = await socketLab(t);
	for (const family of families) {
		net.serve(twoBackends(net, family, {address: any[family], port: 30_080, flags: nodePort}));
	}

	(await net.client.listen(30_080)).close();
	t.pass();
});
