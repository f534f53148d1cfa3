import test from 'ava';

import {structCodec, structLayouts, typeIn} from '../../../src/datapath/layout/layouts.js';
import type * as records from '../../../src/datapath/index.js';
import type {LayoutVersion} from '../../../src/datapath/index.js';

const tuple4 = {
	daddr: '10.0.0.1',
	saddr: '10.0.0.2',
	dport: 80,
	sport: 40000,
	nexthdr: 6,
	flags: 1,
};
const tuple6 = {...tuple4, daddr: '2001:db8::1', saddr: '2001:db8::2'};
const notify = {type: 1, subtype: 2, source: 3, hash: 4, len_orig: 5, len_cap: 6, version: 7};
const mac = '02:00:00:00:00:01';

/** A record with every field that skep has, by C's name of the struct. */
const samples = {
	ipv4_ct_tuple: tuple4 satisfies records.CtTuple,
	ipv6_ct_tuple: tuple6 satisfies records.CtTuple,
	ct_entry: {
		...{policy_revision: 1, peer_ifindex: 2, backend_id: 3n, packets: 4n, bytes: 5n},
		...{lifetime: 6, rx_closing: true, tx_closing: false, lb_loopback: true},
		...{seen_non_syn: true, node_port: false, proxy_redirect: true, dsr_internal: false},
		...{from_l7lb: true, from_tunnel: true, rev_nat_index: 7, nat_port: 8},
		...{tx_flags_seen: 9, rx_flags_seen: 10, src_sec_id: 11},
		...{last_tx_report: 12, last_rx_report: 0xff_ff_ff_ff},
	} satisfies records.CtEntry,
	ipv4_nat_entry: {
		...{created: 1n, needs_ct: 1n, to_address: '10.0.0.1', to_port: 443},
	} satisfies records.NatEntry,
	ipv6_nat_entry: {
		...{created: 1n, needs_ct: 1n, to_address: '2001:db8::1', to_port: 443},
	} satisfies records.NatEntry,
	endpoint_key: {address: '2001:db8::1', key: 1, cluster_id: 2} satisfies records.EndpointKey,
	endpoint_info: {
		...{ifindex: 1, lxc_id: 2, flags: 3, mac, node_mac: mac, sec_id: 4, parent_ifindex: 5},
	} satisfies records.EndpointInfo,
	lxc_device: {
		...{ip4: '10.0.0.1', ip6: '::', mac, node_mac: mac, sec_id: 1, ifindex: 2, lxc_id: 3},
		flags: 4,
	} satisfies records.LxcDevice,
	lxc_settings: {policy_revision: 1, flags: 7} satisfies records.LxcSettings,
	ipcache_key: {prefix: '10.0.0.0/9', cluster_id: 1} satisfies records.IpcacheKey,
	remote_endpoint_info: {
		...{tunnel_endpoint: '2001:db8::9', sec_identity: 1, key: 2},
		...{flag_skip_tunnel: true, flag_remote_cluster: false},
	} satisfies records.RemoteEndpointInfo,
	node_key: {address: '10.0.0.1'} satisfies records.NodeKey,
	node_value: {id: 1, spi: 2} satisfies records.NodeValue,
	policy_key: {
		...{prefixlen: 64, sec_label: 1, egress: true, protocol: 6, dport: 443},
	} satisfies records.PolicyKey,
	policy_entry: {
		...{proxy_port: 1, deny: true, lpm_prefix_length: 24, auth_type: 2},
		...{has_explicit_auth_type: true, precedence: 3, cookie: 4},
	} satisfies records.PolicyEntry,
	policy_stats_key: {
		...{endpoint_id: 1, prefix_len: 24, sec_label: 2, egress: false, protocol: 17, dport: 53},
	} satisfies records.PolicyStatsKey,
	policy_stats_value: {packets: 1n, bytes: 2n} satisfies records.PolicyStatsValue,
	lpm_v4_key: {prefix: '10.0.0.0/9'} satisfies records.PrefixKey,
	lpm_v6_key: {prefix: '2001:db8::/33'} satisfies records.PrefixKey,
	lpm_val: {flags: 1} satisfies records.PrefixValue,
	lb4_key: {
		...{address: '10.0.0.1', dport: 80, backend_slot: 1, proto: 6, scope: 1},
	} satisfies records.ServiceKey,
	lb6_key: {
		...{address: '2001:db8::1', dport: 80, backend_slot: 1, proto: 6, scope: 1},
	} satisfies records.ServiceKey,
	lb4_service: {
		...{backend_id: 9, affinity_timeout: 9, l7_lb_proxy_port: 9, count: 1},
		...{rev_nat_index: 2, flags: 3, flags2: 4, qcount: 5},
	} satisfies records.ServiceValue,
	lb6_service: {
		...{backend_id: 9, affinity_timeout: 9, l7_lb_proxy_port: 9, count: 1},
		...{rev_nat_index: 2, flags: 3, flags2: 4, qcount: 5},
	} satisfies records.ServiceValue,
	lb4_backend: {
		...{address: '10.0.0.1', port: 80, proto: 6, flags: 1, cluster_id: 2, zone: 3},
	} satisfies records.BackendValue,
	lb6_backend: {
		...{address: '2001:db8::1', port: 80, proto: 6, flags: 1, cluster_id: 2, zone: 3},
	} satisfies records.BackendValue,
	lb4_reverse_nat: {address: '10.0.0.1', port: 80} satisfies records.ReverseNatValue,
	lb6_reverse_nat: {address: '2001:db8::1', port: 80} satisfies records.ReverseNatValue,
	lb4_affinity_key: {client: '10.0.0.1', rev_nat_id: 1} satisfies records.AffinityKey,
	lb6_affinity_key: {client: 77n, rev_nat_id: 1} satisfies records.AffinityKey,
	lb_affinity_val: {last_used: 1n, backend_id: 2} satisfies records.AffinityValue,
	lb_affinity_match: {backend_id: 1, rev_nat_id: 2} satisfies records.AffinityMatch,
	lb4_src_range_key: {prefix: '10.0.0.0/8', rev_nat_id: 1} satisfies records.SourceRangeKey,
	lb6_src_range_key: {prefix: '2001:db8::/32', rev_nat_id: 1} satisfies records.SourceRangeKey,
	ipv4_revnat_tuple: {
		...{cookie: 1n, address: '10.0.0.1', port: 80},
	} satisfies records.ReverseSocketKey,
	ipv6_revnat_tuple: {
		...{cookie: 1n, address: '2001:db8::1', port: 80},
	} satisfies records.ReverseSocketKey,
	ipv4_revnat_entry: {
		...{address: '10.0.0.1', port: 80, rev_nat_index: 1},
	} satisfies records.ReverseSocketValue,
	ipv6_revnat_entry: {
		...{address: '2001:db8::1', port: 80, rev_nat_index: 1},
	} satisfies records.ReverseSocketValue,
	sock_key: {
		...{local: '2001:db8::1', remote: '2001:db8::2', local_port: 40_000, remote_port: 80},
		...{local_seq: 1, remote_seq: 2, family: 2},
	} satisfies records.DirectSocketKey,
	sockmap_port: {
		...{address: '2001:db8::1', port: 80, family: 2},
	} satisfies records.DirectPortKey,
	skip_lb4_key: {
		...{netns_cookie: 1n, address: '10.0.0.1', port: 80},
	} satisfies records.SkipServiceKey,
	skip_lb6_key: {
		...{netns_cookie: 1n, address: '2001:db8::1', port: 80},
	} satisfies records.SkipServiceKey,
	metrics_key: {reason: 133, dir: 2, line: 3, file: 4} satisfies records.MetricsKey,
	metrics_pending: {
		...{reason: 133, dir: 2, line: 3, file: 4, count: 5n, bytes: 6n},
	} satisfies records.MetricsPending,
	metrics_value: {count: 1n, bytes: 2n} satisfies records.MetricsValue,
	ipv4_frag_id: {
		...{daddr: '10.0.0.1', saddr: '10.0.0.2', id: 1, proto: 17},
	} satisfies records.FragmentKey,
	ipv6_frag_id: {
		...{daddr: '2001:db8::1', saddr: '2001:db8::2', id: 0x1_00_00, proto: 17},
	} satisfies records.FragmentKey,
	ipv4_frag_l4ports: {sport: 1, dport: 2} satisfies records.FragmentPorts,
	ipv6_frag_l4ports: {sport: 1, dport: 2} satisfies records.FragmentPorts,
	ratelimit_key: {usage: 1, netdev_idx: 2} satisfies records.RatelimitKey,
	ratelimit_value: {last_topup: 1n, tokens: 2n} satisfies records.RatelimitValue,
	ratelimit_metrics_key: {usage: 1} satisfies records.RatelimitMetricsKey,
	ratelimit_metrics_value: {dropped: 1n} satisfies records.RatelimitMetricsValue,
	drop_notify: {
		...{...notify, ext_version: 1, src_label: 2, dst_label: 3, dst_id: 4, line: 5, file: 6},
		...{ext_error: -7, ifindex: 8, flags: 1, ip_trace_id: 9n},
	} satisfies records.DropNotify,
	trace_notify: {
		...{orig_ip: '2001:db8::1', ...notify, ext_version: 1, src_label: 2, dst_label: 3},
		...{dst_id: 4, reason: 5, flags: 1, ifindex: 6, ip_trace_id: 7n},
	} satisfies records.TraceNotify,
	trace_sock_notify: {
		...{type: 7, xlate_point: 1, l4_proto: 2, ipv6: true, dst_port: 443},
		...{sock_cookie: 5n, cgroup_id: 6n, dst_ip: '2001:db8::1'},
	} satisfies records.TraceSockNotify,
	policy_verdict_notify: {
		...{...notify, ext_version: 1, remote_label: 2, verdict: -133, dst_port: 443, proto: 6},
		...{dir: 1, ipv6: true, match_type: 5, audited: true, l3: true, auth_type: 1, cookie: 2},
	} satisfies records.PolicyVerdictNotify,
};

