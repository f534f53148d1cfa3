import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {setImmediate} from 'node:timers/promises';

import {
	datapathDown,
	datapathStatus,
	datapathUp,
	openDatapathMaps,
	Policies,
	type PolicyRule,
} from '../../src/datapath/index.js';
import {ethernet, ipv4, ipv6, packet, tcp} from '../../src/lab/index.js';
import {
	asks,
	connects,
	echo,
	echoUdp,
	familyOf,
	patience,
	pings,
	talk,
} from '../helpers/datapath-clients.js';
import {
	addressesOf,
	identities,
	makeDatapathLab,
	type DatapathLab,
} from '../helpers/datapath-lab.js';
import {kernelTest} from '../helpers/kernel.js';
import {until} from '../helpers/run.js';

const kernel = kernelTest({feature: 'links of tcx', since: '6.6'});

const blue = 2;
const enforce = {ingress: true, egress: true};

/** Packets that were dropped for a reason. */
function dropped({maps}: Pick<DatapathLab, 'maps'>, reason: number): bigint {
	return [...maps.require('metrics')]
		.filter(([key]) => key.reason === reason)
		.flatMap(([, values]) => values.map(({count}) => count))
		.reduce((a, b) => a + b, 0n);
}

const policyDenied = 133;
const policyDeny = 181;
const conntrackInsertFailed = 155;

/** Sends from red to blue what opens flows of TCP and UDP, of the family 4 or 6 by its index. */
async function openFlows(lab: DatapathLab, index: number, from: number, count: number) {
	const {red, node} = lab;
	const [source, destination] = [addressesOf(red)[index], addressesOf(lab.blue)[index] ?? ''];
	const ends = ethernet({
		source: red.interfaces[0]?.mac ?? '',
		destination: node.interfaces[0]?.mac ?? '',
	});
	const ip = (index === 0 ? ipv4 : ipv6)({source, destination});
	const socket = await red.openUdp({family: familyOf(destination)});
	for (let i = from; i < from + count; i++) {
		const opener = tcp({sourcePort: 40_000 + i, destinationPort: 80, flags: 'S'});
		red.inject('eth0', packet(ends, ip, opener).bytes);
		socket.send('anybody there?', 10_000 + i, destination);
		if (i % 50 === 0) await setImmediate();
	}

	await setImmediate();
	socket.close();
}

kernel(
	'when conntrack is full, new flows take the place of old ones and none is refused',
	async t => {
		const lab = await makeDatapathLab(t, {sizes: {conntrackTcp: 1024, conntrackAny: 1024}});
		await echo(lab.blue, 80);
		await echoUdp(t, lab.blue, 5000);
		const allow = {peers: identities.red, action: 'allow', direction: 'ingress'} as const;
		await new Policies(lab.maps).replace(blue, [allow, {...allow, direction: 'egress'}], {
			enforce,
		});
		for (const [i, address] of addressesOf(lab.blue).entries()) {
			const standing = await lab.red.connect(address, 80);
			for (let round = 0; round < 4; round++) {
				await openFlows(lab, i, round * 300, 300);
				t.true(await connects(lab.red, address, 80, patience(true)), address);
				t.is(await asks(lab.red, address, 5000, 100, patience(true)), 100, address);
				const text = `still here in round ${round}`;
				t.is(await talk(standing, text), text);
			}
		}

		for (const name of ['ctTcp4', 'ctTcp6', 'ctAny4', 'ctAny6'] as const) {
			const entries = [...lab.maps.require(name).keys()].length;
			t.true(entries > 500 && entries <= 1024, `${name}: ${entries}`);
		}

		t.is(dropped(lab, conntrackInsertFailed), 0n);
	},
);

