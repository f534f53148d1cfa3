/** Endpoint to endpoint through namespaces, beside plain routing on the same topology. */

import {execFileSync} from 'node:child_process';
import {once} from 'node:events';
import {mkdtempSync, rmdirSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';

import {
	datapathDown,
	datapathUp,
	Endpoints,
	openDatapathMaps,
	Policies,
	type PolicyRule,
} from '../src/datapath/index.js';
import {lab, type Host} from '../src/lab/index.js';
import {build} from './floor.js';
import {median} from './measure.js';
import {atLeast, judge, type Figure} from './report.js';

const port = 7000;
const traffic = join(build, 'build/Release/traffic');
const kinds = [
	{what: 'request/response', mode: 'exchange', connections: 1, goal: 1.05},
	{what: 'connect/request/close', mode: 'connect', connections: 1, goal: 1.03},
	{what: 'request/response, 32 at once', mode: 'exchange', connections: 32, goal: 1.08},
] as const;
const policies = {routed: undefined, datapath: 0, 'with 1000 rules': 1000} as const;
/** Of what there is without rules. */
const policyShare = 0.98;

interface Place {
	readonly name: string;
	/** Transactions in a second of CPU time. */
	measure(kind: (typeof kinds)[number], address: string, milliseconds: number): Promise<number>;
	close(): Promise<void>;
}

/** Transactions in a second of CPU time; the ratio is to plain routing in the same round. */
export async function benchDatapathNetwork(
	rounds: number,
	milliseconds: number,
): Promise<Figure[]> {
	const places: Place[] = [];
	try {
		for (const [name, rules] of Object.entries(policies)) {
			places.push(await makePlace(name, rules));
		}

		const found: Figure[] = [];
		for (const family of [4, 6] as const) {
			for (const kind of kinds) {
				const rates = places.map((): number[] => []);
				for (let round = -1; round < rounds; round++) {
					for (const [i, place] of places.entries()) {
						const rate = await place.measure(kind, `${family}`, milliseconds);
						if (round >= 0) rates[i]?.push(rate);
					}
				}

				const [plain = []] = rates;
				for (const [i, {name}] of places.entries()) {
					const own = rates[i] ?? [];
					const row = {
						what: `IPv${family} ${kind.what}: ${name}`,
						median: median(own),
						unit: '/s',
						ratio: median(own.map((rate, round) => rate / (plain[round] ?? NaN))),
					} as const;
					const goal = i === 2 ? kind.goal * policyShare : kind.goal;
					found.push(judge(row, i === 0 ? undefined : atLeast(Number(goal.toFixed(3)))));
				}
			}
		}

		return found;
	} finally {
		for (const place of places) await place.close();
	}
}

const bare = (prefix = ''): string => prefix.replace(/\/.*/, '');

async function makePlace(name: string, rules: number | undefined): Promise<Place> {
	const net = await lab({
		name: 'bench',
		hosts: ['red', 'blue'],
		routers: ['node'],
		links: [
			['red', 'node'],
			['blue', 'node'],
		],
	});
	const {red, blue, node} = net.hosts;
	const close = rules === undefined ? undefined : await guard([red, blue], node, rules);
	const server = blue.spawn(traffic, ['serve', String(port)]);
	if (server.stdout === null) throw new TypeError('the server has no output');
	const [pid] = (await once(server.stdout, 'data')) as [Buffer];
	const [device] = blue.interfaces;
	return {
		name,
		async measure({mode, connections}, family, milliseconds) {
			const address = bare(family === '4' ? device?.ipv4 : device?.ipv6);
			const {stdout, stderr, code} = await red.exec(traffic, [
				mode,
				address,
				String(port),
				String(connections),
				String(milliseconds),
				pid.toString().trim(),
			]);
			if (code !== 0) throw new Error(`measure ${name} ${mode}: ${stderr}`);
			return Number(stdout);
		},
		async close() {
			await net.close();
			await close?.();
		},
	};
}

/** Brings a datapath up around the hosts; what takes it down. */
async function guard(
	hosts: readonly Host[],
	node: Host,
	rules: number,
): Promise<() => Promise<void>> {
	const folder = mkdtempSync(join(tmpdir(), 'skep-bench-'));
	execFileSync('mount', ['-t', 'bpf', 'skep', folder]);
	const root = join(folder, 'skep');
	const [gateway] = node.interfaces;
	await datapathUp({
		root,
		netns: node.netns,
		gateway: {ipv4: bare(gateway?.ipv4), ipv6: bare(gateway?.ipv6)},
	});
	const maps = openDatapathMaps({root, write: true});
	const endpoints = new Endpoints(maps);
	endpoints.setHost(node.interfaces.flatMap(({ipv4, ipv6}) => [bare(ipv4), bare(ipv6)]));
	for (const [i, host] of hosts.entries()) {
		const [own] = host.interfaces;
		endpoints.add({
			id: i + 1,
			interface: node.interfaces[i]?.name ?? '',
			netns: node.netns,
			mac: own?.mac ?? '',
			ipv4: bare(own?.ipv4),
			ipv6: bare(own?.ipv6),
			identity: 300 + i,
		});
		if (rules > 0) {
			await new Policies(maps).replace(i + 1, [...rulesFor(rules)], {
				enforce: {ingress: true, egress: true},
			});
		}
	}

	return async () => {
		maps.close();
		await datapathDown({root});
		execFileSync('umount', [folder]);
		rmdirSync(folder);
	};
}

/** Each of its own peer and port; two let pass what is measured. */
function* rulesFor(count: number): Generator<PolicyRule> {
	const rule = {protocol: 'tcp', action: 'allow'} as const;
	yield {...rule, direction: 'ingress', peers: 300, ports: port};
	yield {...rule, direction: 'egress', peers: 301, ports: port};
	for (let i = 2; i < count; i++) {
		yield {...rule, direction: i % 2 ? 'egress' : 'ingress', peers: 1000 + i, ports: 1 + i};
	}
}
