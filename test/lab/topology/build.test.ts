import {readdirSync} from 'node:fs';
import {cgroupRoot} from '../../../src/kernel/host/cgroup.js';
import {createVxlan} from '../../../src/kernel/netlink/interfaces.js';
import {createNamespace} from '../../../src/kernel/sys/namespace.js';
import {lab} from '../../../src/lab/index.js';
import {applyChanges} from '../../../src/lab/topology/build.js';
import {kernelTest} from '../../helpers/kernel.js';

const kernel = kernelTest({feature: 'network namespaces and cgroup v2', since: '5.3'});

function tracesOf(name: string): string[] {
	const own = new RegExp(`^skep-${process.pid}-\\d+\\.${name}(?:\\.|$)`);
	return ['/run/netns', cgroupRoot()].flatMap(folder =>
		readdirSync(folder).filter(each => own.test(each)),
	);
}

kernel('an interface is as described', async t => {
	await using net = await lab({
		hosts: {a: {settings: {'net/ipv4/tcp_timestamps': 0}}, b: {}},
		links: [
			{
				between: ['a', 'b'],
				mtu: 1400,
				offloads: false,
				ends: {a: {name: 'uplink', mac: '02:aa:00:00:00:01', ipv4: '10.1.2.3/16'}},
			},
		],
	});
	const {a, b} = net.hosts;
	const uplink = a.readInterfaces().find(({name}) => name === 'uplink');
	t.like(uplink, {kind: 'veth', mac: '02:aa:00:00:00:01', mtu: 1400, up: true, carrier: true});
	t.deepEqual(uplink?.addresses, ['10.1.2.3/16', '2001:db8::1/64', 'fe80::1/64']);
	const {stdout} = await a.exec('sysctl', ['-n', 'net.ipv4.tcp_timestamps']);
	t.is(stdout.trim(), '0');
	t.is(b.ipv4, '192.0.2.2');
	t.is(b.ipv6, '2001:db8::2');
	t.deepEqual(b.readNeighbours()[0], {
		address: '10.1.2.3',
		mac: '02:aa:00:00:00:01',
		interface: 'eth0',
		state: 'permanent',
	});
});

kernel('a lab that cannot be built leaves nothing', async t => {
	const settings = {'net/no/such/setting': 1};
	const building = lab({name: 'broken', hosts: {a: {settings}, b: {}}, links: [['a', 'b']]});
	const error = await t.throwsAsync<Error & {code: string}>(building);
	t.is(error.code, 'ERR_NAMESPACE');
	t.regex(error.message, /^set net\/no\/such\/setting to 1: .*\(ENOENT\)$/);
	t.deepEqual(tracesOf('broken'), []);
});

kernel('a kind of interface that the kernel has not is named', t => {
	const namespace = createNamespace('absent');
	t.teardown(() => namespace.close());
	const local = Uint8Array.of(192, 0, 2, 1);
	const mac = Uint8Array.of(2, 0, 0, 0, 0, 1);
	const vxlan = {name: 'vxlan0', ifindex: 101, mac, vni: 1, local, port: 4789};
	const change = createVxlan(vxlan);
	t.is(change.needs, 'vxlan (CONFIG_VXLAN)');
	// The same of a kind that no kernel has.
	const parts = change.parts.map(part =>
		Buffer.from(Buffer.from(part).toString('latin1').replace('vxlan\0', 'vxlam\0'), 'latin1'),
	);
	t.throws(() => applyChanges([{...change, parts}], namespace.number), {
		code: 'ERR_UNSUPPORTED',
		message: /^make vxlan "vxlan0": this kernel has no vxlan \(CONFIG_VXLAN\)/,
	});
});

kernel('what the kernel was built without is named', async t => {
	const delayed = async (): Promise<number> => {
		await using net = await lab({
			name: 'slow',
			hosts: ['a', 'b'],
			links: [{between: ['a', 'b'], netem: {delay: 30}}],
		});
		const {stdout} = await net.hosts.a.exec('ping', ['-c', '1', net.hosts.b.ipv4]);
		return Number(/time=([\d.]+)/.exec(stdout)?.[1]);
	};
	try {
		t.true((await delayed()) >= 60);
	} catch (error) {
		const {code, message} = error as {code?: string; message: string};
		t.is(code, 'ERR_UNSUPPORTED');
		t.regex(message, /this kernel has no netem \(CONFIG_NET_SCH_NETEM\)/);
	}

	t.deepEqual(tracesOf('slow'), []);
});
