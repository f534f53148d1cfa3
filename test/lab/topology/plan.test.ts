import test, {type ExecutionContext} from 'ava';
import {formatAddress, formatMacBytes, formatPrefix} from '../../../src/base/address.js';
import {LabError} from '../../../src/lab/index.js';
import {planTopology, type Plan} from '../../../src/lab/topology/plan.js';
import {joinSegments} from '../../../src/lab/topology/segments.js';
import type {Topology} from '../../../src/lab/topology/topology.js';

/** `eth0 192.0.2.1/24 2001:db8::1/64` of each interface of a host. */
function addresses(plan: Plan, name: string): string[] {
	const node = plan.nodes.find(each => each.name === name);
	return (node?.interfaces ?? []).map(({name: device, ipv4, ipv6}) =>
		[device, ...[ipv4, ipv6].flatMap(one => (one ? formatPrefix(one) : []))].join(' '),
	);
}

/** `0.0.0.0/0 via 192.0.2.3` of each route of a host. */
function routes(plan: Plan, name: string): string[] {
	const node = plan.nodes.find(each => each.name === name);
	return (node?.routes ?? []).map(
		({destination, gateway}) =>
			`${formatPrefix(destination)} via ${gateway ? formatAddress(gateway) : ''}`,
	);
}

const chain = {
	hosts: ['client', 'server'],
	routers: ['left', 'right'],
	links: [
		['client', 'left'],
		['left', 'right'],
		['right', 'server'],
	],
} as const satisfies Topology;

test('each segment has prefixes of its own, and each host its number in them', t => {
	const plan = planTopology(chain);
	t.deepEqual(addresses(plan, 'client'), ['eth0 192.0.2.1/24 2001:db8::1/64']);
	t.deepEqual(addresses(plan, 'left'), [
		'eth0 192.0.2.3/24 2001:db8::3/64',
		'eth1 198.51.100.3/24 2001:db8:1::3/64',
	]);
	t.deepEqual(addresses(plan, 'server'), ['eth0 203.0.113.2/24 2001:db8:2::2/64']);
});

test('hosts have a default route to their only router, routers one to each segment', t => {
	const plan = planTopology(chain);
	t.deepEqual(routes(plan, 'client'), ['0.0.0.0/0 via 192.0.2.3', '::/0 via 2001:db8::3']);
	t.deepEqual(routes(plan, 'left'), [
		'203.0.113.0/24 via 198.51.100.4',
		'2001:db8:2::/64 via 2001:db8:1::4',
	]);
});

test('a host between two routers has a route to each segment', t => {
	const plan = planTopology({
		hosts: ['a', 'b', 'c'],
		routers: ['r', 's'],
		links: [
			['a', 'r'],
			['a', 's'],
			['r', 'b'],
			['s', 'c'],
		],
	});
	t.deepEqual(routes(plan, 'a'), [
		'203.0.113.0/24 via 192.0.2.4',
		'2001:db8:2::/64 via 2001:db8::4',
		'10.0.3.0/24 via 198.51.100.5',
		'2001:db8:3::/64 via 2001:db8:1::5',
	]);
	// Neither forwards for the other, because the host between them does not.
	t.deepEqual(routes(plan, 'r').length, 0);
});

test('addresses of hosts themselves are routed to', t => {
	const plan = planTopology({
		hosts: {client: {}, server: {addresses: ['203.0.113.10', '2001:db8:ffff::1']}},
		routers: ['router'],
		links: [
			['client', 'router'],
			['router', 'server'],
		],
	});
	t.deepEqual(routes(plan, 'router'), [
		'203.0.113.10/32 via 198.51.100.2',
		'2001:db8:ffff::1/128 via 2001:db8:1::2',
	]);
});

test('tunnels are not reached through tunnels', t => {
	const plan = planTopology({
		hosts: ['x'],
		routers: ['a', 'm', 'b'],
		links: [
			['a', 'm'],
			['m', 'b'],
			['b', 'x'],
		],
		vxlans: [{between: ['a', 'b'], over: 'ipv6', vni: 7}],
	});
	t.deepEqual(addresses(plan, 'a'), [
		'eth0 192.0.2.2/24 2001:db8::2/64',
		'vxlan0 10.0.3.2/24 2001:db8:3::2/64',
	]);
	t.true(routes(plan, 'a').includes('198.51.100.0/24 via 192.0.2.3'));
	const [vxlan] = plan.vxlans;
	t.is(vxlan?.vni, 7);
	t.deepEqual(
		vxlan?.ends.map(({local}) => formatAddress(local)),
		['2001:db8::2', '2001:db8:1::4'],
	);
	t.is(vxlan?.ends[0]?.interface.mtu, 1430);
});

