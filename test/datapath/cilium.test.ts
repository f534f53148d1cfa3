import {join} from 'node:path';
import type {ExecutionContext} from 'ava';

import {
	layoutVersions,
	openDatapathMaps,
	type DatapathMaps,
	type DatapathMapsOptions,
	type LayoutVersion,
} from '../../src/datapath/index.js';
import {mapTable, policyTable} from '../../src/datapath/layout/map-table.js';
import {loadBtf} from '../../src/object/btf/btf-object.js';
import {createMap} from '../../src/object/map/create-map.js';
import type {MapType} from '../../src/uapi/map-types.js';
import {makeBpffs} from '../helpers/bpffs.js';
import {kernelTest} from '../helpers/kernel.js';
import {cTypes} from './layout/c-types.js';

const onKernel = kernelTest({feature: 'tries', since: '4.19'});

/** A value's bytes, each of them another one; what is read from where is said by offsets alone. */
const pattern = Uint8Array.from({length: 64}, (_, i) => (i * 37 + 11) & 0xff);
const view = new DataView(pattern.buffer);
const u16 = (at: number): number => view.getUint16(at, true);
const be16 = (at: number): number => view.getUint16(at, false);
const u32 = (at: number): number => view.getUint32(at, true);
const u64 = (at: number): bigint => view.getBigUint64(at, true);
const bits = (at: number, from: number, count: number): number =>
	(view.getUint8(at) >> from) & ((1 << count) - 1);
const bit = (at: number, from: number): boolean => bits(at, from, 1) === 1;
const ipv4 = (at: number): string => pattern.subarray(at, at + 4).join('.');
const mac = (at: number): string =>
	Array.from(pattern.subarray(at, at + 6), byte => byte.toString(16).padStart(2, '0')).join(':');

const ctFlags = {
	rx_closing: bit(36, 0),
	tx_closing: bit(36, 1),
	lb_loopback: bit(36, 3),
	seen_non_syn: bit(36, 4),
	node_port: bit(36, 5),
	proxy_redirect: bit(36, 6),
	dsr_internal: bit(36, 7),
	from_l7lb: bit(37, 0),
	from_tunnel: bit(37, 2),
};
const ctCommon = {
	...ctFlags,
	lifetime: u32(32),
	rev_nat_index: be16(38),
	tx_flags_seen: pattern[42],
	rx_flags_seen: pattern[43],
	src_sec_id: u32(44),
	last_tx_report: u32(48),
	last_rx_report: u32(52),
};
const ctCounted = {...ctCommon, backend_id: u64(8), packets: u64(16), bytes: u64(24)};
const groups = (at: number): string =>
	Array.from({length: 8}, (_, i) => be16(at + i * 2).toString(16)).join(':');

const ctEntries: Record<string, object> = {
	'1.15': {
		...ctCommon,
		rx_packets: u64(0),
		rx_bytes: u64(8),
		backend_id: u64(8),
		tx_packets: u64(16),
		tx_bytes: u64(24),
		ifindex: u16(40),
	},
	'1.16': {...ctCounted, ifindex: u16(40)},
	'1.17': {...ctCounted, ifindex: u16(40)},
	'1.18': ctCounted,
	'1.19': {...ctCounted, nat_addr: groups(0), nat_port: be16(40)},
};

const policyCounters = {packets: u64(8), bytes: u64(16)};
const policyCommon = {proxy_port: be16(0), deny: bit(2, 0)};
const policyOld = {
	...policyCommon,
	wildcard_protocol: bit(2, 1),
	wildcard_dport: bit(2, 2),
	auth_type: pattern[3],
	...policyCounters,
};
const policyNew = {
	...policyCommon,
	lpm_prefix_length: bits(2, 3, 5),
	auth_type: bits(3, 0, 7),
	has_explicit_auth_type: bit(3, 7),
};
const policies: Record<string, readonly [pin: string, size: number, entry: object]> = {
	'1.15': ['policy_', 24, policyOld],
	'1.16': ['policy_', 24, policyOld],
	'1.17': ['policy_v2_', 24, {...policyNew, proxy_port_priority: pattern[4], ...policyCounters}],
	'1.18': ['policy_v2_', 8, {...policyNew, proxy_port_priority: pattern[4]}],
	'1.19': ['policy_v2_', 12, {...policyNew, precedence: u32(4), cookie: u32(8)}],
};

