import {join} from 'node:path';
import type {ExecutionContext} from 'ava';

import {
	openDatapathMaps,
	Policies,
	tracePolicy,
	type DatapathMaps,
	type LayoutVersion,
} from '../../../src/datapath/index.js';
import {sizeOf, typeIn} from '../../../src/datapath/layout/layouts.js';
import {mapTable, policyTable, type PinnedAs} from '../../../src/datapath/layout/map-table.js';
import {versionsIn} from '../../../src/datapath/layout/versions.js';
import type {PolicyEntry, PolicyKey} from '../../../src/datapath/layout/policy.js';
import {createMap} from '../../../src/object/map/create-map.js';
import type {MapType} from '../../../src/uapi/map-types.js';
import {makeBpffs} from '../../helpers/bpffs.js';
import {kernelTest} from '../../helpers/kernel.js';

const kernel = kernelTest({feature: 'tries', since: '5.15'});

type Version = Exclude<LayoutVersion, 'skep'>;

const prefix = 'cilium_';
const noPrealloc = 1;

/** A node with endpoint 11, identity 300, at 10.0.0.1 and fd00::1; 10.0.1.0/24 and fd00:1::/32 are 400. */
async function makeNode(t: ExecutionContext, version: Version): Promise<DatapathMaps> {
	const root = await makeBpffs(t);
	const pin = (table: readonly PinnedAs[], type: MapType, suffix = ''): void => {
		const found = table.find(({versions}) => versionsIn(versions).includes(version));
		if (found === undefined) return;
		const sizes = [found.key, found.value].map(name => {
			const struct = typeIn(version, name);
			return struct === undefined ? 0 : sizeOf(struct);
		});
		const name = prefix + found.pin + suffix;
		const [keySize = 0, valueSize = 0] = sizes;
		const isHash = type === 'lru_percpu_hash' || type === 'lru_hash';
		using map = createMap({
			type,
			name: name.slice(0, 15),
			keySize,
			valueSize,
			maxEntries: 1024,
			flags: isHash ? 0 : noPrealloc,
		});
		map.pin(join(root, name));
	};
	pin(mapTable.endpoints, 'hash');
	pin(mapTable.ipcache, 'lpm_trie');
	pin(mapTable.policyStats, 'lru_percpu_hash');
	pin(mapTable.ctTcp4, 'lru_hash');
	pin(mapTable.ctTcp6, 'lru_hash');
	pin(policyTable, 'lpm_trie', '00011');
	const maps = openDatapathMaps({root, prefix, version, write: true});
	t.teardown(() => {
		maps.close();
	});
	for (const address of ['10.0.0.1', 'fd00::1']) {
		maps.require('endpoints').set(
			{address},
			{
				ifindex: 7,
				lxc_id: 11,
				flags: 0,
				mac: '02:00:00:00:00:01',
				node_mac: '02:00:00:00:00:02',
				sec_id: 300,
				...(version === '1.15' || version === '1.16' ? {} : {parent_ifindex: 0}),
			},
		);
	}

	for (const each of ['10.0.1.0/24', 'fd00:1::/32']) {
		maps.require('ipcache').set({prefix: each}, {sec_identity: 400});
	}

	const policy = maps.policy(11);
	if (policy?.known !== true) throw new TypeError('the policy is not known');
	const write = (peer: number, port: number, deny: boolean): void => {
		policy.map.set(keyOf(peer, port), entryOf(version, port, deny));
	};
	write(400, 0, true);
	write(0, 80, false);
	write(400, 443, false);
	policy.map.close();
	return maps;
}

function keyOf(sec_label: number, dport: number): PolicyKey {
	const protocol = dport === 0 ? 0 : 6;
	return {prefixlen: dport === 0 ? 40 : 64, sec_label, egress: false, protocol, dport};
}

