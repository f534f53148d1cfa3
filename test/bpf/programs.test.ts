/** The demo's programs, run on packets of both families. */

import {fileURLToPath} from 'node:url';
import test from 'ava';
import {loadCollection} from '../../src/object/collection/load-collection.js';
import {readObject} from '../../src/spec/read.js';
import {kernelTest} from '../helpers/kernel.js';
import {
	ethernet,
	extension,
	fragment,
	icmp,
	ipv4,
	ipv6,
	tcp,
	udp,
	vlan,
} from '../helpers/packet.js';

const kernel = kernelTest({feature: 'test runs of tc programs', since: '5.4'});

const [IPV4, IPV6, ARP, VLAN, QINQ] = [0x0800, 0x86dd, 0x0806, 0x8100, 0x88a8];
const [TCP, UDP, ICMP, ICMPV6, HOP_BY_HOP, FRAGMENT] = [6, 17, 1, 58, 0, 44];

async function load(name: string, constants: Record<string, number> = {}) {
	const path = fileURLToPath(new URL(`../../bpf/${name}.bpf.o`, import.meta.url));
	const spec = await readObject(path);
	for (const [variable, value] of Object.entries(constants)) spec.variables[variable]?.set(value);
	const address = {source: {bytes: 'ipv6'}, destination: {bytes: 'ipv6'}} as const;
	const key = {...address, source_port: 'be16', destination_port: 'be16'} as const;
	return loadCollection(spec, name === 'tc_flows' ? {codecs: {flows: {key}}} : {});
}

interface Counted {
	readonly family: number;
	readonly proto: number;
	readonly verdict: 'pass' | 'drop';
}

const counted = test.macro({
	async exec(t, _: string, packet: Uint8Array, expected: Counted) {
		using collection = await load('xdp_count', {generation: 5, drop_udp_port: 9});
		t.is(
			collection.program('xdp_count').run({data: packet, repeat: 3}).verdict,
			expected.verdict,
		);
		const counts = collection.map<unknown, {packets: bigint; bytes: bigint}[]>('packet_counts');
		const [[key, values] = [undefined, []], ...more] = [...counts];
		t.deepEqual(key, {
			generation: 5,
			family: expected.family,
			l4_proto: expected.proto,
			verdict: expected.verdict === 'drop' ? 1 : 2,
			pad: 0,
		});
		t.is(
			values.reduce((sum, {packets}) => sum + packets, 0n),
			3n,
		);
		t.is(
			values.reduce((sum, {bytes}) => sum + bytes, 0n),
			3n * BigInt(packet.length),
		);
		t.deepEqual(more, []);
	},
	title: (_, what) => `xdp_count counts ${what}`,
});

const pass = (family: number, proto: number): Counted => ({family, proto, verdict: 'pass'});
const drop = (family: number, proto: number): Counted => ({family, proto, verdict: 'drop'});

kernel(counted, 'udp over ipv4', ethernet(IPV4, ipv4(UDP), udp(53)), pass(4, UDP));
kernel(counted, 'udp over ipv6', ethernet(IPV6, ipv6(UDP), udp(53)), pass(6, UDP));
kernel(
	counted,
	'udp over ipv4 to the dropped port',
	ethernet(IPV4, ipv4(UDP), udp(9)),
	drop(4, UDP),
);
kernel(
	counted,
	'udp over ipv6 to the dropped port',
	ethernet(IPV6, ipv6(UDP), udp(9)),
	drop(6, UDP),
);
kernel(
	counted,
	'tcp over ipv4 to the same port',
	ethernet(IPV4, ipv4(TCP), tcp(9, 2)),
	pass(4, TCP),
);
kernel(
	counted,
	'tcp over ipv6 to the same port',
	ethernet(IPV6, ipv6(TCP), tcp(9, 2)),
	pass(6, TCP),
);
kernel(counted, 'icmp', ethernet(IPV4, ipv4(ICMP), icmp()), pass(4, ICMP));
kernel(counted, 'icmpv6', ethernet(IPV6, ipv6(ICMPV6), icmp()), pass(6, ICMPV6));
kernel(counted, 'what is no ip', ethernet(ARP), pass(0, 0));
kernel(counted, 'ipv4 with options', ethernet(IPV4, ipv4(UDP, {options: 3}), udp(9)), drop(4, UDP));
kernel(
	counted,
	'ipv6 with extension headers',
	ethernet(IPV6, ipv6(HOP_BY_HOP), extension(FRAGMENT), fragment(UDP, 0), udp(9)),
	drop(6, UDP),
);
kernel(
	counted,
	'a later fragment of ipv4',
	ethernet(IPV4, ipv4(UDP, {fragment: 3}), udp(9)),
	pass(4, UDP),
);
kernel(
	counted,
	'a later fragment of ipv6',
	ethernet(IPV6, ipv6(FRAGMENT), fragment(UDP, 3), udp(9)),
	pass(6, UDP),
);
kernel(counted, 'ipv4 behind a tag', ethernet(VLAN, vlan(IPV4), ipv4(UDP), udp(9)), drop(4, UDP));
kernel(
	counted,
	'ipv6 behind two tags',
	ethernet(QINQ, vlan(VLAN), vlan(IPV6), ipv6(UDP), udp(9)),
	drop(6, UDP),
);