const endpoint = {
	ifindex: u32(0),
	lxc_id: u16(6),
	flags: u32(8),
	mac: mac(16),
	node_mac: mac(24),
	sec_id: u32(32),
};
const endpoints: Record<string, object> = {
	'1.15': endpoint,
	'1.16': endpoint,
	'1.17': {...endpoint, parent_ifindex: u32(36)},
	'1.18': {...endpoint, parent_ifindex: u32(36)},
	'1.19': {...endpoint, parent_ifindex: u32(36)},
};

/** The flag byte of the longer form says that there is an IPv4 node; the pattern's own would not. */
const remoteFlags = 0b1011;
const remotes: Record<string, readonly [pin: string, size: number, value: object]> = {
	'1.15': ['ipcache', 12, {key: pattern[10]}],
	'1.16': ['ipcache', 12, {key: pattern[10], flag_skip_tunnel: bit(11, 0)}],
	'1.17': ['ipcache', 12, {key: pattern[10], flag_skip_tunnel: bit(11, 0)}],
	'1.18': ['ipcache_v2', 24, {key: pattern[22], flag_skip_tunnel: true}],
	'1.19': [
		'ipcache_v2',
		24,
		{key: pattern[22], flag_skip_tunnel: true, flag_remote_cluster: true},
	],
};

const metricsKey = {reason: 133, dir: 2};

interface Pinned {
	readonly pin: string;
	readonly type: MapType;
	readonly key: Uint8Array;
	readonly value: Uint8Array;
}

function pinnedMaps(version: string): Pinned[] {
	const value = (size: number): Uint8Array => pattern.slice(0, size);
	const [policyPin, policySize] = policies[version] ?? ['', 0];
	const [remotePin, remoteSize] = remotes[version] ?? ['', 0];
	const remote = value(remoteSize);
	if (remoteSize === 24) remote[23] = remoteFlags;
	const address = [10, 1, 2, 3, ...new Uint8Array(12)];
	const trie = (length: number, bytes: readonly number[]): Uint8Array =>
		Uint8Array.from([length, 0, 0, 0, ...bytes]);
	return [
		{
			pin: 'ct4_global',
			type: 'lru_hash',
			key: Uint8Array.from([10, 0, 0, 1, 10, 0, 0, 2, 0, 80, 0x9c, 0x40, 6, 1]),
			value: value(56),
		},
		{
			pin: 'lxc',
			type: 'hash',
			key: Uint8Array.from([...address, 1, 5, 2, 1]),
			value: value(48),
		},
		{
			pin: `${policyPin}00042`,
			type: 'lpm_trie',
			key: trie(64, [0xe8, 3, 0, 0, 1, 6, 1, 0xbb]),
			value: value(policySize),
		},
		{
			pin: remotePin,
			type: 'lpm_trie',
			key: trie(32 + 24, [7, 0, 0, 1, 10, 1, 2, 0, ...new Uint8Array(12)]),
			value: remote,
		},
		{
			pin: version === '1.15' ? 'node_map' : 'node_map_v2',
			type: 'hash',
			key: Uint8Array.from([0, 0, 0, 2, 0xfd, ...new Uint8Array(14), 9]),
			value: value(version === '1.15' ? 2 : 4),
		},
		{
			pin: 'ratelimit',
			type: 'lru_hash',
			key: new Uint8Array(version < '1.17' ? 4 : 8),
			value: value(16),
		},
		{
			pin: 'metrics',
			type: 'percpu_hash',
			key: Uint8Array.from([133, 2, 0, 0, 0, 0, 0, 0]),
			value: value(16),
		},
	];
}

