/**
 * Connections of two endpoints through one address of their node, all open at once.
 *
 *     node dist/bench/nat-connections.js [CONNECTIONS]
 *
 * Both endpoints use the same ports, so that each connection of the second one needs another port;
 * of the 16,384 that there are for each port of the server, most are taken at the end. 100,000
 * connections unless given, each of which sends a number of its own and gets it back.
 */

import {execFileSync} from 'node:child_process';
import {once} from 'node:events';
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';

import {
	datapathDown,
	datapathUp,
	Endpoints,
	Nat,
	openConntrack,
	openDatapathMaps,
	openNat,
	type NatStats,
} from '../src/datapath/index.js';
import {lab, type Host} from '../src/lab/index.js';

const child = fileURLToPath(new URL('nat-connections-child.js', import.meta.url));
const firstPort = 7000;
const servers = 8;
/** Processes of each endpoint: none opens more files than most machines allow. */
const clientsEach = 4;
const bare = (prefix: string | undefined): string => prefix?.split('/')[0] ?? '';

/** Starts one side of the connections; settles with what it says. */
function start(host: Host, ...words: readonly string[]) {
	const process_ = host.spawn(process.execPath, ['--max-old-space-size=4096', child, ...words]);
	process_.stderr?.on('data', (part: Buffer) => process.stderr.write(part));
	const {stdout} = process_;
	if (stdout === null) throw new TypeError('it has no output');
	stdout.setEncoding('utf8');
	let text = '';
	const line = async (): Promise<string> => {
		while (!text.includes('\n')) {
			const [part] = (await once(stdout, 'data')) as [string];
			text += part;
		}

		const [first = '', ...rest] = text.split('\n');
		text = rest.join('\n');
		return first;
	};
	return {line, end: () => process_.stdin?.end()};
}

async function measure(count: number, root: string): Promise<void> {
	await using net = await lab({
		name: 'nat-connections',
		hosts: ['red', 'blue', 'world'],
		routers: ['node'],
		links: [
			['red', 'node'],
			['blue', 'node'],
			['world', 'node'],
		],
	});
	const {red, blue, world, node} = net.hosts;
	const [first, , device] = node.interfaces;
	await datapathUp({
		...{root, netns: node.netns, devices: ['eth2']},
		gateway: {ipv4: bare(first?.ipv4), ipv6: bare(first?.ipv6)},
		sizes: {conntrackTcp: 524_288, nat: 524_288},
		nat: {ipv4: bare(device?.ipv4), ipv6: bare(device?.ipv6), ports: [49_152, 65_535]},
		masquerade: {ipv4: true, ipv6: true},
	});
	using maps = openDatapathMaps({root, write: true});
	const endpoints = new Endpoints(maps);
	endpoints.setHost(node.interfaces.flatMap(({ipv4, ipv6}) => [bare(ipv4), bare(ipv6)]));
	for (const [i, host] of [red, blue].entries()) {
		const [own] = host.interfaces;
		endpoints.add({
			...{id: i + 1, netns: node.netns, identity: 300 + i},
			...{ipv4: bare(own?.ipv4), ipv6: bare(own?.ipv6)},
			interface: node.interfaces[i]?.name ?? '',
			mac: own?.mac ?? '',
		});
	}

	for (const host of [red, blue, world]) {
		await host.exec('sysctl', ['-qw', 'net.ipv4.ip_local_port_range=1024 65535']);
	}

	for (const [family, address] of [
		['IPv4', bare(world.interfaces[0]?.ipv4)],
		['IPv6', bare(world.interfaces[0]?.ipv6)],
	] as const) {
		const serving = Array.from({length: servers}, (_, i) =>
			start(world, 'serve', `${firstPort + i}`, '1'),
		);
		await Promise.all(serving.map(async each => each.line()));
		const begin = performance.now();
		const width = servers / clientsEach;
		const own = `${count / 2 / clientsEach}`;
		const clients = [red, blue].flatMap(host =>
			Array.from({length: clientsEach}, (_, i) =>
				start(host, 'connect', address, `${firstPort + i * width}`, `${width}`, own),
			),
		);
		const results = await Promise.all(clients.map(async client => client.line()));
		const seconds = (performance.now() - begin) / 1000;
		using nat = await openNat(maps);
		const stats = (await nat.stats({ports: [49_152, 65_535]})).find(each =>
			family.endsWith(`${each.family}`),
		);
		if (stats !== undefined) report(family, results, seconds, stats);
		for (const each of [...clients, ...serving]) each.end();
		await Promise.all([...clients, ...serving].map(async each => each.line()));
		await clean(maps);
	}
}

function report(
	family: string,
	results: readonly string[],
	seconds: number,
	{entries, pressure, ports, retries, failed}: NatStats,
): void {
	const sums = results.map(text => JSON.parse(text) as {answered: number; failed: number});
	const sum = (what: 'answered' | 'failed'): number =>
		sums.reduce((total, each) => total + each[what], 0);
	const most = ports[0]?.percent.toFixed(1);
	const flows = retries.reduce((a, b) => a + b, 0);
	const beyond = retries.slice(17).reduce((a, b) => a + b, 0);
	const mean = retries.reduce((total, number, tries) => total + number * tries, 0) / flows;
	process.stdout.write(
		`${family}: ${sum('answered')} connections answered, ${sum('failed')} failed, in ${seconds.toFixed(1)} s; ` +
			`${entries} entries, ${pressure.toFixed(1)} % of the map, ${most} % of a destination's ports; ` +
			`ports tried in vain: ${mean.toFixed(2)} a flow, more than 16 for ${beyond} of ${flows}, none found for ${failed}\n`,
	);
}

/** Removes what is over, as `skep ct gc` and `skep nat purge` do. */
async function clean(maps: ReturnType<typeof openDatapathMaps>): Promise<void> {
	using conntrack = await openConntrack(maps);
	await conntrack.flush();
	// All of it is of flows that are forgotten: what is young, too.
	const nat = new Nat(maps, {now: () => 2 ** 31});
	const begin = performance.now();
	const purged = await nat.purge();
	const deleted = purged.reduce((total, each) => total + each.deleted, 0);
	const took = Math.round(performance.now() - begin);
	process.stdout.write(`purged ${deleted} entries in ${took} ms\n`);
}

const count = Number(process.argv[2] ?? 100_000);
const bpffs = mkdtempSync(join(tmpdir(), 'skep-nat-'));
execFileSync('mount', ['-t', 'bpf', 'skep-nat', bpffs]);
const root = join(bpffs, 'skep');
try {
	await measure(count, root);
} finally {
	await datapathDown({root});
	execFileSync('umount', ['-l', bpffs]);
	rmSync(bpffs, {recursive: true, force: true});
}
