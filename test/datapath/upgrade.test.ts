import {jsonOf} from '../../src/base/json.js';
import {
	datapathStatus,
	datapathUp,
	datapathUpgrade,
	listExclusions,
	openDatapathMaps,
	Prefilter,
	type DatapathSettings,
} from '../../src/datapath/index.js';
import {programPath} from '../../src/datapath/root.js';
import {openMapById} from '../../src/object/map/open-map.js';
import {openPinnedProgram} from '../../src/object/program/program.js';
import {addressesOf, makeDatapathLab} from '../helpers/datapath-lab.js';
import {connects, echo, patience} from '../helpers/datapath-clients.js';
import {makeBpffs} from '../helpers/bpffs.js';
import {kernelTest} from '../helpers/kernel.js';

const kernel = kernelTest({feature: 'links of tcx', since: '6.6'});

/** Every load-time constant of every program that is pinned: `from_endpoint.mtu`. */
function constantsOf(root: string): Record<string, unknown> {
	const found: Record<string, unknown> = {};
	for (const {name} of datapathStatus({root}).programs) {
		using program = openPinnedProgram(programPath(root, name));
		for (const id of program.mapIds()) {
			using map = openMapById<number, object>(id);
			if (!map.info.name.endsWith('.rodata')) continue;
			for (const [variable, value] of Object.entries(map.get(0) ?? {})) {
				found[`${name}.${variable}`] = value;
			}
		}
	}

	return found;
}

/** Names of constants that differ, without their programs. */
function differences(a: Record<string, unknown>, b: Record<string, unknown>): string[] {
	const names = Object.keys({...a, ...b}).filter(name => jsonOf(a[name]) !== jsonOf(b[name]));
	return [...new Set(names.map(name => name.split('.')[1] ?? ''))].sort();
}

const unusual = {
	mtu: 1400,
	xdp: 'generic',
	fibRouting: true,
	nat: {ipv4: '192.0.2.1', ipv6: '2001:db8::1', ports: [40_000, 50_000]},
	masquerade: {
		ipv4: true,
		ipv6: true,
		nativeRouting: ['198.51.100.0/24'],
		exclude: ['203.0.113.0/24', '2001:db8:9::/64'],
	},
	services: {nodePort: true, algorithm: 'maglev', noBackend: 'reject'},
	constants: {monitor_interval: 7, events_rate: 1000n, ct_timeout_tcp: 77},
} as const satisfies DatapathSettings;

kernel('an upgrade keeps what it is not told to change, under traffic', async t => {
	const {red, blue, root, maps} = await makeDatapathLab(t, unusual);
	const before = constantsOf(root);
	const {settings, maps: names} = datapathStatus({root});
	t.like(settings, {mtu: 1400, nat: unusual.nat, services: unusual.services});
	t.is(before['from_endpoint.endpoint_mtu'], 1400);
	t.is(before['from_netdev.nat_port_min'], 40_000);
	t.is(before['from_endpoint.events_rate'], 1000);
	const flows = maps.require('ctTcp4').info;

	const pings = addressesOf(blue).map(async address =>
		red.exec('ping', ['-q', '-i', '0.002', '-c', '1000', '-W', '1', address], {
			timeout: 300_000,
		}),
	);
	const first = datapathStatus({root});
	await datapathUpgrade({root});
	await datapathUpgrade({root});
	for (const {stdout} of await Promise.all(pings)) {
		t.regex(stdout, /1000 packets transmitted, 1000 received/);
	}

	const after = datapathStatus({root});
	t.deepEqual(differences(before, constantsOf(root)), []);
	t.deepEqual(after.settings, settings);
	t.deepEqual(after.maps, names);
	t.is(after.state, 'up');
	t.deepEqual(
		after.hooks.map(({where, program, mode}) => [where, program, mode]),
		first.hooks.map(({where, program, mode}) => [where, program, mode]),
	);
	t.true(after.programs.every(({id}) => !first.programs.some(each => each.id === id)));
	t.deepEqual(listExclusions(maps), [...unusual.masquerade.exclude]);
	using now = openDatapathMaps({root});
	t.is(now.require('ctTcp4').info.id, flows.id);
});