/** Creates the maps of a node and pins them; with types as that version's compiler would say. */
async function pinNode(
	t: ExecutionContext,
	version: LayoutVersion,
	options: {readonly only?: string; readonly types?: boolean} = {},
): Promise<string> {
	const root = await makeBpffs(t);
	for (const {pin, type, key, value} of pinnedMaps(version)) {
		if (options.only !== undefined && options.only !== pin) continue;
		const pinned = [...Object.values(mapTable).flat(), ...policyTable].find(
			each => each.pin === pin || each.pin === pin.replace(/\d{5}$/, ''),
		);
		const types =
			options.types === true && pinned !== undefined
				? cTypes(version, pinned.key, pinned.value)
				: undefined;
		const description = {
			...{type, name: pin.slice(0, 15), flags: type === 'lpm_trie' ? 1 : 0, maxEntries: 16},
			...{keySize: key.length, valueSize: value.length},
			...(types === undefined ? {} : {...types, types: types.btf}),
		};
		const btf = types && loadBtf(types.btf, pin);
		using map = createMap(description, {raw: true, btfFd: btf?.number});
		btf?.close();
		const all = new Uint8Array(map.raw.valueSize);
		for (let at = 0; at < all.length; at += Math.ceil(value.length / 8) * 8) all.set(value, at);
		map.raw.set(key, all);
		map.pin(join(root, `cilium_${pin}`));
	}

	return root;
}

function open(t: ExecutionContext, root: string, options: DatapathMapsOptions = {}): DatapathMaps {
	const maps = openDatapathMaps({root, prefix: 'cilium_', ...options});
	t.teardown(() => {
		maps.close();
	});
	return maps;
}

const readNode = {
	async exec(t: ExecutionContext, version: LayoutVersion, types: boolean) {
		const root = await pinNode(t, version, {types});
		const maps = open(t, root);

		t.is(maps.ctTcp4?.layout.known, true);
		t.deepEqual([...maps.require('ctTcp4')], [
			[
				{
					daddr: '10.0.0.1',
					saddr: '10.0.0.2',
					dport: 80,
					sport: 40000,
					nexthdr: 6,
					flags: 1,
				},
				ctEntries[version],
			],
		] as never);
		t.deepEqual([...maps.require('endpoints')], [
			[{address: '10.1.2.3', key: 5, cluster_id: 258}, endpoints[version]],
		] as never);
		const policy = maps.policy(42);
		t.teardown(() => policy?.map.close());
		t.deepEqual(maps.policyIds(), [42]);
		t.deepEqual([...(policy?.map ?? [])], [
			[
				{prefixlen: 64, sec_label: 1000, egress: true, protocol: 6, dport: 443},
				policies[version]?.[2],
			],
		] as never);
		t.deepEqual([...maps.require('ipcache')], [
			[
				{prefix: '10.1.2.0/24', cluster_id: 7},
				{tunnel_endpoint: ipv4(4), sec_identity: u32(0), ...remotes[version]?.[2]},
			],
		] as never);
		t.deepEqual(
			[...maps.require('nodes')],
			[
				[
					{address: 'fd00::9'},
					version === '1.15' ? {id: u16(0)} : {id: u16(0), spi: pattern[2]},
				],
			],
		);
		const [[key, values] = []] = [...maps.require('metrics')];
		t.deepEqual(key, version === '1.15' ? metricsKey : {...metricsKey, line: 0, file: 0});
		t.deepEqual(values?.[0], {count: u64(0), bytes: u64(8)});
		t.is(maps.nat4, undefined);
		for (const map of [maps.ctTcp4, maps.endpoints, policy, maps.ipcache, maps.metrics]) {
			if (map?.known !== true) {
				t.fail('a map is not known');
				continue;
			}

			t.true(map.layout.versions.includes(version), map.name);
			t.not(map.layout.by, 'guess', map.name);
		}
	},
};

for (const version of layoutVersions) {
	if (version === 'skep') continue;
	for (const types of [true, false]) {
		onKernel(
			`a node of Cilium ${version} ${types ? 'with' : 'without'} types is read`,
			async t => readNode.exec(t, version, types),
		);
	}
}