kernel('while a policy is replaced, what it allows passes and what it denies does not', async t => {
	const lab = await makeDatapathLab(t);
	const policies = new Policies(lab.maps);
	const rule = {direction: 'ingress', peers: identities.red, protocol: 'udp'} as const;
	// Both say the same of 5000 and 5001, by other rules.
	const [one, other]: readonly PolicyRule[][] = [
		[{...rule, ports: 5000, action: 'allow'}],
		[
			{...rule, action: 'allow'},
			{...rule, ports: 5001, action: 'deny'},
			...Array.from({length: 1000}, (_, i): PolicyRule => {
				return {...rule, peers: 2000 + i, ports: 5001, action: 'allow'};
			}),
		],
	];
	await policies.replace(blue, one ?? [], {enforce});
	for (const address of addressesOf(lab.blue)) {
		const family = familyOf(address);
		let arrived = 0;
		let leaked = 0;
		for (const port of [5000, 5001]) {
			const socket = await lab.blue.openUdp({port, address});
			t.teardown(() => socket.close());
			socket.on('message', () => {
				if (port === 5000) arrived++;
				else leaked++;
			});
		}

		const senders = await Promise.all(
			Array.from({length: 16}, async () => lab.red.openUdp({family})),
		);
		const before = dropped(lab, policyDenied) + dropped(lab, policyDeny);
		const progress = {replaced: 0};
		const replacing = (async () => {
			for (; progress.replaced < 20; progress.replaced++) {
				await policies.replace(blue, (progress.replaced % 2 === 0 ? other : one) ?? []);
			}
		})();
		let sent = 0;
		let fresh = 0;
		while (progress.replaced < 20) {
			// One of the sockets is new each time: its packets open flows.
			const at = fresh++ % senders.length;
			senders[at]?.close();
			senders[at] = await lab.red.openUdp({family});
			for (const sender of senders) {
				for (const port of [5000, 5001]) {
					sent++;
					await new Promise<void>((resolve, reject) => {
						sender.send('x', port, address, error =>
							error === null ? resolve() : reject(error),
						);
					});
				}
			}

			await setImmediate();
		}

		await replacing;
		await until('all that was allowed has arrived', () => arrived >= sent / 2);
		for (const sender of senders) sender.close();
		t.is(arrived, sent / 2, address);
		t.is(leaked, 0, address);
		const refused = dropped(lab, policyDenied) + dropped(lab, policyDeny) - before;
		t.is(refused, BigInt(sent / 2), address);
		t.true(fresh > 10, `${fresh} rounds`);
	}
});

/** Brings up the datapath with its endpoints and dies. */
const crash = `
	const {datapathUp, openDatapathMaps, Endpoints, Policies} = await import(process.argv[1]);
	const {options, endpoints, host, rules} = JSON.parse(process.argv[2]);
	await datapathUp(options);
	const maps = openDatapathMaps({root: options.root, write: true});
	const list = new Endpoints(maps);
	list.setHost(host);
	for (const endpoint of endpoints) list.add(endpoint);
	await new Policies(maps).replace(2, rules, {enforce: {ingress: true, egress: true}});
	process.kill(process.pid, 'SIGKILL');
`;

kernel(
	'after its process was killed traffic is guarded on, and the next start takes it over',
	async t => {
		const lab = await makeDatapathLab(t);
		const {root, options, node, added} = lab;
		await datapathDown({root});
		const endpoints = added.map(({id, identity, mac, ifindex, addresses}) => ({
			id,
			identity,
			mac,
			interface: ifindex,
			netns: node.netns,
			ipv4: addresses.find(address => familyOf(address) === 'ipv4'),
			ipv6: addresses.find(address => familyOf(address) === 'ipv6'),
		}));
		const host = node.interfaces.flatMap(({ipv4 = '', ipv6 = ''}) =>
			[ipv4, ipv6].map(prefix => prefix.split('/')[0]),
		);
		const rules: PolicyRule[] = [
			{
				direction: 'ingress',
				peers: identities.red,
				protocol: 'tcp',
				ports: 80,
				action: 'allow',
			},
		];
		const module = new URL('../../src/datapath/index.js', import.meta.url).href;
		const child = spawn(
			process.execPath,
			[
				'--input-type=module',
				'-e',
				crash,
				module,
				JSON.stringify({options, endpoints, host, rules}),
			],
			{stdio: ['ignore', 'inherit', 'inherit']},
		);
		const [, signal] = (await once(child, 'exit')) as [number | null, string | null];
		t.is(signal, 'SIGKILL');

		await echo(lab.blue, 80);
		const sockets = [];
		for (const address of addressesOf(lab.blue)) {
			sockets.push(await lab.red.connect(address, 80));
			t.false(await connects(lab.red, address, 81, patience(false)), address);
			t.false(await pings(lab.red, address, patience(false)), address);
		}

		t.is(datapathStatus({root}).state, 'up');
		const {hooks} = await datapathUp(options);
		t.deepEqual(
			hooks.map(({program, how}) => [program, how]),
			[
				['from_netdev', 'replaced'],
				['to_netdev', 'replaced'],
			],
		);
		const status = datapathStatus({root});
		t.deepEqual([status.state, status.hooks.length], ['up', 6]);
		for (const socket of sockets) t.is(await talk(socket, 'still here'), 'still here');
		for (const address of addressesOf(lab.blue)) {
			t.true(await connects(lab.red, address, 80, patience(true)), address);
			t.false(await pings(lab.red, address, patience(false)), address);
		}

		using maps = openDatapathMaps({root});
		t.true(dropped({maps}, policyDenied) > 0n);
	},
);
