/** What a packet costs in the datapath, beside a program that does its map look-ups and nothing else. */

import {ethernet, ipv4, ipv6, packet, tcp} from '../src/lab/index.js';
import {loadCollection, parseObject, type Collection, type Program} from '../src/index.js';
import {addresses, BenchNode, type NodeSize} from './datapath-node.js';
import {compileBench} from './flows.js';
import {median} from './measure.js';
import {below, judge, type Figure, type Goal} from './report.js';

/** How much of it is done. */
export interface DatapathBenchSize {
	/** Of connections that stand, on the larger of the two nodes. */
	readonly flows: number;
	readonly rounds: number;
	/** Packets of each kind in a round. */
	readonly packets: number;
}

interface Way {
	readonly what: string;
	readonly floor: string;
	readonly from: 'red' | 'blue';
	readonly to: keyof typeof addresses;
	readonly flags: 'S' | 'A';
	readonly verdict: 'redirect' | 'unspec' | 'shot';
	/** Packets are the server's, and `to` is the client. */
	readonly reply?: boolean;
	/** Every packet is of another flow. */
	readonly opens?: boolean;
}

const ways: readonly Way[] = [
	way('established', 'established', 'redirect', 'A'),
	{...way('its reply', 'reply', 'redirect', 'A'), reply: true},
	{...way('established, to the stack', 'stack', 'unspec', 'A'), to: 'world'},
	{...way('new', 'fresh', 'redirect', 'S'), opens: true},
	{...way('new, to the stack', 'fresh_stack', 'unspec', 'S'), to: 'world', opens: true},
	{...way('denied', 'denied', 'shot', 'S'), to: 'closed', opens: true},
];

function way(what: string, floor: string, verdict: Way['verdict'], flags: Way['flags']): Way {
	return {what, floor, verdict, flags, from: 'red', to: 'blue'};
}

const hotFlows = 16;
/** Enough that the kernel's least recently used entries make place for new ones. */
const endlessFlows = 1 << 28;
const instructionLimit = 1_000_000;
/** What the growth of maps may cost beyond their own, of the whole. */
const noise = 0.05;

type Family = 4 | 6;

/** Nanoseconds of a packet, net of an empty program; the ratio is to the floor. */
export async function benchDatapath(size: DatapathBenchSize): Promise<Figure[]> {
	const large = {prefixes: 10_000, policyEntries: 1000};
	const small = {prefixes: 4, policyEntries: 6};
	const grown = `${size.flows} flows`;
	const few = {...size, flows: hotFlows};
	const hot = await measureNode(small, few);
	// Of many flows most packets are looked at in full.
	const full = await measureNode({...small, shortcuts: false}, few);
	const many = await measureNode(large, size);
	return [
		...(await countInstructions()),
		...hot.map(cost => figure(cost, `${hotFlows} flows`)),
		...full
			.filter(({way: {opens}}) => opens !== true)
			.map(cost => rowOf(cost, `${hotFlows} flows in full`)),
		...many.map((cost, i) => figure(cost, grown, full[i])),
	];
}

interface Cost {
	readonly way: Way;
	readonly family: Family;
	readonly net: number;
	readonly floor: number;
}

function rowOf({way, family, net, floor}: Cost, where: string): Figure {
	return {
		what: `IPv${family} ${way.what}, ${where}`,
		median: net,
		unit: 'ns',
		ratio: floor / net,
	};
}

function figure(cost: Cost, where: string, hot?: Cost): Figure {
	const {way, floor} = cost;
	const row = rowOf(cost, where);
	if (hot !== undefined) {
		const most = (hot.net + Math.max(0, floor - hot.floor)) * (1 + noise);
		return judge(row, atMost(most));
	}

	return judge(row, way.opens ? undefined : below(150, 'ns'));
}

function atMost(nanoseconds: number): Goal {
	return {
		text: `≤ ${nanoseconds.toFixed(0)} ns`,
		met: ({median: value}) => value <= nanoseconds,
	};
}

async function countInstructions(): Promise<Figure[]> {
	const node = await BenchNode.make({prefixes: 4, policyEntries: 6});
	try {
		return node.programs().map(([name, instructions]) => {
			const share = ((instructions / instructionLimit) * 100).toFixed(1);
			const what = `${name}: verified instructions, ${share} % of the kernel's limit`;
			return judge(
				{what, median: instructions, unit: 'insns'},
				below(instructionLimit / 2, 'insns'),
			);
		});
	} finally {
		await node.close();
	}
}

