/** Changes a datapath of the namespace that it runs in, and prints what that took. */

import {
	datapathDown,
	datapathUp,
	Endpoints,
	Ipcache,
	openConntrack,
	openDatapathMaps,
	Policies,
	type DatapathMaps,
} from '../src/datapath/index.js';
import {mountBpffs} from './bpffs.js';
import type {DatapathControlOrder, DatapathControlTime} from './datapath-control.js';
import {floor} from './floor.js';
import {median} from './measure.js';

const manyEndpoints = 250;
const manyRules = 1000;
const manyPrefixes = 10_000;

interface Change {
	readonly what: string;
	readonly goal?: number;
	/** What is not timed. */
	readonly prepare?: () => unknown;
	readonly run: () => unknown;
}

const order = JSON.parse(process.argv[2] ?? '') as DatapathControlOrder;
const bpffs = mountBpffs();
const root = `${bpffs.path}/skep`;
try {
	await datapathUp({root, sizes: {conntrackTcp: order.flows}});
	using maps = openDatapathMaps({root, write: true});
	const times = await measure(await changesOf(maps, order), order.rounds);
	process.stdout.write(JSON.stringify(times));
} finally {
	await datapathDown({root});
	bpffs.close();
}

async function changesOf(
	maps: DatapathMaps,
	{endpoints: [other, own], flows}: DatapathControlOrder,
): Promise<Change[]> {
	if (other === undefined || own === undefined) throw new TypeError('two endpoints are needed');
	const endpoints = new Endpoints(maps);
	const policies = new Policies(maps);
	const ipcache = new Ipcache(maps);
	const conntrack = await openConntrack(maps);
	addOthers(maps, manyEndpoints);
	// Stays: the first program of a hook on a machine makes the kernel rewrite itself.
	endpoints.add({...other, id: 1, identity: 300});
	const prefixes = Array.from({length: manyPrefixes}, (_, i) => ({
		prefix: i % 2 ? `2001:db8:${i.toString(16)}::/48` : `172.${i >> 8}.${i & 0xff}.0/24`,
		identity: 1000 + i,
	}));
	// Made once: what is thrown away is collected while others are timed.
	const ended = endedFlows(flows);
	let turn = 0;
	return [
		{
			what: `add an endpoint beside ${manyEndpoints}`,
			goal: 2,
			prepare: () => endpoints.delete(2),
			run: () => endpoints.add({...own, id: 2, identity: 301}),
		},
		{
			what: `replace ${manyRules} rules of an endpoint`,
			run: async () => policies.replace(2, rulesOf(manyRules, ++turn)),
		},
		{what: `write ${manyPrefixes} prefixes`, run: () => ipcache.upsert(prefixes)},
		{
			what: `collect ${flows} flows that have ended`,
			prepare: () => maps.require('ctTcp4').setMany(ended),
			run: async () => conntrack.gc({family: 4}),
		},
	];
}

async function measure(changes: readonly Change[], rounds: number): Promise<DatapathControlTime[]> {
	const times = changes.map(() => ({cpu: [] as number[], clock: [] as number[]}));
	for (let round = -1; round < rounds; round++) {
		for (const [i, {prepare, run}] of changes.entries()) {
			await prepare?.();
			const [cpu, clock] = [floor.cpuTime(), performance.now()];
			await run();
			if (round < 0) continue;
			times[i]?.cpu.push((floor.cpuTime() - cpu) / 1e6);
			times[i]?.clock.push(performance.now() - clock);
		}
	}

	return changes.map(({what, goal}, i) => ({
		what,
		cpu: median(times[i]?.cpu ?? []),
		clock: median(times[i]?.clock ?? []),
		...(goal !== undefined && {goal}),
	}));
}

/** Endpoints whose interfaces nobody has. */
function addOthers(maps: DatapathMaps, count: number): void {
	const mac = '02:00:00:00:00:01';
	const ids = Array.from({length: count}, (_, i) => i + 3);
	maps.require('endpoints').setMany(
		ids.flatMap(id =>
			[`10.3.${id >> 8}.${id & 0xff}`, `fd03::${id.toString(16)}`].map(
				address =>
					[
						{address},
						{
							...{ifindex: 100_000 + id, lxc_id: id, flags: 0, sec_id: 300 + id},
							...{mac, node_mac: mac, parent_ifindex: 0},
						},
					] as const,
			),
		),
	);
}

function* rulesOf(count: number, turn: number) {
	const rule = {direction: 'ingress', protocol: 'tcp', action: 'allow'} as const;
	for (let i = 0; i < count; i++) {
		yield {...rule, peers: 2000 + i, ports: 1 + ((i + turn) & 0xfff)};
	}
}

function endedFlows(count: number) {
	const entry = {
		...{policy_revision: 1, peer_ifindex: 0, backend_id: 0n, packets: 1n, bytes: 64n},
		...{lifetime: 1, rx_closing: false, tx_closing: false, lb_loopback: false, nat_port: 0},
		...{seen_non_syn: true, node_port: false, proxy_redirect: false, dsr_internal: false},
		...{from_l7lb: false, from_tunnel: false, rev_nat_index: 0, src_sec_id: 300},
		...{tx_flags_seen: 2, rx_flags_seen: 2, last_tx_report: 0, last_rx_report: 0},
	};
	return Array.from({length: count}, (_, i) => {
		const daddr = `10.4.${(i >> 8) & 0xff}.${i & 0xff}`;
		const ports = {dport: 1024 + (i >> 16), sport: 80};
		return [{daddr, saddr: '10.5.0.1', ...ports, nexthdr: 6, flags: 0}, entry] as const;
	});
}