/** In the versions that have it, the denial has the higher precedence. */
function entryOf(version: Version, port: number, deny: boolean): PolicyEntry {
	const common = {proxy_port: 0, deny, auth_type: 0};
	const lpm_prefix_length = port === 0 ? 0 : 24;
	const counted = {packets: 3n, bytes: 300n};
	if (version === '1.15' || version === '1.16') {
		const wildcard = port === 0;
		return {...common, wildcard_protocol: wildcard, wildcard_dport: wildcard, ...counted};
	}

	const newer = {...common, lpm_prefix_length, has_explicit_auth_type: false};
	if (version === '1.17') return {...newer, proxy_port_priority: 0, ...counted};
	if (version === '1.18') return {...newer, proxy_port_priority: 0};
	return {...newer, precedence: deny ? 5 : 0, cookie: 0};
}

for (const version of ['1.15', '1.16', '1.17', '1.18', '1.19'] as const) {
	kernel(`policies of Cilium ${version} are read and traced`, async t => {
		const {root, policyStats} = await makeNode(t, version);
		if (policyStats?.known === true) {
			const key = {endpoint_id: 11, prefix_len: 24, sec_label: 0, protocol: 6, dport: 80};
			const packets = {packets: 3n, bytes: 300n};
			policyStats.map.setEveryCpu({...key, egress: false}, packets);
		}

		using maps = openDatapathMaps({root, prefix, version});
		const policies = new Policies(maps);
		const enforcement = {ingress: true, egress: true, audit: false};
		t.deepEqual(policies.list(), [
			{endpointId: 11, enforcement, revision: undefined, entries: 3},
		]);
		const [shared, denial, own] = policies.get(11)?.entries ?? [];
		t.like(shared, {identity: 0, ports: '80', action: 'allow', prefix: 24});
		t.true((shared?.packets ?? 0n) >= 3n);
		t.like(denial, {identity: 400, protocol: undefined, action: 'deny', prefix: 0});
		t.like(own, {identity: 400, protocol: 6, ports: '443'});

		for (const [src, dst] of [
			['10.0.1.9', '10.0.0.1'],
			['fd00:1::9', 'fd00::1'],
		] as const) {
			const trace = (dport: number, from: string = src) => {
				const {sides, verdict} = tracePolicy(maps, {src: from, dst, dport});
				return {verdict, side: sides[0]};
			};

			t.like(trace(80), {verdict: 'denied', side: {chosen: 'peer', reason: 181}});
			t.like(trace(443), {verdict: 'allowed', side: {chosen: 'peer', policy: 'allow'}});
			const other = dst === '10.0.0.1' ? '10.9.9.9' : 'fd09::9';
			t.like(trace(80, other), {verdict: 'allowed', side: {chosen: 'anybody'}});
			t.like(trace(81, other), {verdict: 'denied', side: {policy: 'none', reason: 133}});
		}
	});
}

kernel('flows of Cilium are judged packet by packet, but for replies', async t => {
	const maps = await makeNode(t, '1.19');
	const entry = {
		backend_id: 0n,
		nat_addr: '::',
		packets: 1n,
		bytes: 1n,
		lifetime: 9,
		rx_closing: false,
		tx_closing: false,
		lb_loopback: false,
		seen_non_syn: true,
		node_port: false,
		proxy_redirect: false,
		dsr_internal: false,
		from_l7lb: false,
		from_tunnel: false,
		rev_nat_index: 0,
		nat_port: 0,
		tx_flags_seen: 2,
		rx_flags_seen: 18,
		src_sec_id: 300,
		last_tx_report: 0,
		last_rx_report: 0,
	};
	for (const [name, own, peer] of [
		['ctTcp4', '10.0.0.1', '10.0.1.9'],
		['ctTcp6', 'fd00::1', 'fd00:1::9'],
	] as const) {
		const ports = {dport: 9000, sport: 40_000, nexthdr: 6};
		maps.require(name).set({daddr: own, saddr: peer, ...ports, flags: 0}, entry);
		const reply = {src: peer, dst: own, dport: 40_000, sport: 9000};
		t.like(tracePolicy(maps, reply).sides[0], {
			flow: {status: 'reply', passes: true},
			passes: true,
		});
		maps.require(name).set({daddr: peer, saddr: own, ...ports, flags: 1}, entry);
		const running = {src: peer, dst: own, dport: 9000, sport: 40_000};
		t.like(tracePolicy(maps, running).sides[0], {
			flow: {status: 'established', passes: false},
			passes: false,
		});
	}
});
