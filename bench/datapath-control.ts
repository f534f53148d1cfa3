/** What changes of a datapath take from TypeScript: CPU time, and by the clock. */

import {fileURLToPath} from 'node:url';

import {lab} from '../src/lab/index.js';
import {addressesOf} from './guard.js';
import {below, judge, type Figure} from './report.js';

export interface DatapathControlSize {
	readonly rounds: number;
	/** Of conntrack. */
	readonly flows: number;
}

/** What the child is told. */
export interface DatapathControlOrder extends DatapathControlSize {
	/** Both are joined to the namespace that it runs in. */
	readonly endpoints: readonly {
		readonly interface: string;
		readonly mac: string;
		readonly ipv4: string;
		readonly ipv6: string;
	}[];
}

/** What it answers: milliseconds. */
export interface DatapathControlTime {
	readonly what: string;
	readonly cpu: number;
	readonly clock: number;
	/** Of CPU time. */
	readonly goal?: number;
}

const child = fileURLToPath(new URL('datapath-control-child.js', import.meta.url));

/**
 * Milliseconds of each change, made by a process in the node's own namespace. By the clock the
 * kernel's waits for its readers count, too.
 */
export async function benchDatapathControl(size: DatapathControlSize): Promise<Figure[]> {
	await using net = await lab({
		name: 'control',
		hosts: ['other', 'pod'],
		routers: ['node'],
		links: [
			['other', 'node'],
			['pod', 'node'],
		],
	});
	const {node, other, pod} = net.hosts;
	const endpoints = [other, pod].map((host, i) => {
		const [ipv4, ipv6] = addressesOf(host);
		return {
			...{interface: node.interfaces[i]?.name ?? '', mac: host.interfaces[0]?.mac ?? ''},
			...{ipv4, ipv6},
		};
	});
	const order: DatapathControlOrder = {...size, endpoints};
	const {code, stdout, stderr} = await node.exec(
		process.execPath,
		[child, JSON.stringify(order)],
		{timeout: 600_000},
	);
	if (code !== 0) throw new Error(`datapath-control: ${stderr.trim()}`);
	const times = JSON.parse(stdout) as DatapathControlTime[];
	return times.flatMap(({what, cpu, clock, goal}) => [
		judge(
			{what: `${what}: CPU time`, median: cpu, unit: 'ms'},
			goal === undefined ? undefined : below(goal, 'ms'),
		),
		{what: `${what}: by the clock`, median: clock, unit: 'ms'},
	]);
}