kernel('an upgrade changes what it is told to change, and nothing else', async t => {
	const {root, maps} = await makeDatapathLab(t, unusual);
	const before = constantsOf(root);
	await datapathUpgrade({root, mtu: 1300});
	const smaller = constantsOf(root);
	t.deepEqual(differences(before, smaller), ['endpoint_mtu']);
	t.is(smaller['to_endpoint.endpoint_mtu'], 1300);

	await datapathUpgrade({
		root,
		nat: {ipv6: '2001:db8::2'},
		masquerade: {ipv4: false, exclude: []},
		constants: {monitor_interval: 9n},
	});
	t.deepEqual(differences(smaller, constantsOf(root)), [
		'masquerade_ipv4',
		'monitor_interval',
		'nat_ipv6',
	]);
	t.deepEqual(listExclusions(maps), []);
	t.like(datapathStatus({root}).settings, {
		mtu: 1300,
		nat: {ipv4: '192.0.2.1', ipv6: '2001:db8::2'},
		constants: {monitor_interval: 9n, events_rate: 1000n, ct_timeout_tcp: 77n},
	});

	// What was kept is kept on.
	const last = constantsOf(root);
	await datapathUpgrade({root});
	t.deepEqual(differences(last, constantsOf(root)), []);
});

kernel('programs of sockets and lists of denied sources stay through an upgrade', async t => {
	const net = await makeDatapathLab(t, {xdp: 'native'});
	const {root, maps, red, world} = net;
	const cgroup = red.cgroup.replace(/\/[^/]*$/, '');
	await datapathUp({...net.options, cgroup, sockmap: true, constants: {sockmap_max_bytes: 4096}});
	await echo(red, 80);
	const prefilter = new Prefilter(maps);
	const denied = addressesOf(world);
	await prefilter.replace(denied);
	const before = datapathStatus({root});
	await datapathUpgrade({root});
	const after = datapathStatus({root});
	t.is(after.state, 'up');
	t.deepEqual(
		after.hooks.map(({kind, where, program}) => [kind, where, program]),
		before.hooks.map(({kind, where, program}) => [kind, where, program]),
	);
	t.true(after.hooks.some(({kind, where}) => kind === 'cgroup' && where === cgroup));
	t.true(after.hooks.some(({kind}) => kind === 'sockmap'));
	t.is(constantsOf(root)['redirect_message.sockmap_max_bytes'], 4096);
	t.is(prefilter.list().length, denied.length);
	for (const address of addressesOf(red)) {
		t.false(await connects(world, address, 80, patience(false)), address);
	}

	// What was switched off stays off.
	await datapathUpgrade({root, cgroup: false, xdp: 'off'});
	await datapathUpgrade({root});
	const off = datapathStatus({root}).hooks.map(({kind}) => kind);
	t.false(off.some(kind => ['cgroup', 'sockmap', 'xdp'].includes(kind)));
});

kernel('a device that is gone does not hinder an upgrade', async t => {
	const {root, node} = await makeDatapathLab(t);
	await node.exec('ip', ['link', 'delete', 'eth2']);
	await datapathUpgrade({root});
	const {settings, hooks} = datapathStatus({root});
	t.deepEqual(settings?.devices, []);
	t.true(hooks.some(({kind, current}) => kind === 'endpoint' && current));
});

kernel('devices that are not named again keep their programs up to date', async t => {
	const {options, root} = await makeDatapathLab(t);
	await datapathUp({...options, devices: []});
	t.is(datapathStatus({root}).state, 'up');
});

kernel('nothing is upgraded where nothing is up', async t => {
	const root = `${await makeBpffs(t)}/skep`;
	await t.throwsAsync(datapathUpgrade({root}), {
		code: 'ERR_DATAPATH',
		message: /bring it up first/,
	});
});
