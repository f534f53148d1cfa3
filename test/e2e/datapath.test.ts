import {once} from 'node:events';

import {DatapathClock, Policies, type PolicyRule} from '../../src/datapath/index.js';
import type {Host} from '../../src/lab/index.js';
import {
	asks,
	connects,
	echo,
	echoUdp,
	errorOf,
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

const [red, blue] = [1, 2];
const enforce = {ingress: true, egress: true};

interface Scenario {
	readonly title: string;
	/** Of blue. */
	readonly rules: readonly PolicyRule[];
	/** Whether red reaches blue, and blue red, at ports of TCP and by ICMP. */
	readonly red: Readonly<Record<number | 'ping', boolean>>;
	readonly blue?: Readonly<Record<number | 'ping', boolean>>;
	/** Whether the world reaches port 80 of blue. */
	readonly world?: boolean;
}

const web = {
	direction: 'ingress',
	peers: identities.red,
	protocol: 'tcp',
	action: 'allow',
} as const;
const none = {80: false, 81: false, 90: false, ping: false};

const scenarios: readonly Scenario[] = [
	{title: 'no rule', rules: [], red: none, blue: none, world: false},
	{
		title: 'a port is allowed',
		rules: [{...web, ports: 80}],
		red: {...none, 80: true},
		blue: none,
		world: false,
	},
	{
		title: 'a range of ports',
		rules: [{...web, ports: '81-90'}],
		red: {...none, 81: true, 90: true},
	},
	{
		title: 'a denial within what is allowed',
		rules: [web, {...web, ports: 81, action: 'deny'}],
		red: {80: true, 81: false, 90: true, ping: false},
	},
	{
		title: 'what leaves',
		rules: [{...web, direction: 'egress', ports: 80}],
		red: none,
		blue: {...none, 80: true},
	},
	{
		title: 'both directions',
		rules: [
			{...web, ports: 80},
			{...web, direction: 'egress', ports: 81},
		],
		red: {...none, 80: true},
		blue: {...none, 81: true},
	},
	{
		title: 'echo requests',
		rules: [
			{...web, protocol: 'icmp', icmpType: 8},
			{...web, protocol: 'icmpv6', icmpType: 128},
		],
		red: {...none, ping: true},
		blue: none,
	},
	{
		title: 'addresses outside, by their prefix',
		rules: [{...web, peers: 1000, ports: 80}],
		red: none,
		world: true,
	},
];

kernel('clients see what the policy says', async t => {
	const lab = await makeDatapathLab(t);
	const policies = new Policies(lab.maps);
	const [world4, world6] = addressesOf(lab.world);
	lab.ipcache.upsert([
		{prefix: world4.replace(/\d+$/, '0/24'), identity: 1000},
		{prefix: `${world6}/128`, identity: 1000},
	]);
	for (const host of [lab.red, lab.blue]) {
		await Promise.all([80, 81, 90].map(async port => echo(host, port)));
	}

	for (const scenario of scenarios) {
		await policies.replace(blue, scenario.rules, {enforce});
		const checks: Promise<void>[] = [];
		const expect = async (what: string, is: Promise<boolean>, expected: boolean) => {
			t.is(await is, expected, `${scenario.title}: ${what}`);
		};
		const all = (from: Host, to: Host, expected: Scenario['red'] | undefined) => {
			for (const address of addressesOf(to)) {
				for (const [what, whether] of Object.entries(expected ?? {})) {
					const is =
						what === 'ping'
							? pings(from, address, patience(whether))
							: connects(from, address, Number(what), patience(whether));
					checks.push(expect(`${from.name} to ${address}, ${what}`, is, whether));
				}
			}
		};
		all(lab.red, lab.blue, scenario.red);
		all(lab.blue, lab.red, scenario.blue);
		if (scenario.world !== undefined) {
			for (const address of addressesOf(lab.blue)) {
				const is = connects(lab.world, address, 80, patience(scenario.world));
				checks.push(expect(`the world to ${address}`, is, scenario.world));
			}
		}

		await Promise.all(checks);
	}
});

kernel('datagrams in fragments meet the rules about their ports', async t => {
	const lab = await makeDatapathLab(t);
	for (const port of [5000, 5001]) await echoUdp(t, lab.blue, port);
	await new Policies(lab.maps).replaceMany([
		{endpointId: blue, enforce, rules: [{...web, protocol: 'udp', ports: 5000}]},
		{
			endpointId: red,
			enforce,
			rules: [{...web, direction: 'egress', peers: identities.blue, protocol: 'udp'}],
		},
	]);
	for (const address of addressesOf(lab.blue)) {
		t.is(await asks(lab.red, address, 5000, 6000, patience(true)), 6000, address);
		t.is(await asks(lab.red, address, 5001, 6000, patience(false)), undefined, address);
	}
});

kernel('a closed port is told to a client that no rule lets receive ICMP', async t => {
	const lab = await makeDatapathLab(t);
	await new Policies(lab.maps).replaceMany([
		{endpointId: blue, enforce, rules: [{...web, protocol: 'udp', ports: 5000}]},
		{
			endpointId: red,
			enforce,
			rules: [
				{...web, direction: 'egress', peers: 'any', protocol: 'udp', ports: '5000-5001'},
			],
		},
	]);
	for (const address of [...addressesOf(lab.blue), ...addressesOf(lab.world)]) {
		const socket = await lab.red.openUdp({family: familyOf(address)});
		t.teardown(() => socket.close());
		t.is(await errorOf(socket, address, 5000), 'ECONNREFUSED', address);
	}
});

kernel('a connection finds the path MTU, out of the node and on it', async t => {
	const lab = await makeDatapathLab(t, {mtu: 1400});
	await new Policies(lab.maps).replace(red, [{...web, direction: 'egress', peers: 'any'}], {
		enforce,
	});
	await lab.node.exec('ip', ['link', 'set', 'eth2', 'mtu', '1300']);
	const length = 100_000;
	for (const [to, mtu] of [
		[lab.world, 1300],
		[lab.blue, 1400],
	] as const) {
		let received = 0;
		const server = await to.listen(80);
		const arrived = new Promise<void>(resolve => {
			server.on('connection', connection => {
				connection.on('data', data => {
					received += data.length;
					if (received % length === 0) connection.end('all');
				});
				connection.on('end', resolve);
			});
		});
		for (const address of addressesOf(to)) {
			// One segment after the other: none is put together to a larger one.
			await lab.red.exec('ip', ['link', 'set', 'eth0', 'gso_max_segs', '1']);
			const socket = await lab.red.connect(address, 80);
			socket.write(Buffer.alloc(length, 0x2a));
			const [answer] = (await once(socket, 'data', {
				signal: AbortSignal.timeout(patience(true)),
			})) as [Buffer];
			t.is(answer.toString(), 'all');
			socket.end();
			const {stdout} = await lab.red.exec('ip', ['route', 'get', address]);
			t.regex(stdout, new RegExp(`mtu ${mtu}`), address);
		}

		await arrived;
	}
});

/** How both ends keep the flows to a port: seconds left, and whether both sides closed. */
function flowsTo({maps}: DatapathLab, port: number, now: number): [number, boolean][] {
	return (['ctTcp4', 'ctTcp6'] as const).flatMap(name =>
		[...maps.require(name)]
			.filter(([{dport}]) => dport === port)
			.map(([, {lifetime, rx_closing, tx_closing}]): [number, boolean] => [
				lifetime - now,
				rx_closing && tx_closing,
			]),
	);
}

kernel('a connection is kept for as long as its state says', async t => {
	const lab = await makeDatapathLab(t);
	using clock = await DatapathClock.open();
	const flows = (port: number) => flowsTo(lab, port, clock.now());
	const server = await lab.blue.listen(80);
	// The server closes first: the client's port is free at once.
	server.on('connection', connection => {
		connection.on('data', data => {
			if (data.toString() === 'bye') connection.end();
			else connection.write(data);
		});
	});
	for (const address of addressesOf(lab.blue)) {
		for (const name of ['ctTcp4', 'ctTcp6'] as const) {
			const map = lab.maps.require(name);
			for (const key of [...map.keys()]) map.delete(key);
		}

		for (const text of ['opened', 'opened again']) {
			const socket = await lab.red.connect(address, 80, {localPort: 45_000});
			t.is(await talk(socket, text), text);
			const open = flows(80);
			t.is(open.length, 2);
			t.true(
				open.every(([left, closed]) => left > 7900 && left <= 8000 && !closed),
				`${address} ${text}: ${open.join(', ')}`,
			);
			socket.end('bye');
			socket.resume();
			await once(socket, 'close');
			await until('both sides are seen closing', () => flows(80).every(([, is]) => is));
			t.true(
				flows(80).every(([left]) => left > 0 && left <= 10),
				`${address} ${text}, closed`,
			);
		}

		t.false(await connects(lab.red, address, 81, patience(true)));
		t.true(
			flows(81).every(([left, closed]) => left <= 10 && closed),
			`${address} refused`,
		);
	}

	for (const address of addressesOf(lab.world)) {
		const nobody = address.replace(/\w+$/, '77');
		t.false(await connects(lab.red, nobody, 82, patience(false)));
	}

	const halfOpen = flows(82);
	t.is(halfOpen.length, 2);
	t.true(halfOpen.every(([left, closed]) => left > 50 && left <= 60 && !closed));
});
