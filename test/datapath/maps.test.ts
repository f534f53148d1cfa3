import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import type {ExecutionContext} from 'ava';

import {openDatapathMaps} from '../../src/datapath/index.js';
import {loadCollection} from '../../src/object/collection/load-collection.js';
import {createMap} from '../../src/object/map/create-map.js';
import {readObject} from '../../src/spec/read.js';
import {makeBpffs} from '../helpers/bpffs.js';
import {kernelTest} from '../helpers/kernel.js';

const loaded = kernelTest({feature: 'maps of the datapath', since: '5.15'});

/** A bpf filesystem with the maps of the built object, pinned. */
async function pinMaps(t: ExecutionContext): Promise<string> {
	const root = await makeBpffs(t);
	const path = fileURLToPath(new URL('../../bpf/endpoint.bpf.o', import.meta.url));
	const spec = await readObject(path);
	const collection = loadCollection({...spec, programs: {}}, {pinRoot: root});
	t.teardown(() => {
		collection.close();
	});
	return root;
}

loaded('records of skep are written and read back', async t => {
	const root = await pinMaps(t);
	const maps = openDatapathMaps({root, write: true});
	t.teardown(() => {
		maps.close();
	});

	const info = {
		ifindex: 7,
		lxc_id: 42,
		flags: 0,
		mac: '02:00:00:00:00:01',
		node_mac: '02:00:00:00:00:02',
		sec_id: 1234,
		parent_ifindex: 0,
	};
	for (const address of ['10.0.0.1', '2001:db8::1']) {
		const endpoints = maps.require('endpoints');
		endpoints.set({address}, info);
		t.deepEqual(endpoints.get({address}), info);
		t.true([...endpoints.keys()].some(key => key.address === address));
	}

	const device = {
		ip4: '10.0.0.1',
		ip6: '2001:db8::1',
		mac: info.mac,
		node_mac: info.node_mac,
		sec_id: 1234,
		ifindex: 7,
		lxc_id: 42,
		flags: 0,
	};
	maps.require('endpointDevices').set(7, device);
	t.deepEqual(maps.require('endpointDevices').get(7), device);
	maps.require('moreEndpointDevices').set(65543, device);
	t.deepEqual(maps.require('moreEndpointDevices').get(65543), device);
	maps.require('endpointSettings').set(42, {policy_revision: 1, flags: 3});
	t.deepEqual(maps.require('endpointSettings').get(42), {policy_revision: 1, flags: 3});
	maps.require('runtimeConfig').set(128, 5n);
	t.is(maps.require('runtimeConfig').get(128), 5n);

	const ipcache = maps.require('ipcache');
	ipcache.set({prefix: '10.1.2.3/8'}, {sec_identity: 300});
	ipcache.set({prefix: '2001:db8::/32'}, {sec_identity: 301, tunnel_endpoint: '2001:db8::9'});
	t.deepEqual(
		[...ipcache].sort(([a], [b]) => (a.prefix < b.prefix ? -1 : 1)),
		[
			[
				{prefix: '10.0.0.0/8', cluster_id: 0},
				{
					sec_identity: 300,
					tunnel_endpoint: null,
					key: 0,
					flag_skip_tunnel: false,
					flag_remote_cluster: false,
				},
			],
			[
				{prefix: '2001:db8::/32', cluster_id: 0},
				{
					sec_identity: 301,
					tunnel_endpoint: '2001:db8::9',
					key: 0,
					flag_skip_tunnel: false,
					flag_remote_cluster: false,
				},
			],
		],
	);
});

loaded('an endpoint has a policy by its id', async t => {
	const root = await pinMaps(t);
	const created = createMap({
		type: 'lpm_trie',
		name: 'policy_v2_00042',
		keySize: 12,
		valueSize: 12,
		maxEntries: 16,
		flags: 1,
	});
	created.pin(join(root, 'policy_v2_00042'));
	created.close();
	using maps = openDatapathMaps({root, write: true});
	t.deepEqual(maps.policyIds(), [42]);
	t.is(maps.policy(43), undefined);
	const policy = maps.policy(42);
	t.deepEqual(policy?.layout, {known: true, versions: ['1.19', 'skep'], by: 'sizes'});
	if (policy?.known !== true) return;
	const key = {prefixlen: 64, sec_label: 1000, egress: true, protocol: 6, dport: 443};
	const entry = {
		proxy_port: 15001,
		deny: true,
		lpm_prefix_length: 24,
		auth_type: 0,
		has_explicit_auth_type: true,
		precedence: 0xff_ff_ff_ff,
		cookie: 9,
	};
	policy.map.set(key, entry);
	t.deepEqual([...policy.map], [[key, entry]]);
	// prettier-ignore
	t.deepEqual(
		[...policy.map.batches()].map(({keys, values}) => [[...keys.subarray(0, 12)], [...values.subarray(0, 12)]]),
		[[[64, 0, 0, 0, 0xe8, 3, 0, 0, 1, 6, 1, 0xbb], [0x3a, 0x99, 0xc1, 0x80, 0xff, 0xff, 0xff, 0xff, 9, 0, 0, 0]]],
	);
	policy.map.close();
});

loaded('maps are read-only unless asked', async t => {
	const root = await pinMaps(t);
	using maps = openDatapathMaps({root});
	const settings = maps.require('endpointSettings');
	t.deepEqual(settings.get(1), {policy_revision: 0, flags: 0});
	t.throws(
		() => {
			settings.set(1, {policy_revision: 1, flags: 0});
		},
		{code: 'ERR_MAP', message: /open for the other way only/},
	);
	t.deepEqual(maps.require('ctTcp4').info.type, 'lru_hash');
	t.deepEqual(
		[
			...maps.require('ctTcp4').entries({
				consistency: 'fast',
				fast: {filter: {daddr: '10.0.0.0/8', dport: 80}},
			} as never),
		],
		[],
	);
	t.deepEqual(maps.ctTcp4?.layout, {known: true, versions: ['skep'], by: 'types'});
});
