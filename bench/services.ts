/** Services installed and changed, beside C that writes as many elements, iptables and nftables. */

import {
	datapathDown,
	datapathUp,
	openDatapathMaps,
	Services,
	type NewService,
} from '../src/datapath/index.js';
import {lab, type Host} from '../src/lab/index.js';
import {mountBpffs} from './bpffs.js';
import {iptablesRules, iptablesUpdate, nftablesRules, nftablesUpdate} from './kube-proxy.js';
import {cpu, cpuAsync, median, raceAsync, type Timed} from './measure.js';
import {below, figures, judge, type Figure} from './report.js';
import {iptablesRestore, runTool, requireTool} from './tools.js';
import {ServiceFloor} from './service-floor.js';
import {makeServices, type BenchService} from './service-list.js';

export interface ServicesBenchSize {
	readonly rounds: number;
	readonly services: number;
	/** Changes in a round. */
	readonly updates: number;
}

const manyBackends = 10;
const port = 8080;

/** The ratio is to C in the same round. */
export async function benchServices(size: ServicesBenchSize): Promise<Figure[]> {
	requireTool(iptablesRestore[4]);
	requireTool('nft');
	const list = makeServices(4, size.services, [{address: '10.1.0.1', port}]);
	return [
		...(await benchUpdate(list, size)),
		...(await benchInstall(list, size)),
		...(await benchManyBackends(size)),
	];
}

/** A datapath that is attached to nothing. */
async function withServices<T>(
	backends: number,
	work: (services: Services) => Promise<T>,
): Promise<T> {
	const bpffs = mountBpffs();
	const root = `${bpffs.path}/skep`;
	try {
		await datapathUp({root, sizes: {services: Math.max(65_536, backends * 2)}});
		using maps = openDatapathMaps({root, write: true});
		return await work(new Services(maps));
	} finally {
		await datapathDown({root});
		bpffs.close();
	}
}

/** Hosts with the rules of each tool, which change nothing for the machine. */
async function withTools<T>(
	work: (hosts: Record<'iptables' | 'nftables', Host>) => Promise<T>,
): Promise<T> {
	const net = await lab({name: 'rules', hosts: ['iptables', 'nftables']});
	try {
		return await work(net.hosts);
	} finally {
		await net.close();
	}
}

const newService = ({address, port: dport, backends}: BenchService): NewService => ({
	frontend: {address, port: dport},
	backends,
});

/** The service with a backend that it has not. */
const changed = (service: BenchService, turn: number): BenchService => ({
	...service,
	backends: [{address: `10.2.${turn >> 8}.${turn & 0xff}`, port: port + 1}],
});

async function benchUpdate(
	list: readonly BenchService[],
	{rounds, updates}: ServicesBenchSize,
): Promise<Figure[]> {
	return withServices(list.length, async services =>
		withTools(async ({iptables, nftables}) => {
			await services.upsertMany(list.map(newService));
			await restore(iptables, [], iptablesRules(4, list));
			await apply(nftables, nftablesRules(4, list, true));
			using floor = ServiceFloor.make(list);
			const number = list.length - 1;
			const last = list[number];
			if (last === undefined) throw new TypeError('there is no service');
			let turn = 0;
			const next = (): BenchService => changed(last, ++turn & 0xffff);
			const medians: number[] = [];
			const update = async (): Promise<number> => {
				const times = new Float64Array(updates);
				for (let i = 0; i < updates; i++) {
					const service = newService(next());
					const start = process.hrtime.bigint();
					await services.upsert(service);
					times[i] = Number(process.hrtime.bigint() - start);
				}

				medians.push(median([...times]));
				return updates;
			};
			const timed = await raceAsync(
				[
					['C', cpu(() => floor.update(updates))],
					['skep', cpuAsync(update)],
					[
						'iptables-restore',
						wall(async () =>
							restore(iptables, ['--noflush'], iptablesUpdate(4, next(), number)),
						),
					],
					['nft', wall(async () => apply(nftables, nftablesUpdate(4, next(), number)))],
				],
				rounds,
			);
			const what = `update one of ${list.length}`;
			// The first round warms up.
			const clock = median(medians.slice(1)) / 1000;
			return [
				...figures(named(timed, what), 'µs'),
				judge(
					{what: `${what}: skep, half of them by the clock`, median: clock, unit: 'µs'},
					below(20, 'µs'),
				),
			];
		}),
	);
}

async function benchInstall(
	list: readonly BenchService[],
	{rounds}: ServicesBenchSize,
): Promise<Figure[]> {
	return withServices(list.length, async services => {
		const wanted = list.map(newService);
		const timed = await raceAsync(
			[
				['C by batches', onFloor(list, floor => floor.fill())],
				['C one by one', onFloor(list, floor => floor.set())],
				['skep', installed(services, wanted)],
				[
					'iptables-restore',
					fresh('iptables', async host => restore(host, [], iptablesRules(4, list))),
				],
				['nft', fresh('nftables', async host => apply(host, nftablesRules(4, list, true)))],
			],
			rounds,
		);
		const what = `install ${list.length}`;
		return figures(named(timed, what), 'ms', {[`${what}: skep`]: below(100, 'ms')});
	});
}

async function benchManyBackends({rounds, services: count}: ServicesBenchSize): Promise<Figure[]> {
	const list = makeServices(4, count, [], manyBackends);
	return withServices(count * manyBackends, async services => {
		const timed = await raceAsync(
			[
				['C by batches', onFloor(list, floor => floor.fill())],
				['skep', installed(services, list.map(newService))],
			],
			rounds,
		);
		const what = `install ${count} × ${manyBackends}`;
		return figures(named(timed, what), 'ms', {[`${what}: skep`]: below(2000, 'ms')});
	});
}

const named = (timed: readonly Timed[], what: string): Timed[] =>
	timed.map(one => ({...one, what: `${what}: ${one.what}`}));

/** CPU time of installing them where there are none. */
function installed(services: Services, wanted: readonly NewService[]): () => Promise<number> {
	const install = cpuAsync(async () => {
		await services.upsertMany(wanted);
		return 1;
	});
	return async () => {
		await services.upsertMany([], {prune: true});
		return install();
	};
}

/** CPU time of what C does with empty maps. */
function onFloor(
	list: readonly BenchService[],
	work: (floor: ServiceFloor) => unknown,
): () => number {
	return () => {
		using floor = ServiceFloor.make(list, {empty: true});
		return cpu(() => {
			work(floor);
			return 1;
		})();
	};
}

/** Time of a tool on a host without any rules. */
function fresh(
	tool: 'iptables' | 'nftables',
	work: (host: Host) => Promise<void>,
): () => Promise<number> {
	return async () => withTools(async hosts => wall(async () => work(hosts[tool]))());
}

/** Nanoseconds by the clock. */
function wall(work: () => Promise<void>): () => Promise<number> {
	return async () => {
		const start = process.hrtime.bigint();
		await work();
		return Number(process.hrtime.bigint() - start);
	};
}

const restore = async (host: Host, args: readonly string[], rules: string): Promise<void> =>
	runTool(host, iptablesRestore[4], args, rules);
const apply = async (host: Host, rules: string): Promise<void> =>
	runTool(host, 'nft', ['-f', '-'], rules);
