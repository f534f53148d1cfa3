/** Endpoint to endpoint through namespaces, beside plain routing on the same topology. */

import {Policies, type PolicyRule} from '../src/datapath/index.js';
import {loadCollection, parseObject, type Collection} from '../src/index.js';
import {lab, type Host} from '../src/lab/index.js';
import {compileBench} from './flows.js';
import {addressesOf, firstIdentity, guard} from './guard.js';
import {median, ratioOf} from './measure.js';
import {atLeast, judge, type Figure} from './report.js';
import {runTraffic, startServer, trafficPort as port} from './traffic.js';

const kinds = [
	{what: 'request/response', mode: 'exchange', connections: 1, goal: 1.05},
	{what: 'connect/request/close', mode: 'connect', connections: 1, goal: 1.03},
	{what: 'request/response, 32 at once', mode: 'exchange', connections: 32, goal: 1.08},
] as const;
/** Of plain routing, of a redirection into the peer that asks nothing, of the datapath by rules. */
const ways = {
	routed: {},
	'peer redirect alone': {alone: true},
	datapath: {rules: 0},
	'with 1000 rules': {rules: 1000},
} as const;
type Way = {readonly alone?: boolean; readonly rules?: number};
/** Of what there is without rules. */
const policyShare = 0.98;

interface Place {
	readonly name: string;
	/** Transactions in a second of CPU time. */
	measure(kind: (typeof kinds)[number], family: 4 | 6, milliseconds: number): Promise<number>;
	close(): Promise<void>;
}

/** Transactions in a second of CPU time; the ratio is to plain routing in the same round. */
export async function benchDatapathNetwork(
	rounds: number,
	milliseconds: number,
): Promise<Figure[]> {
	const places: Place[] = [];
	try {
		for (const [name, kind] of Object.entries(ways)) places.push(await makePlace(name, kind));

		const found: Figure[] = [];
		for (const family of [4, 6] as const) {
			for (const kind of kinds) {
				const rates = places.map((): number[] => []);
				for (let round = -1; round < rounds; round++) {
					for (const [i, place] of places.entries()) {
						const rate = await place.measure(kind, family, milliseconds);
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
						ratio: ratioOf(own, plain),
					} as const;
					const goal = {
						datapath: kind.goal,
						'with 1000 rules': kind.goal * policyShare,
					}[name];
					found.push(
						judge(
							row,
							goal === undefined ? undefined : atLeast(Number(goal.toFixed(3))),
						),
					);
				}
			}
		}

		return found;
	} finally {
		for (const place of places) await place.close();
	}
}

async function makePlace(name: string, {alone, rules}: Way): Promise<Place> {
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
	const redirection = alone ? await redirect(node, red, blue) : undefined;
	const guarded = rules === undefined ? undefined : await guard(node, [red, blue]);
	if (guarded !== undefined && rules !== undefined && rules > 0) {
		const policies = new Policies(guarded.maps);
		for (const id of [1, 2]) {
			await policies.replace(id, [...rulesFor(rules)], {
				enforce: {ingress: true, egress: true},
			});
		}
	}

	const servers = [await startServer(blue)];
	const [ipv4, ipv6] = addressesOf(blue);
	return {
		name,
		async measure(kind, family, milliseconds) {
			const target = {addresses: [family === 4 ? ipv4 : ipv6], port, servers};
			return (await runTraffic(red, kind, target, milliseconds)).perCpuSecond;
		},
		async close() {
			await net.close();
			redirection?.close();
			await guarded?.close();
		},
	};
}

/** Sends what comes from either host into the other's namespace. */
async function redirect(node: Host, ...hosts: readonly [Host, Host]): Promise<Collection> {
	const name = 'peer_redirect';
	const redirection = loadCollection(parseObject(await compileBench(name), {name}));
	const ends = hosts.map(host => ({
		host,
		end: node.interfaces.find(({peers}) => peers.includes(host.name)),
	}));
	for (const {host, end} of ends) {
		const other = ends.find(one => one.host !== host);
		const mac = (address = '') => address.split(':').map(byte => Number.parseInt(byte, 16));
		redirection.map('ways').set(end?.ifindex ?? 0, {
			ifindex: other?.end?.ifindex ?? 0,
			from: mac(other?.end?.mac),
			to: mac(other?.host.interfaces[0]?.mac),
		});
		node.attachTcx(redirection.program(name), end?.name);
	}

	return redirection;
}

/** Each of its own peer and port; two let pass what is measured. */
function* rulesFor(count: number): Generator<PolicyRule> {
	const rule = {protocol: 'tcp', action: 'allow'} as const;
	yield {...rule, direction: 'ingress', peers: firstIdentity, ports: port};
	yield {...rule, direction: 'egress', peers: firstIdentity + 1, ports: port};
	for (let i = 2; i < count; i++) {
		yield {...rule, direction: i % 2 ? 'egress' : 'ingress', peers: 1000 + i, ports: 1 + i};
	}
}