const flow4 = {
	source: {bytes: '::ffff:192.0.2.1'},
	destination: {bytes: '::ffff:192.0.2.2'},
	family: 4,
};
const flow6 = {source: {bytes: '2001:db8::1'}, destination: {bytes: '2001:db8::2'}, family: 6};

const recorded = test.macro({
	async exec(t, _: string, packet: Uint8Array, key: object, flags: number) {
		using collection = await load('tc_flows');
		for (const [name, direction] of [
			['flows_ingress', 1],
			['flows_egress', 2],
		] as const) {
			const program = collection.program(name);
			t.is(program.run({data: packet}).returnValue | 0, -1);
			t.is(program.run({data: packet}).returnValue | 0, -1);
			const flows = collection.map<{direction: number}, Record<string, unknown>>('flows');
			const found = [...flows].find(([each]) => each.direction === direction);
			t.deepEqual(found?.[0], {...key, direction, pad: 0} as never);
			t.is(found?.[1]['packets'], 2n);
			t.is(found?.[1]['tcp_flags'], flags);
		}

		t.is(collection.variable('unrecorded').get(), 0n);
	},
	title: (_, what) => `tc_flows records ${what} in both directions`,
});

const ports = {source_port: 4000, destination_port: 80};
const none = {source_port: 0, destination_port: 0};
kernel(
	recorded,
	'tcp over ipv4',
	ethernet(IPV4, ipv4(TCP), tcp(80, 0x12)),
	{...flow4, ...ports, l4_proto: TCP},
	0x12,
);
kernel(
	recorded,
	'tcp over ipv6',
	ethernet(IPV6, ipv6(TCP), tcp(80, 0x12)),
	{...flow6, ...ports, l4_proto: TCP},
	0x12,
);
kernel(
	recorded,
	'udp over ipv4',
	ethernet(IPV4, ipv4(UDP), udp(80)),
	{...flow4, ...ports, l4_proto: UDP},
	0,
);
kernel(
	recorded,
	'udp over ipv6',
	ethernet(IPV6, ipv6(UDP), udp(80)),
	{...flow6, ...ports, l4_proto: UDP},
	0,
);
kernel(
	recorded,
	'icmp',
	ethernet(IPV4, ipv4(ICMP), icmp()),
	{...flow4, ...none, l4_proto: ICMP},
	0,
);
kernel(
	recorded,
	'icmpv6',
	ethernet(IPV6, ipv6(ICMPV6), icmp()),
	{...flow6, ...none, l4_proto: ICMPV6},
	0,
);

kernel('tc_flows leaves what is no ip alone', async t => {
	using collection = await load('tc_flows');
	t.is(collection.program('flows_ingress').run({data: ethernet(ARP)}).returnValue | 0, -1);
	t.deepEqual([...collection.map('flows')], []);
	t.is(collection.variable('unrecorded').get(), 0n);
});
