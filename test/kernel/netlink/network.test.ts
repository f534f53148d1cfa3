import type {ExecutionContext} from 'ava';
import {formatPrefix, parsePrefix} from '../../../src/base/address.js';
import {addAddress, listAddresses} from '../../../src/kernel/netlink/addresses.js';
import {listDevices} from '../../../src/kernel/netlink/device.js';
import {exchangeAll} from '../../../src/kernel/netlink/exchange.js';
import {
	createBridge,
	createVeth,
	createVxlan,
	setMaster,
	setUp,
} from '../../../src/kernel/netlink/interfaces.js';
import {
	addForwarding,
	addNeighbour,
	listNeighbours,
} from '../../../src/kernel/netlink/neighbours.js';
import {addNetem} from '../../../src/kernel/netlink/netem.js';
import {NetlinkError} from '../../../src/kernel/netlink/netlink-error.js';
import {addRoute, listLocalAddresses, listRoutes} from '../../../src/kernel/netlink/routes.js';
import {createNamespace} from '../../../src/kernel/sys/namespace.js';
import {kernelTest} from '../../helpers/kernel.js';
import {until} from '../../helpers/run.js';

const kernel = kernelTest({feature: 'rtnetlink', since: '4.12'});

function make(t: ExecutionContext): number {
	const netns = createNamespace('test');
	t.teardown(() => netns.close());
	return netns.number;
}

const mac = (last: number) => Uint8Array.of(2, 0, 0, 0, 0, last);

/** A veth pair between two namespaces, addressed and up. */
function makePair(t: ExecutionContext): [left: number, right: number] {
	const [left, right] = [make(t), make(t)];
	const end = (netns: number, number: number) => {
		return {name: `v${number}`, ifindex: 100 + number, mac: mac(number), mtu: 1400, netns};
	};
	exchangeAll([createVeth(end(left, 1), end(right, 2))], left);
	for (const [netns, number] of [
		[left, 1],
		[right, 2],
	] as const) {
		const prefixes = [`192.0.2.${number}/24`, `2001:db8::${number}/64`].map(parsePrefix);
		const ifindex = 100 + number;
		exchangeAll(
			[setUp(1), ...prefixes.map(each => addAddress(ifindex, each)), setUp(ifindex)],
			netns,
		);
	}

	return [left, right];
}

kernel('interfaces are made in their namespaces with the numbers asked for', t => {
	const [left, right] = makePair(t);
	for (const [netns, number] of [
		[left, 1],
		[right, 2],
	] as const) {
		const device = listDevices(netns).find(({name}) => name === `v${number}`);
		t.like(device, {ifindex: 100 + number, mtu: 1400, kind: 'veth', master: 0});
		t.deepEqual(Uint8Array.from(device?.address ?? []), mac(number));
	}
});

kernel('addresses of both families are usable at once', t => {
	const [left] = makePair(t);
	const found = listAddresses(left).filter(({ifindex}) => ifindex === 101);
	const global = found.filter(each => !formatPrefix(each).startsWith('fe80'));
	t.deepEqual(global.map(formatPrefix), ['192.0.2.1/24', '2001:db8::1/64']);
	t.true(global.every(({usable}) => usable));
});

kernel('routes are added and read', t => {
	const [left] = makePair(t);
	const routes = [
		['10.0.0.0/8', '192.0.2.2'],
		['0.0.0.0/0', '192.0.2.2'],
		['2001:db8:1::/48', '2001:db8::2'],
		['::/0', '2001:db8::2'],
	].map(([to = '', via = '']) => ({
		destination: parsePrefix(to),
		gateway: parsePrefix(via).address,
		ifindex: 101,
		priority: 77,
	}));
	exchangeAll(routes.map(addRoute), left);
	const found = listRoutes(left).filter(({priority}) => priority === 77);
	t.deepEqual(
		found.sort((a, b) => (formatPrefix(a.destination) < formatPrefix(b.destination) ? -1 : 1)),
		routes.sort((a, b) => (formatPrefix(a.destination) < formatPrefix(b.destination) ? -1 : 1)),
	);
});

kernel('packets are delivered to an address of a link as soon as it has its carrier', async t => {
	const [left] = makePair(t);
	const wanted = String(parsePrefix('2001:db8::1').address);
	await until('the address', () => listLocalAddresses(left).map(String).includes(wanted));
	t.false(
		listLocalAddresses(left)
			.map(String)
			.includes(String(parsePrefix('2001:db8::2').address)),
	);
});

kernel('neighbours are added and read', t => {
	const [left] = makePair(t);
	const neighbours = ['192.0.2.2', '2001:db8::2'].map(address => {
		return {ifindex: 101, address: parsePrefix(address).address, mac: mac(2)};
	});
	exchangeAll(neighbours.map(addNeighbour), left);
	t.deepEqual(
		listNeighbours(left).filter(({state}) => state === 'permanent'),
		neighbours.map(each => ({...each, state: 'permanent' as const})),
	);
});

kernel('bridges have ports, VXLANs forwarding entries', t => {
	const [left] = makePair(t);
	const local = parsePrefix('192.0.2.1').address;
	const vxlan = {name: 'vx', ifindex: 201, mac: mac(4), vni: 42, local, port: 4789};
	exchangeAll(
		[
			createBridge({name: 'br', ifindex: 200, mac: mac(3)}),
			createVxlan(vxlan),
			setMaster(201, 200),
			addForwarding(201, mac(0).fill(0), parsePrefix('192.0.2.2').address),
			addForwarding(201, mac(0).fill(0), parsePrefix('192.0.2.3').address),
		],
		left,
	);
	const devices = listDevices(left);
	t.is(devices.find(({name}) => name === 'vx')?.master, 200);
	t.is(devices.find(({name}) => name === 'br')?.kind, 'bridge');
});

kernel('of many changes the first that is refused is the error', t => {
	const [left] = makePair(t);
	const many = Array.from({length: 100}, (_, i) =>
		addAddress(1, parsePrefix(`127.1.0.${i + 1}`)),
	);
	const twice = [...many, addAddress(1, parsePrefix('127.1.0.70'))];
	const error = t.throws(() => exchangeAll(twice, left), {instanceOf: NetlinkError});
	t.is(error.errno, 17);
	t.is(error.request, 'add address 127.1.0.70/32 to interface 1');
	t.is(listAddresses(left).filter(({ifindex}) => ifindex === 1).length, 102);
});

kernel('netem is set, or refused as unknown', t => {
	const [left] = makePair(t);
	const change = addNetem(101, {delay: 1_000_000n, jitter: 0n, loss: 0.5, limit: 10});
	try {
		exchangeAll([change], left);
		t.pass();
	} catch (error) {
		// Built without it.
		t.is((error as NetlinkError).errno, 2);
		t.is((error as NetlinkError).request, change.what);
	}
});
