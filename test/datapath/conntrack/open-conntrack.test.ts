import {join} from 'node:path';
import {uptime} from 'node:os';
import test, {type ExecutionContext} from 'ava';

import {
	openConntrack,
	openDatapathMaps,
	type CtEntry,
	type LayoutVersion,
} from '../../../src/datapath/index.js';
import {createMap} from '../../../src/object/map/create-map.js';
import {makeBpffs} from '../../helpers/bpffs.js';
import {kernelTest} from '../../helpers/kernel.js';

const kernel = kernelTest({feature: 'LRU maps', since: '4.10'});

/** Maps as a Cilium node pins them. */
async function pinMaps(t: ExecutionContext): Promise<string> {
	const root = await makeBpffs(t);
	for (const [name, keySize] of [
		['ct4_global', 14],
		['ct_any4_global', 14],
		['ct6_global', 38],
		['ct_any6_global', 38],
	] as const) {
		const map = createMap({name, type: 'lru_hash', keySize, valueSize: 56, maxEntries: 128});
		map.pin(join(root, `cilium_${name}`));
		map.close();
	}

	return root;
}

const entry: CtEntry = {
	lifetime: 0,
	rx_closing: false,
	tx_closing: false,
	lb_loopback: true,
	seen_non_syn: true,
	node_port: true,
	proxy_redirect: true,
	dsr_internal: true,
	from_l7lb: true,
	from_tunnel: true,
	rev_nat_index: 12,
	tx_flags_seen: 0x12,
	rx_flags_seen: 0x10,
	src_sec_id: 4711,
	last_tx_report: 5,
	last_rx_report: 6,
};
const counted = {packets: 30n, bytes: 3000n};
const byDirection = {rx_packets: 10n, rx_bytes: 1000n, tx_packets: 20n, tx_bytes: 2000n};
const none = {backend_id: 0n};
const flags = 'LBLoopback SeenNonSyn NodePort ProxyRedirect DSRInternal FromL7LB FromTunnel'.split(
	' ',
);

const reads = test.macro({
	async exec(t, version: LayoutVersion, fields: Partial<CtEntry>, shown: object) {
		const root = await pinMaps(t);
		const options = {root, prefix: 'cilium_', version};
		using written = openDatapathMaps({...options, write: true});
		const now = Math.floor(uptime());
		const lifetime = now + 500;
		const ports = {dport: 443, sport: 40_000, nexthdr: 6};
		written.require('ctTcp4').set(
			{daddr: '10.0.0.1', saddr: '10.0.0.2', ...ports, flags: 0},
			{
				...entry,
				...fields,
				lifetime,
			},
		);
		written.require('ctTcp6').set(
			{daddr: 'fd00::1', saddr: 'fd00::2', ...ports, flags: 4},
			{
				...entry,
				...(version === '1.15' ? {...byDirection, rx_bytes: 77n} : {...counted, ...none}),
				...(version === '1.15' ? {} : {backend_id: 77n}),
				...(fields.ifindex === undefined ? {} : {ifindex: 0}),
				...(fields.nat_port === undefined ? {} : {nat_port: 0}),
				lifetime,
			},
		);

		using maps = openDatapathMaps(options);
		using conntrack = await openConntrack(maps);
		const [four, six, ...others] = [...conntrack.list()];
		t.deepEqual(others, []);
		t.like(four, {
			protocol: 'tcp',
			direction: 'out',
			source: '10.0.0.1',
			sourcePort: 40_000,
			destination: '10.0.0.2',
			destinationPort: 443,
			state: 'established',
			lifetime,
			...counted,
			txFlagsSeen: 0x12,
			rxFlagsSeen: 0x10,
			revNat: 12,
			sourceIdentity: 4711,
			lastTxReport: 5,
			lastRxReport: 6,
			...shown,
		});
		t.deepEqual(four?.flags, flags as never);
		t.is(four?.backendId, undefined);
		t.true(Math.abs((four?.expires ?? 0) - 500) < 10);
		t.like(six, {direction: 'service', source: 'fd00::1', backendId: 77n});
		t.is(six?.natAddress, undefined);
		await t.throwsAsync(async () => conntrack.flush(), {code: 'ERR_DATAPATH'});
		if (conntrack.layout === undefined) t.fail('the layout is known');
		t.true(conntrack.layout?.versions.includes(version));
	},
	title: (_, version) => `the flows of a node of Cilium ${version} are read, and not written`,
});

kernel(
	reads,
	'1.15',
	{...byDirection, ifindex: 3},
	{
		rx: {packets: 10n, bytes: 1000n},
		tx: {packets: 20n, bytes: 2000n},
	},
);
kernel(reads, '1.16', {...counted, ...none, ifindex: 3}, {});
kernel(reads, '1.17', {...counted, ...none, ifindex: 3}, {});
kernel(reads, '1.18', {...counted, ...none}, {});
kernel(
	reads,
	'1.19',
	{...counted, nat_addr: '::cb00:7105', nat_port: 5000},
	{
		natAddress: '203.0.113.5',
		natPort: 5000,
	},
);

kernel('the clock of a node that counts jiffies is told', async t => {
	const root = await pinMaps(t);
	using written = openDatapathMaps({root, prefix: 'cilium_', version: '1.18', write: true});
	using conntrack = await openConntrack(written, {clock: 'jiffies'});
	const key = {daddr: '10.0.0.1', saddr: '10.0.0.2', dport: 1, sport: 2, nexthdr: 17, flags: 1};
	const value = {...entry, ...counted, ...none} as CtEntry;
	written.require('ctAny4').set(key, {...value, lifetime: 0});
	const [over] = [...conntrack.list()];
	// Ticks begin five minutes before their 32 bits overflow, whatever a tick is.
	t.true((over?.expires ?? 0) < -uptime() - 1_000_000, String(over?.expires));
	t.is((await conntrack.gc()).deleted, 1);
});

kernel('a node without conntrack is told so', async t => {
	const root = await makeBpffs(t);
	using maps = openDatapathMaps({root, prefix: 'cilium_'});
	using conntrack = await openConntrack(maps);
	t.throws(() => conntrack.list(), {code: 'ERR_DATAPATH', message: /cilium_ct4_global/});
});
