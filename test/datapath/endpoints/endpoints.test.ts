import {UsageError} from '../../../src/base/errors.js';
import {DatapathError} from '../../../src/datapath/datapath-error.js';
import {attachTcx} from '../../../src/object/link/attach-tcx.js';
import {queryTcx} from '../../../src/object/net/query.js';
import {openProgramById} from '../../../src/object/program/program.js';
import {addressesOf, identities, makeDatapathLab} from '../../helpers/datapath-lab.js';
import {kernelTest} from '../../helpers/kernel.js';
import {loadFixture} from '../../helpers/load.js';

const kernel = kernelTest({feature: 'links of tcx', since: '6.6'});

kernel('endpoints are listed with their addresses, and the host with its own', async t => {
	const {endpoints, red, node} = await makeDatapathLab(t);
	const [host, first, second] = endpoints.list();
	t.true(host?.host);
	t.is(host?.addresses.length, 2 * node.interfaces.length);
	t.like(first, {
		id: 1,
		identity: identities.red,
		addresses: addressesOf(red),
		mac: red.interfaces[0]?.mac,
		nodeMac: node.interfaces[0]?.mac,
		host: false,
	});
	t.is(second?.id, 2);
	t.deepEqual(endpoints.find(addressesOf(red)[1]), first);
	t.deepEqual(endpoints.get(1), first);
	t.is(endpoints.get(3), undefined);
});

kernel('an address that the host gives up is no longer its own, for policies neither', async t => {
	const {endpoints, ipcache} = await makeDatapathLab(t);
	const kept = ['10.66.0.1', 'fd66::1'];
	endpoints.setHost([...kept, '10.66.0.2', 'fd66::2']);
	t.is(ipcache.match('10.66.0.2')?.identity, 1);
	endpoints.setHost(kept);
	t.deepEqual(endpoints.list()[0]?.addresses, kept);
	for (const gone of ['10.66.0.2', 'fd66::2']) t.is(ipcache.match(gone), undefined);
	for (const prefix of kept) t.is(ipcache.match(prefix)?.identity, 1);
});

kernel('an endpoint sends from its own addresses only', async t => {
	const {red, blue, maps} = await makeDatapathLab(t);
	for (const [address, spoofed] of [
		[addressesOf(blue)[0], '10.66.0.1/32'],
		[addressesOf(blue)[1], 'fd66::1/128'],
	] as const) {
		await red.exec('ip', ['address', 'add', spoofed, 'dev', 'lo']);
		const source = spoofed.split('/')[0] ?? '';
		const {code} = await red.exec('ping', ['-c', '1', '-W', '1', '-I', source, address]);
		t.not(code, 0);
	}

	const drops = [...maps.require('metrics')].filter(([{reason}]) => reason === 132);
	const count = drops.flatMap(([, cpus]) => cpus).reduce((sum, cpu) => sum + cpu.count, 0n);
	t.true(count >= 2n, `${count}`);
});

kernel('an endpoint that is added again keeps its id and takes what is given', async t => {
	const {endpoints, node, red} = await makeDatapathLab(t);
	const [ipv4, ipv6] = addressesOf(red);
	const again = endpoints.add({
		interface: node.interfaces[0]?.name ?? '',
		netns: node.netns,
		mac: red.interfaces[0]?.mac ?? '',
		ipv4,
		identity: 777,
	});
	t.like(again, {id: 1, identity: 777, addresses: [ipv4]});
	t.is(endpoints.find(ipv6), undefined);
	t.is(endpoints.list().length, 3);
});

kernel('an endpoint that was deleted can be added again at once', async t => {
	const {endpoints, node, red} = await makeDatapathLab(t);
	const [ipv4, ipv6] = addressesOf(red);
	const place = {interface: node.interfaces[0]?.name ?? '', netns: node.netns};
	const own = {mac: red.interfaces[0]?.mac ?? '', ipv4, ipv6, identity: 300};
	for (let i = 0; i < 5; i++) {
		t.true(endpoints.delete(1));
		t.is(endpoints.add({...place, ...own}).id, 1);
	}
});

