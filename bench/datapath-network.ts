/** Endpoint to endpoint through namespaces, beside plain routing on the same topology. */

import {Policies, type PolicyRule} from '../src/datapath/index.js';
import {lab} from '../src/lab/index.js';
import {addressesOf, firstIdentity, guard} from './guard.js';
import {median, ratioOf} from './measure.js';
import {atLeast, judge, type Figure} from './report.js';
import {runTraffic, startServer, trafficPort as port} from './traffic.js';

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
		for (const [name, rules] of Object.entries(policies)) {
			places.push(await makePlace(name, rules));
		}

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
			await guarded?.close();
		},
	};
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
