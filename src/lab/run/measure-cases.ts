/** The benchmark of a table of cases. */

import {setImmediate as turn} from 'node:timers/promises';

import {UsageError} from '../../base/errors.js';
import {median, summarize} from '../experiment/statistics.js';
import {packetsOf, type CaseTable, type PacketCase} from './cases.js';
import {MapWatch} from './map-watch.js';
import {bytesOf} from './packet-like.js';
import {runBytes, type PacketRun} from './run-packet.js';

/** How a table is measured. */
export interface MeasureCasesOptions {
	/** Runs of each case in a round; 10000 unless given. */
	readonly repeat?: number;
	/** How often all cases take their turn; 15 unless given. */
	readonly rounds?: number;
}

/** What a case costs. */
export interface CaseMeasurement {
	readonly name: string;
	/** Why the case was not measured: it does not do what the table says. */
	readonly failure: string | undefined;
	/** Packets of the case. */
	readonly packets: number;
	/**
	 * `repeated`: again and again in the kernel, on the same maps. `restored`: one run at a time, the
	 * maps brought back after each, so that it finds less in the CPU's caches, and the kernel's look
	 * at the clock counts.
	 */
	readonly method: 'repeated' | 'restored';
	/** Nanoseconds per packet in each round. */
	readonly rounds: readonly number[];
	/** Of the rounds, as are the others; NaN where nothing was measured. */
	readonly median: number;
	/** A quarter of the rounds took less. */
	readonly q1: number;
	/** A quarter of the rounds took more. */
	readonly q3: number;
	readonly min: number;
	readonly max: number;
}

/** What one case takes in a round without others having to wait for it too long. */
const longestRound = 20;
const fewestRuns = 3;

/**
 * Measures what a table tests, in nanoseconds per packet: the cases take turns in rounds, so that
 * a machine that slows down slows all of them. What is not as the table says is not measured.
 *
 * *Throws:* `ERR_USAGE`, `ERR_PROGRAM`, `ERR_MAP`.
 */
export async function measureCases(
	table: CaseTable,
	options: MeasureCasesOptions = {},
): Promise<CaseMeasurement[]> {
	const {repeat = 10_000, rounds = 15} = options;
	for (const [name, value] of Object.entries({repeat, rounds})) {
		if (Number.isInteger(value) && value > 0) continue;
		throw new UsageError(`measure cases: ${name} must be a positive whole number`);
	}

	const subjects = Array.from(table, ({name, run}, i) => {
		const {failure, runs} = run();
		const one = table.cases[i] as PacketCase;
		const method: CaseMeasurement['method'] =
			(one.repeatable ?? isRepeatable(runs)) && runs.length === 1 ? 'repeated' : 'restored';
		return {name, one, failure, method, times: [] as number[]};
	});
	const sound = subjects.filter(({failure}) => failure === undefined);
	for (let round = 0; round < rounds; round++) {
		for (let i = 0; i < sound.length; i++) {
			const subject = sound[(i + round) % sound.length];
			if (subject === undefined) continue;
			const {one, method, times} = subject;
			times.push(
				method === 'repeated' ? repeated(table, one, repeat) : restored(table, one, repeat),
			);
			await turn();
		}
	}

	return subjects.map(({name, one, failure, method, times}) => ({
		name,
		failure,
		packets: packetsOf(one).length,
		method,
		rounds: times,
		...pickStatistics(times),
	}));
}

function pickStatistics(times: readonly number[]) {
	const {median, q1, q3, min, max} = summarize(times);
	return {median, q1, q3, min, max};
}

/** Takes the same way when it is run again. */
function isRepeatable(runs: readonly PacketRun[]): boolean {
	return runs.every(
		({diff, metadata, effects}) =>
			diff === undefined &&
			metadata.length === 0 &&
			effects.every(({kind}) => kind === 'changed'),
	);
}

function repeated(table: CaseTable, one: PacketCase, repeat: number): number {
	using watch = new MapWatch(table.options.maps ?? table.program);
	try {
		one.prepare?.();
		const [step] = packetsOf(one);
		if (step === undefined) return NaN;
		const {program = table.program, packet} = step;
		return runBytes(program, bytesOf(packet), {...step, repeat}).result.duration;
	} finally {
		watch.restore();
	}
}

/** The median of as many runs as there is time for. */
function restored(table: CaseTable, one: PacketCase, repeat: number): number {
	using watch = new MapWatch(table.options.maps ?? table.program);
	const packets = packetsOf(one);
	const end = performance.now() + longestRound;
	const times: number[] = [];
	for (let i = 0; i < repeat && (i < fewestRuns || performance.now() < end); i++) {
		try {
			one.prepare?.();
			let sum = 0;
			for (const step of packets) {
				const {program = table.program, packet} = step;
				sum += runBytes(program, bytesOf(packet), step).result.duration;
			}

			times.push(sum / packets.length);
		} finally {
			watch.restore();
		}
	}

	return median(times);
}

/** The measurements as a table for people: median, the middle half of the rounds, minimum, maximum. */
export function formatMeasurements(measurements: readonly CaseMeasurement[]): string {
	const head = ['case', 'ns/packet', 'middle half', 'min', 'max', 'packets', 'runs'];
	const rows = measurements.map(one => {
		const {name, failure, packets, method} = one;
		const numbers = [one.median, one.q1, one.q3, one.min, one.max].map(time => time.toFixed(0));
		const [median = '', q1 = '', q3 = '', min = '', max = ''] = numbers;
		const times =
			failure === undefined ? [median, `${q1}..${q3}`, min, max] : ['failed', '', '', ''];
		return [name, ...times, String(packets), method];
	});
	const widths = head.map((_, i) => Math.max(...[head, ...rows].map(row => row[i]?.length ?? 0)));
	return [head, ...rows]
		.map(row =>
			row
				.map((cell, i) => {
					const width = widths[i] ?? 0;
					return i === 0 || i === row.length - 1
						? cell.padEnd(width)
						: cell.padStart(width);
				})
				.join('  ')
				.trimEnd(),
		)
		.join('\n');
}