/** JSON has no bigints. */
const plain = (value: unknown): unknown =>
	JSON.parse(
		JSON.stringify(value, (_, each: unknown) =>
			typeof each === 'bigint' ? Number(each) : each,
		),
	);

const kept = test.macro({
	exec(t, struct: string, sample: object) {
		const type = typeIn('skep', struct);
		if (type === undefined) {
			t.fail('there is no such struct');
			return;
		}

		const codec = structCodec(type);
		const view = new DataView(new ArrayBuffer(codec.size + 2));
		new Uint8Array(view.buffer).fill(0xff);
		codec.encode(sample, view, 1);
		t.deepEqual(codec.decode(view, 1), sample);
		t.is(view.getUint8(0), 0xff);
		t.is(view.getUint8(codec.size + 1), 0xff);

		t.deepEqual(JSON.parse(codec.toJson(view, 1)), plain(sample));
		const bytes = Buffer.alloc(4096);
		const end = codec.json?.write(
			view,
			1,
			bytes,
			new DataView(bytes.buffer, bytes.byteOffset),
			0,
		);
		t.deepEqual(JSON.parse(bytes.toString('utf8', 0, end)), plain(sample));

		const cursor = codec.cursor();
		cursor.move(view, 1);
		for (const [name, value] of Object.entries(sample)) {
			t.deepEqual(Reflect.get(cursor.value as object, name), value, name);
		}

		t.throws(
			() => {
				codec.encode({...sample, nonsense: 1}, view, 1);
			},
			{code: 'ERR_CODEC', message: /nonsense/},
		);
	},
	title: (_, struct) => `a record of ${struct} is written and read back`,
});