kernel('an endpoint is added behind what others attached to its interface', async t => {
	const {endpoints, node, red} = await makeDatapathLab(t);
	const [ipv4, ipv6] = addressesOf(red);
	const {name: device = '', ifindex = 0} = node.interfaces[0] ?? {};
	const place = {interface: device, netns: node.netns};
	endpoints.delete(1);
	const program = (await loadFixture(t, 'kernel/tc')).program('ingress_one');
	using _ = attachTcx(program, device, {netns: node.netns});
	endpoints.add({...place, mac: red.interfaces[0]?.mac ?? '', ipv4, ipv6, identity: 300});
	const names = (direction: 'ingress' | 'egress') =>
		queryTcx(ifindex, direction, {netns: node.netns}).programs.map(({programId}) => {
			using standing = openProgramById(programId);
			return standing.name;
		});
	t.deepEqual(names('ingress'), ['ingress_one', 'from_endpoint']);
	t.deepEqual(names('egress'), ['to_endpoint']);
});

kernel('an endpoint that is deleted is gone from hooks and maps', async t => {
	const {endpoints, maps, red, ipcache} = await makeDatapathLab(t);
	const [ipv4] = addressesOf(red);
	t.true(endpoints.delete(1));
	t.false(endpoints.delete(1));
	t.is(endpoints.get(1), undefined);
	t.is(ipcache.match(ipv4), undefined);
	const [device] = [...maps.require('endpointDevices')].filter(([, {lxc_id}]) => lxc_id === 1);
	t.is(device, undefined);
});

kernel('endpoints that cannot be are refused', async t => {
	const {endpoints, node, blue} = await makeDatapathLab(t);
	const given = {
		interface: node.interfaces[2]?.name ?? '',
		netns: node.netns,
		mac: '02:00:00:00:00:09',
		identity: 5,
		attach: false,
	};
	t.throws(() => endpoints.add(given), {instanceOf: UsageError, message: /no address/});
	t.throws(() => endpoints.add({...given, ipv4: '10.9.9.9', id: 65_535}), {
		instanceOf: UsageError,
	});
	for (const address of [addressesOf(blue)[0], addressesOf(node)[0]]) {
		t.throws(() => endpoints.add({...given, ipv4: address}), {
			instanceOf: DatapathError,
			message: /has this address/,
		});
	}

	t.throws(() => endpoints.add({...given, ipv4: '10.9.9.9', interface: 'nosuch'}));
	t.is(endpoints.list().length, 3);
});

kernel('an id that moves to another interface leaves nothing behind', async t => {
	const {endpoints, ipcache, maps, node} = await makeDatapathLab(t);
	const own = {id: 7, netns: node.netns, mac: '02:00:00:00:00:09', identity: 5, attach: false};
	const [first, second] = [node.interfaces[2]?.name ?? '', 'lo'];
	endpoints.add({...own, interface: first, ipv4: '10.9.9.8', ipv6: 'fd99::8'});
	endpoints.add({...own, interface: second, ipv4: '10.9.9.9'});
	t.like(endpoints.get(7), {ifindex: 1, addresses: ['10.9.9.9']});
	for (const gone of ['10.9.9.8', 'fd99::8']) {
		t.is(endpoints.find(gone), undefined);
		t.is(ipcache.match(gone), undefined);
	}

	const devices = [...maps.require('endpointDevices')];
	const places = devices.filter(([, {lxc_id}]) => lxc_id === 7).map(([slot]) => slot);
	t.deepEqual(places, [1]);
});

kernel('two interfaces whose indices share 16 bits have a place each', async t => {
	const {endpoints, maps, node} = await makeDatapathLab(t);
	const [first] = node.interfaces;
	const devices = maps.require('endpointDevices');
	const slot = (first?.ifindex ?? 0) & 0xffff;
	const held = devices.get(slot);
	if (held === undefined) return t.fail();
	// Another endpoint, of an interface 65536 further, holds the slot.
	devices.set(slot, {...held, ifindex: slot + 0x1_00_00, lxc_id: 99});
	endpoints.add({
		interface: first?.name ?? '',
		netns: node.netns,
		mac: '02:00:00:00:00:09',
		ipv4: '10.9.9.9',
		identity: 5,
		attach: false,
	});
	t.is(maps.require('moreEndpointDevices').get(first?.ifindex ?? 0)?.ip4, '10.9.9.9');
	return t.is(devices.get(slot)?.lxc_id, 99);
});