const only = 'ct4_global';

for (const version of layoutVersions) {
	if (version === 'skep') continue;
	onKernel(`types alone tell that conntrack is of ${version}`, async t => {
		const maps = open(t, await pinNode(t, version, {only, types: true}));
		t.is(maps.ctTcp4?.known && maps.ctTcp4.layout.by, 'types');
		t.deepEqual([...maps.require('ctTcp4').values()], [ctEntries[version]] as never);
	});
}

onKernel('where nothing tells, the version is asked for', async t => {
	const root = await pinNode(t, '1.15', {only});
	const maps = open(t, root, {version: '1.15', write: true});
	t.deepEqual(maps.ctTcp4?.layout, {known: true, versions: ['1.15'], by: 'version'});
	const map = maps.require('ctTcp4');
	const [[key, entry] = []] = [...map];
	if (key === undefined || entry === undefined) {
		t.fail();
		return;
	}

	map.set(key, {...entry, lifetime: 99});
	t.is(map.get(key)?.lifetime, 99);
});

onKernel('where nothing tells, the newest is guessed, said, and not written', async t => {
	const root = await pinNode(t, '1.19', {only});
	const maps = open(t, root, {write: true});
	t.deepEqual(maps.ctTcp4?.layout, {known: true, versions: ['1.19'], by: 'guess'});
	const map = maps.require('ctTcp4');
	const [[key, entry] = []] = [...map];
	if (key === undefined || entry === undefined) {
		t.fail();
		return;
	}

	t.deepEqual(entry, ctEntries['1.19'] as never);
	t.throws(
		() => {
			map.set(key, entry);
		},
		{code: 'ERR_MAP', message: /open for the other way only/},
	);
});

onKernel('an unknown layout is bytes with a warning', async t => {
	const root = await makeBpffs(t);
	using made = createMap({type: 'hash', keySize: 20, valueSize: 50, maxEntries: 1});
	made.raw.set(new Uint8Array(20).fill(1), new Uint8Array(50).fill(2));
	made.pin(join(root, 'cilium_lxc'));
	const maps = open(t, root);
	const {endpoints: found} = maps;
	if (found?.known !== false) {
		t.fail('it is taken for known');
		return;
	}

	t.regex(found.layout.warning, /cilium_lxc of type hash with keys of 20 and values of 50 bytes/);
	t.deepEqual([...found.map], [[new Uint8Array(20).fill(1), new Uint8Array(50).fill(2)]]);
	t.throws(() => maps.require('endpoints'), {code: 'ERR_DATAPATH', message: /no known version/});
});

onKernel('sizes that fit are not enough where types say otherwise', async t => {
	const root = await makeBpffs(t);
	const types = cTypes('1.19', 'ipv4_ct_tuple', 'ipv6_nat_entry');
	const btf = loadBtf(types.btf, 'test');
	using made = createMap(
		{...{type: 'hash', keySize: 14, valueSize: 56, maxEntries: 1, types: types.btf}, ...types},
		{btfFd: btf.number},
	);
	btf.close();
	made.pin(join(root, 'cilium_ct4_global'));
	const maps = open(t, root);
	t.is(maps.ctTcp4?.known, false);
});

onKernel('what is not a map, not there or not known is said', async t => {
	const root = await makeBpffs(t);
	const maps = open(t, root);
	t.throws(() => maps.require('ctTcp4'), {message: /cilium_ct4_global": nothing is pinned/});
	t.throws(() => openDatapathMaps({root: join(root, 'none')}), {code: 'ERR_DATAPATH'});
	t.throws(() => openDatapathMaps({rot: root} as never), {code: 'ERR_USAGE'});
	t.throws(() => openDatapathMaps({root, version: '1.14' as never}), {code: 'ERR_USAGE'});
	t.throws(() => maps.policy(70000), {code: 'ERR_USAGE'});
	t.deepEqual(maps.policyIds(), []);
	maps.close();
	t.throws(() => maps.ctTcp4, {code: 'ERR_USAGE', message: /closed/});
});