test('what is given is taken', t => {
	const plan = planTopology({
		hosts: {a: {routes: [{to: '10.9.0.0/16', via: '172.16.0.9'}]}, b: {}},
		links: [
			{
				between: ['a', 'b'],
				mtu: 9000,
				ipv4: '172.16.0.0/24',
				ipv6: false,
				ends: {
					a: {name: 'uplink', mac: '02:aa:00:00:00:01'},
					b: {ipv4: '172.16.0.9/24', ipv6: 'fd00::9/64'},
				},
			},
		],
	});
	t.deepEqual(addresses(plan, 'a'), ['uplink 172.16.0.1/24']);
	t.deepEqual(addresses(plan, 'b'), ['eth0 172.16.0.9/24 fd00::9/64']);
	t.deepEqual(routes(plan, 'a'), ['10.9.0.0/16 via 172.16.0.9']);
	const [[left, right] = []] = plan.veths;
	t.deepEqual([left?.mtu, right?.mtu], [9000, 9000]);
	t.is(left && formatMacBytes(left.mac), '02:aa:00:00:00:01');
});

test('a second interface in a segment has an address of its own', t => {
	const plan = planTopology({
		hosts: ['a', 'b'],
		bridges: ['sw'],
		links: [
			['a', 'sw'],
			['a', 'sw'],
			['b', 'sw'],
		],
	});
	t.deepEqual(addresses(plan, 'a'), [
		'eth0 192.0.2.1/24 2001:db8::1/64',
		'eth1 192.0.2.254/24 2001:db8::fe/64',
	]);
	t.deepEqual(addresses(plan, 'sw'), ['eth0', 'eth1', 'eth2']);
});

test('links that bridges join are one segment', t => {
	const isBridge = (name: string) => name.startsWith('b');
	const between = (...pairs: string[]) =>
		joinSegments(
			pairs.map(pair => ({between: [pair.slice(0, 2), pair.slice(2)] as const})),
			isBridge,
		);
	t.deepEqual(between('h1b1', 'h2h3', 'h4b1'), [0, 1, 0]);
	t.deepEqual(between('h1b1', 'h2b2', 'h3h4', 'b1b2', 'h5b2'), [0, 0, 1, 0, 0]);
	t.deepEqual(between('h1h2', 'h1b2', 'h2b3', 'b2b3'), [0, 1, 1, 1]);
});

const refused = test.macro({
	exec(t: ExecutionContext, topology: Topology, message: RegExp) {
		const error = t.throws(() => planTopology(topology), {instanceOf: LabError});
		t.regex(error.message, message);
		t.is(error.code, 'ERR_LAB');
	},
	title: (_, _topology: Topology, message: RegExp) => `a topology is refused: ${message.source}`,
});

test(refused, {name: 'a/b', hosts: []}, /its name has other characters/);
test(refused, {hosts: ['../x']}, /the name of host "..\/x" has other characters/);
test(refused, {hosts: ['a'], routers: ['a']}, /there are two of the name "a"/);
test(refused, {hosts: ['a'], links: [['a', 'b']]}, /there is no host "b"/);
test(refused, {hosts: ['a'], links: [['a', 'a']]}, /a link joins "a" with itself/);
test(refused, {hosts: ['a', 'b'], vxlans: [{between: ['a', 'b']}]}, /"a" has no ipv4 for VXLAN 1/);
test(refused, {hosts: ['a'], vxlans: [{between: ['a']}]}, /VXLAN 1 joins less than two hosts/);
test(
	refused,
	{hosts: {a: {routes: [{to: '::/0', via: '2001:db8::9'}]}}},
	/"a" has no neighbour 2001:db8::9/,
);
test(
	refused,
	{hosts: ['a', 'b'], links: [{between: ['a', 'b'], ends: {a: {name: 'a/b'}}}]},
	/cannot be named "a\/b"/,
);
test(
	refused,
	{hosts: ['a', 'b', 'c'], links: [{between: ['b', 'c'], ipv4: '10.0.0.0/31'}]},
	/ipv4 of host 2, "b", has no room/,
);
test(refused, {hosts: Array.from({length: 255}, (_, i) => `h${i}`)}, /more than 254 hosts/);