for (const [struct, sample] of Object.entries(samples)) test(kept, struct, sample);

test('every struct that skep has is tried', t => {
	const names = [...structLayouts()]
		.filter(([, variants]) => variants.some(({versions}) => versions.includes('skep')))
		.map(([name]) => name);
	t.deepEqual(Object.keys(samples).sort(), names.sort());
});

const refused = test.macro({
	exec(t, struct: string, value: unknown, message: RegExp, version: LayoutVersion = 'skep') {
		const type = typeIn(version, struct);
		const codec = type && structCodec(type);
		const view = new DataView(new ArrayBuffer(codec?.size ?? 0));
		t.throws(() => codec?.encode(value, view, 0), {code: 'ERR_CODEC', message});
	},
	title: (_, struct, value) => `${struct} refuses ${JSON.stringify(value)}`,
});

test(refused, 'endpoint_key', {address: 'fd00::1::2'}, /"address"/);
test(refused, 'endpoint_key', {}, /"address".*an address, got nothing/);
test(refused, 'endpoint_key', null, /an object with "address"/);
test(refused, 'endpoint_key', new Uint8Array(20), /an object with "address"/);
test(refused, 'ipcache_key', {prefix: '10.0.0.0/33'}, /"prefix"/);
test(refused, 'ipcache_key', {prefix: 10}, /a prefix, got 10/);
test(refused, 'lb4_src_range_key', {prefix: 'fd00::/8', rev_nat_id: 1}, /an IPv4 prefix/);
test(refused, 'remote_endpoint_info', {tunnel_endpoint: '10.0.0.1'}, /sec_identity.*missing/);
test(
	refused,
	'remote_endpoint_info',
	{tunnel_endpoint: 'fd00::1', sec_identity: 1},
	/ipv4 address/,
	'1.17',
);

test('an address of no known family is not taken for one', t => {
	const type = typeIn('skep', 'endpoint_key');
	const codec = type && structCodec(type);
	const read = codec?.decode(new DataView(new ArrayBuffer(20)), 0);
	t.deepEqual(read, {address: 'family 0 ::', key: 0, cluster_id: 0});
	t.throws(() => codec?.cursor().value, {code: 'ERR_CODEC'});
});
