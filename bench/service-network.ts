/**
 * From a client to a service's backends, by each of the ways there are, beside plain routing to the
 * backends themselves.
 *
 * Every measurement has a network of its own: connections of one would stand in the tables of the
 * next.
 */

import {ratioOf, median} from './measure.js';
import {atLeast, judge, type Figure} from './report.js';
import {backendsOf, makeServiceLab} from './service-lab.js';
import {makeServices, type BenchService, type Family} from './service-list.js';
import {modes, requireTools, type Mode, type ModeName} from './service-modes.js';
import {runTraffic, type Target, type TrafficKind, type TrafficRate} from './traffic.js';

export interface ServiceNetworkSize {
	readonly rounds: number;
	/** Of traffic in each measurement. */
	readonly milliseconds: number;
	/** Numbers of services, rising. */
	readonly counts: readonly number[];
	readonly modes: readonly ModeName[];
}

const kinds = {
	RR: {mode: 'exchange', connections: 1},
	CRR: {mode: 'connect', connections: 1},
	RR32: {mode: 'exchange', connections: 32},
	bulk: {mode: 'bulk', connections: 1},
} as const satisfies Record<string, TrafficKind>;
type KindName = keyof typeof kinds;

const exchanges = ['RR', 'CRR', 'RR32'] as const;

/** What is measured side by side in a round. */
interface Block {
	readonly family: Family;
	readonly kind: KindName;
	readonly services: readonly BenchService[];
}

interface Cell extends Block {
	readonly mode: ModeName;
	readonly rates: TrafficRate[];
}

/** What clients connect to: the last service, or its backends. */
export function targetOf(
	{direct = false}: Mode,
	services: readonly BenchService[],
): Omit<Target, 'servers'> {
	const used = services.at(-1);
	const [first] = used?.backends ?? [];
	if (used === undefined || first === undefined) throw new TypeError('there is no service');
	if (!direct) return {addresses: [used.address], port: used.port};
	return {addresses: used.backends.map(({address}) => address), port: first.port};
}

/** One measurement, on a network that is made for it and goes with it. */
export async function measureMode(
	mode: Mode,
	{family, kind, services}: Block,
	milliseconds: number,
): Promise<TrafficRate> {
	// A stream keeps two CPUs busy; of exchanges the path is measured, not how CPUs wake each other.
	const lab = await makeServiceLab(kind === 'bulk' ? 1 : 0);
	let undo: () => unknown = () => undefined;
	try {
		undo = await mode.install({lab, family, services});
		const {client, servers} = lab;
		const target = {...targetOf(mode, services), servers};
		return await runTraffic(client, kinds[kind], target, milliseconds);
	} finally {
		await lab.net.close();
		await undo();
	}
}

/** The ratio is to plain routing in the same round, unless the row says otherwise. */
export async function benchServiceNetwork(size: ServiceNetworkSize): Promise<Figure[]> {
	requireTools(size.modes);
	const cells = blocksOf(size).flatMap(block =>
		size.modes
			.filter(mode => block.kind !== 'bulk' || (modes[mode] as Mode).bulk === true)
			.map((mode): Cell => ({...block, mode, rates: []})),
	);
	for (let round = 0; round < size.rounds; round++) {
		// Each follows each: none always runs after the one that left most behind.
		for (let i = 0; i < cells.length; i++) {
			const cell = cells[(i + round) % cells.length];
			if (cell === undefined) continue;
			cell.rates.push(await measureMode(modes[cell.mode], cell, size.milliseconds));
		}
	}

	return cells.flatMap(cell => figuresOf(cell, cells));
}

function blocksOf({counts}: ServiceNetworkSize): Block[] {
	const [fewest = 1] = counts;
	const lists = new Map<string, BenchService[]>();
	const block = (family: Family, kind: KindName, count: number): Block => {
		const key = `${family}/${count}`;
		const services = lists.get(key) ?? makeServices(family, count, backendsOf(family), 1);
		lists.set(key, services);
		return {family, kind, services};
	};
	return [
		...counts.flatMap(count => exchanges.map(kind => block(4, kind, count))),
		...exchanges.map(kind => block(6, kind, fewest)),
		...([4, 6] as const).map(family => block(family, 'bulk', fewest)),
	];
}

/** Of plain routing. */
const goals: Readonly<Partial<Record<string, Partial<Record<KindName, number>>>>> = {
	tc: {RR: 1.03, CRR: 1, RR32: 1.04, bulk: 1},
	socket: {RR: 0.98, CRR: 0.98, RR32: 0.98},
	sockmap: {RR: 1.8},
};
/** Of the kernel's own ways, and of itself with the fewest services: of skep's whole path. */
const whole: string = 'tc';
const ofOthers = 1.1;
const ofFewest = 0.98;

function figuresOf(cell: Cell, cells: readonly Cell[]): Figure[] {
	const {family, kind, services, mode} = cell;
	const find = (other: string, count = services.length): Cell | undefined =>
		cells.find(
			one =>
				one.mode === other &&
				one.family === family &&
				one.kind === kind &&
				one.services.length === count,
		);
	const plain = find('plain');
	const goal = goals[mode]?.[kind];
	if (kind === 'bulk') {
		return [
			figure(cell, mode, plain, {goal}),
			figure(cell, `${mode}, by the clock`, plain, {goal, unit: 'perSecond'}),
		];
	}

	const rows = [figure(cell, mode, plain, {goal})];
	if (mode !== whole) return rows;
	for (const other of ['iptables', 'nftables']) {
		const reference = find(other);
		if (reference) rows.push(figure(cell, `${mode}, × ${other}`, reference, {goal: ofOthers}));
	}

	const fewest = Math.min(...cells.map(one => one.services.length));
	const least = find(mode, fewest);
	if (least && services.length > fewest) {
		rows.push(figure(cell, `${mode}, × with ${fewest}`, least, {goal: ofFewest}));
	}

	return rows;
}

interface Judging {
	/** Least ratio to the reference. */
	readonly goal?: number | undefined;
	readonly unit?: 'perCpuSecond' | 'perSecond';
}

/** By CPU time, which says most whatever else the machine does, unless told. */
function figure(
	{family, kind, services, rates}: Cell,
	what: string,
	reference: Cell | undefined,
	{goal, unit = 'perCpuSecond'}: Judging,
): Figure {
	const value = (rate: TrafficRate): number => rate[unit];
	const own = rates.map(value);
	const latency = latencyOf(rates);
	const count = `${services.length} ${services.length === 1 ? 'service' : 'services'}`;
	const row: Figure = {
		what: `IPv${family} ${kind}, ${count}: ${what}`,
		median: kind === 'bulk' ? (median(own) * 8) / 1e9 : median(own),
		unit: kind === 'bulk' ? 'Gbit/s' : '/s',
		ratio: reference && ratioOf(own, reference.rates.map(value)),
		...(latency === undefined ? {} : {latency}),
	};
	return judge(row, goal === undefined ? undefined : atLeast(goal));
}

function latencyOf(rates: readonly TrafficRate[]): Figure['latency'] {
	const [p50 = NaN, p99 = NaN] = (['p50', 'p99'] as const).map(key =>
		median(rates.map(rate => rate[key] ?? NaN)),
	);
	return Number.isNaN(p50) ? undefined : {p50, p99};
}