async function measureNode(node: NodeSize, size: DatapathBenchSize): Promise<Cost[]> {
	const standing = await BenchNode.make(node);
	// New flows push the standing ones out of the maps: they have their own.
	const opened = await BenchNode.make(node);
	const vary = await Varied.make();
	try {
		const flows = openFlows(vary, standing, size.flows);
		const families: readonly Family[] = [4, 6];
		const runs = families.flatMap(family =>
			ways.map(way => {
				const place = way.opens === true ? opened : standing;
				const data = frame(way, family);
				const mask = (way.opens === true ? endlessFlows : flows) - 1;
				const run = (program: Program, verdict?: string) => () =>
					vary.run(program, data, {
						repeat: size.packets,
						mask,
						reply: way.reply === true,
						verdict,
					});
				return {
					way,
					family,
					samples: [
						run(vary.nothing),
						run(place.program, way.verdict),
						run(place.floor(`${way.floor}_${family}`)),
					],
					times: [[], [], []] as number[][],
				};
			}),
		);
		for (let round = -1; round < size.rounds; round++) {
			for (const {samples, times} of runs) {
				for (const [i, sample] of samples.entries()) {
					const time = sample();
					if (round >= 0) times[i]?.push(time);
				}
			}
		}

		return runs.map(({way, family, times}) => {
			const [nothing = NaN, whole = NaN, floor = NaN] = times.map(median);
			return {way, family, net: whole - nothing, floor: floor - nothing};
		});
	} finally {
		vary.close();
		await standing.close();
		await opened.close();
	}
}

/** Opens the flows that are measured later; how many of each way. */
function openFlows(vary: Varied, node: BenchNode, wanted: number): number {
	// Each has an entry for each of its endpoints on the node: five of three ways.
	const flows = wanted <= hotFlows ? wanted : 1 << Math.ceil(Math.log2(wanted / 4));
	for (const family of [4, 6] as const) {
		for (const way of ways.filter(({opens}) => opens !== true)) {
			const opener = way.reply === true ? {...way, from: 'blue', to: 'red'} : way;
			node.actAs(opener.from as 'red' | 'blue');
			const data = frame({...opener, flags: 'S'} as Way, family);
			const {verdict} = way;
			vary.run(node.program, data, {repeat: flows, mask: flows - 1, reply: false, verdict});
		}
	}

	node.actAs('red');
	const entries = node.connections();
	if (entries < flows * 10) throw new Error(`of ${flows * 10} entries there are ${entries}`);
	return flows;
}

function frame({from, to, flags}: Way, family: Family): Uint8Array {
	const i = family === 4 ? 0 : 1;
	const ends = {source: addresses[from][i], destination: addresses[to][i]};
	return packet(ethernet(), (family === 4 ? ipv4 : ipv6)(ends), tcp({flags}), 'some data').bytes;
}

interface VariedRun {
	readonly repeat: number;
	/** Of flows less one. */
	readonly mask: number;
	readonly reply: boolean;
	readonly verdict: string | undefined;
}

/** Runs programs on the packets of many flows. */
class Varied {
	readonly nothing: Program;
	private readonly collection: Collection;
	private readonly slots = new Map<Program, number>();

	private constructor(collection: Collection) {
		this.collection = collection;
		this.nothing = collection.program('nothing');
	}

	static async make(): Promise<Varied> {
		return new Varied(loadCollection(parseObject(await compileBench('vary'), {name: 'vary'})));
	}

	/** Nanoseconds of each; the last one's verdict is looked at. */
	run(program: Program, data: Uint8Array, {repeat, mask, reply, verdict}: VariedRun): number {
		const {collection} = this;
		collection.variable('target').set(this.slotOf(program));
		collection.variable('flow_mask').set(mask);
		collection.variable('reply').set(Number(reply));
		const result = collection.program('vary').run({data, repeat});
		if (verdict !== undefined && result.verdict !== verdict) {
			throw new Error(`${program.name}: "${String(result.verdict)}", not "${verdict}"`);
		}

		return result.duration;
	}

	close(): void {
		this.collection.close();
	}

	private slotOf(program: Program): number {
		const known = this.slots.get(program);
		if (known !== undefined) return known;
		const slot = this.slots.size;
		this.collection.map('targets').set(slot, program);
		this.slots.set(program, slot);
		return slot;
	}
}
