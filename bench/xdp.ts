/** XDP: what a frame costs in a program, and how many a second it takes from a veth pair. */

import type {Program} from '../src/index.js';
import {ethernet, ipv4, ipv6, lab, packet, tcp, type Host} from '../src/lab/index.js';
import {Frames, onFirstCpu, type FrameRun} from './frames.js';
import {median, ratioOf} from './measure.js';
import {judge, type Figure} from './report.js';
import type {Family} from './service-list.js';
import {datapathBalancer} from './xdp-balancer.js';
import {
	exampleBalancer,
	frontend,
	prefilter,
	type Subject,
	type Subjects,
	type XdpPlace,
} from './xdp-subjects.js';

export interface XdpBenchSize {
	readonly rounds: number;
	/** Frames of each kind in a round. */
	readonly frames: number;
}

const makers: readonly ((place: XdpPlace) => Promise<Subjects>)[] = [
	exampleBalancer,
	prefilter,
	datapathBalancer,
];
const flows = 16;

interface Measured {
	readonly subject: Subject;
	readonly costs: number[];
	readonly rates: number[];
}

/** Costs are net of an empty program; ratios of rates are to sending each frame back. */
export async function benchXdp(size: XdpBenchSize): Promise<Figure[]> {
	const net = await lab({
		name: 'xdp',
		hosts: ['outside'],
		routers: ['node'],
		links: [['outside', 'node']],
	});
	const made: Subjects[] = [];
	const frames = await Frames.make();
	try {
		// Frames leave by it, and end there.
		net.hosts.outside.attachXdp(frames.program('drop'));
		for (const make of makers) made.push(await make(net.hosts));
		const back: Subject = {what: 'send back', program: frames.program('back'), verdict: 'tx'};
		const drop: Subject = {what: 'drop', program: frames.program('drop'), verdict: 'drop'};
		const subjects = [back, drop, ...made.flatMap(({list}) => list)];
		return measure(net.hosts, frames, subjects, size).flat();
	} finally {
		await net.close();
		for (const one of made) await one.close();
		frames.close();
	}
}

function measure(
	place: XdpPlace,
	frames: Frames,
	subjects: readonly Subject[],
	{rounds, frames: repeat}: XdpBenchSize,
): Figure[][] {
	const idle: number[] = [];
	const all = subjects.map((subject): Measured => ({subject, costs: [], rates: []}));
	const runOf = (family: Family, at: Host): FrameRun => {
		const frame = frameOf(family, place);
		return {frame, flows, repeat, at};
	};
	for (let round = -1; round < rounds; round++) {
		const nothing = runAt(place, frames.program('nothing'), program =>
			frames.run(program, runOf(4, place.node), 'pass'),
		);
		if (round >= 0) idle.push(nothing);
		for (const {subject, costs, rates} of all) {
			const {verdict, family = 4} = subject;
			const [cost, rate] = runAt(place, subject.program, program => [
				frames.run(program, runOf(family, place.node), verdict),
				sendTo(place, verdict, frames, runOf(family, place.outside)),
			]);
			if (round < 0) continue;
			costs.push(cost);
			rates.push(rate);
		}
	}

	const [back] = all;
	return all.map(({subject, costs, rates}) => {
		const {what, cost, rate, verdict} = subject;
		const net = judge({what, median: median(costs) - median(idle), unit: 'ns'}, cost);
		if (verdict === 'pass') return [net];
		const ratio = ratioOf(rates, back?.rates ?? []);
		const live = {
			what: `${what}: frames`,
			median: median(rates) / 1e6,
			unit: 'M/s',
			ratio,
		} as const;
		return [net, judge(live, rate)];
	});
}

/** Does something while the program is on the node's device. */
function runAt<T>({node}: XdpPlace, program: Program, work: (program: Program) => T): T {
	const link = node.attachXdp(program, node.interfaces[0]?.name);
	try {
		return onFirstCpu(() => work(program));
	} finally {
		link.close();
	}
}

/** Frames through the veth pair to the node and, where they are sent back, to the other end. */
function sendTo(
	{outside, node}: XdpPlace,
	verdict: Subject['verdict'],
	frames: Frames,
	run: FrameRun,
): number {
	// What passes would be the stack's to judge.
	if (verdict === 'pass') return 0;
	return frames.send(run, verdict === 'drop' ? node : outside);
}

function frameOf(family: Family, {outside, node}: XdpPlace): Uint8Array {
	const {address, port} = frontend(family);
	const source = family === 4 ? outside.ipv4 : outside.ipv6;
	const ends = {source, destination: address};
	const [from, to] = [outside.interfaces[0]?.mac ?? '', node.interfaces[0]?.mac ?? ''];
	return packet(
		ethernet({source: from, destination: to}),
		family === 4 ? ipv4(ends) : ipv6(ends),
		tcp({destinationPort: port, flags: 'A'}),
		'some data',
	).bytes;
}
