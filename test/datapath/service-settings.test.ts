import test from 'ava';

import {UsageError} from '../../src/base/errors.js';
import {
	maglevSizes,
	serviceConstants,
	serviceLoopback,
	sizeMaglev,
	type ServiceSettings,
} from '../../src/datapath/service-settings.js';
import {readObject} from '../../src/index.js';

const sets = test.macro({
	exec(t, settings: ServiceSettings, expected: Readonly<Record<string, unknown>>) {
		t.like(serviceConstants(settings), expected);
	},
	title: (_, settings) => `settings ${JSON.stringify(settings)}`,
});

test(sets, {}, {service_per_packet: 1, service_nodeport: 0, service_algorithm: 1});
test(sets, {perPacket: false, nodePort: true}, {service_per_packet: 0, service_nodeport: 1});
test(sets, {algorithm: 'maglev', maglevSize: 251}, {service_algorithm: 2, maglev_table_size: 251});
test(sets, {noBackend: 'reject'}, {service_reject: 1});

test(sets, {forwarding: 'snat'}, {service_forwarding: 0, dsr_dispatch: 0});
test(sets, {nodePort: true, forwarding: 'dsr'}, {service_forwarding: 1, dsr_dispatch: 1});
test(sets, {nodePort: true, forwarding: 'hybrid'}, {service_forwarding: 2, dsr_dispatch: 1});
test(sets, {nodePort: true, dsrDispatch: 'opt'}, {service_forwarding: 0, dsr_dispatch: 1});
test(sets, {nodePort: true, nat46x64: true}, {service_46x64: 1});
test(sets, {nodePort: true, dsrDispatch: 'ipip'}, {dsr_dispatch: 2, tunnel_port: 0});
test(sets, {nodePort: true, dsrDispatch: 'geneve'}, {dsr_dispatch: 3, tunnel_port: 6081});

test('the loopback addresses are as the network has them', t => {
	const words = serviceConstants({})['service_loopback_ipv4'] as number;
	t.deepEqual([...new Uint8Array(Uint32Array.of(words).buffer)].join('.'), serviceLoopback.ipv4);
});

const refused = test.macro({
	exec(t, maglevSize: number) {
		t.throws(() => serviceConstants({maglevSize}), {instanceOf: UsageError});
	},
	title: (_, size) => `no table of Maglev has ${size} entries`,
});

test(refused, 0);
test(refused, 250);
test(refused, 16_384);

test('tables of Maglev have the size that is set, and other maps their own', async t => {
	const {maps} = await readObject('dist/bpf/endpoint.bpf.o');
	for (const [name, map] of Object.entries(maps)) {
		const maglev = name.endsWith('_maglev');
		for (const maglevSize of maglevSizes) {
			const {inner} = sizeMaglev(map, {maglevSize});
			const wanted = maglev ? maglevSize * 4 : map.inner?.valueSize;
			t.is(inner?.valueSize, wanted, name);
		}
	}
});

test('DSR and NAT between families are of what the network sends', t => {
	const all = [{forwarding: 'dsr'}, {dsrDispatch: 'opt'}, {nat46x64: true}] as const;
	for (const settings of all) {
		t.throws(() => serviceConstants(settings), {
			instanceOf: UsageError,
			message: /it needs nodePort/,
		});
	}
});

test('acceleration is of what the network sends', t => {
	t.throws(() => serviceConstants({acceleration: true}), {
		instanceOf: UsageError,
		message: /it needs nodePort/,
	});
	t.like(serviceConstants({acceleration: true, nodePort: true}), {
		service_nodeport: 1,
		xdp_services: 1,
	});
	t.like(serviceConstants({nodePort: true}), {service_nodeport: 1, xdp_services: 0});
});
