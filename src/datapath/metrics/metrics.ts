/** Packets and bytes by what became of them. */

import {setTimeout as sleep} from 'node:timers/promises';

import {UsageError} from '../../base/errors.js';
import {DatapathError} from '../datapath-error.js';
import type {MetricsKey, MetricsPending, MetricsValue} from '../layout/counters.js';
import type {DatapathMaps} from '../maps.js';
import {
	ciliumSourceFiles,
	meaningOf,
	metricDirections,
	metricReasonText,
	sourceFiles,
} from '../reasons.js';

/** What became of packets at one place of the programs. */
export interface MetricsRow {
	/** Number of a drop reason, or below 128 of another one: 0 is forwarded. */
	readonly reason: number;
	readonly reasonText: string;
	readonly direction: string;
	/** Of all CPUs. */
	readonly packets: bigint;
	/** Of all CPUs. */
	readonly bytes: bigint;
	/** Where the programs count it; 0 where they do not tell, as those of Cilium 1.15. */
	readonly line: number;
	/** The file's name, or its number where it is not known; empty where they do not tell. */
	readonly file: string;
}

/** How metrics are watched. */
export interface WatchMetricsOptions {
	/** Milliseconds between two looks; 1000 unless given. */
	readonly interval?: number;
	/** Ends it, without an error. */
	readonly signal?: AbortSignal;
}

/** The metrics of a datapath, skep's own or Cilium's. */
export class Metrics {
	private readonly maps: DatapathMaps;

	constructor(maps: DatapathMaps) {
		this.maps = maps;
	}

	/**
	 * All rows, the most packets first.
	 *
	 * Counts are exact: what CPUs have counted and not yet put into the map is added. Of packets that
	 * pass meanwhile each is in it or not, as a whole but for its bytes. *Throws:* `ERR_DATAPATH`.
	 */
	list(): MetricsRow[] {
		const before = this.readCounted();
		const pending = this.readPending();
		const after = pending === undefined ? before : this.readCounted();
		for (const [name, cpus] of pending ?? []) {
			const counted = after.get(name) ?? {key: cpus.key, cpus: []};
			after.set(name, {key: counted.key, cpus: add(before.get(name), counted, cpus)});
		}

		const files = pending === undefined ? ciliumSourceFiles : sourceFiles;
		return [...after.values()]
			.map(({key, cpus}) => rowOf(key, cpus, files))
			.filter(({packets, bytes}) => packets > 0n || bytes > 0n)
			.sort((a, b) => Number(b.packets - a.packets));
	}

	/** What was added to each row since the look before, interval after interval; rows that grew. */
	async *watch(options: WatchMetricsOptions = {}): AsyncGenerator<MetricsRow[], void, undefined> {
		const {interval = 1000, signal} = options;
		if (!Number.isInteger(interval) || interval < 1) {
			throw new UsageError(`watch metrics: interval must be a positive whole number`);
		}

		let before = new Map(this.list().map(row => [nameOfRow(row), row]));
		while (await pause(interval, signal)) {
			const rows = this.list();
			yield rows.flatMap(row => grownBy(row, before.get(nameOfRow(row))));
			before = new Map(rows.map(row => [nameOfRow(row), row]));
		}
	}

	/**
	 * Counts from 0 again; how many rows there were. A packet that passes meanwhile may count before or
	 * after. Needs maps opened with `write`. *Throws:* `ERR_DATAPATH`, `ERR_MAP`.
	 */
	flush(): number {
		if (!this.maps.write) {
			throw new DatapathError(
				'flush metrics of',
				this.maps.root,
				'its maps are open for reading only',
			);
		}

		const rows = this.list().length;
		// What is pending first: what a CPU moves meanwhile is taken with the rest.
		const pending = this.maps.metricsPending;
		if (pending?.known === true) {
			for (const slot of pending.map.keys()) pending.map.setEveryCpu(slot, nobody);
		}

		const map = this.maps.require('metrics');
		for (const key of [...map.keys()]) map.delete(key);
		return rows;
	}

	private readCounted(): Map<string, Counted> {
		const map = this.maps.require('metrics');
		return new Map([...map].map(([key, cpus]) => [nameOf(key), {key, cpus}]));
	}

	/** By key, what each CPU has; undefined on Cilium's nodes. */
	private readPending(): Map<string, Counted> | undefined {
		const found = this.maps.metricsPending;
		if (found?.known !== true) return undefined;
		const byName = new Map<string, {key: MetricsKey; cpus: Value[]}>();
		for (const [, cpus] of found.map) {
			for (const [cpu, value] of cpus.entries()) {
				if (value.count > 0n) addPending(byName, cpu, value, cpus.length);
			}
		}

		return byName;
	}
}

type Value = MetricsValue;

/** A key, and what each CPU has of it. */
interface Counted {
	readonly key: MetricsKey;
	readonly cpus: readonly Value[];
}

const nothing: Value = {count: 0n, bytes: 0n};
const nobody: MetricsPending = {reason: 0, dir: 0, line: 0, file: 0, ...nothing};

function addPending(
	byName: Map<string, {key: MetricsKey; cpus: Value[]}>,
	cpu: number,
	{count, bytes, ...key}: MetricsPending,
	cpus: number,
): void {
	const name = nameOf(key);
	const found = byName.get(name) ?? {key, cpus: Array.from({length: cpus}, () => nothing)};
	byName.set(name, found);
	const have = found.cpus[cpu] ?? nothing;
	found.cpus[cpu] = {count: have.count + count, bytes: have.bytes + bytes};
}

/**
 * What each CPU has in the map and before it. A CPU whose count in the map changed between the looks
 * has moved what was pending: then the later look alone says what it had at the time it did that.
 */
function add(before: Counted | undefined, after: Counted, pending: Counted): Value[] {
	return pending.cpus.map((waiting, cpu) => {
		const was = before?.cpus[cpu] ?? nothing;
		const is = after.cpus[cpu] ?? nothing;
		if (was.count !== is.count) return is;
		return {count: is.count + waiting.count, bytes: is.bytes + waiting.bytes};
	});
}

function nameOf({reason, dir, line = 0, file = 0}: MetricsKey): string {
	return `${reason} ${dir} ${line} ${file}`;
}

function nameOfRow({reason, direction, line, file}: MetricsRow): string {
	return `${reason} ${direction} ${line} ${file}`;
}

function rowOf(key: MetricsKey, cpus: readonly Value[], files: typeof sourceFiles): MetricsRow {
	const {reason, dir, line = 0, file = 0} = key;
	return {
		reason,
		reasonText: metricReasonText(reason),
		direction: meaningOf(metricDirections, dir),
		packets: cpus.reduce((sum, {count}) => sum + count, 0n),
		bytes: cpus.reduce((sum, {bytes}) => sum + bytes, 0n),
		line,
		file: file === 0 ? '' : meaningOf(files, file),
	};
}

/** A row that was evicted and counts anew has grown by all it has. */
function grownBy(row: MetricsRow, before: MetricsRow | undefined): MetricsRow[] {
	if (before === undefined || row.packets < before.packets) return [row];
	if (row.packets === before.packets) return [];
	return [{...row, packets: row.packets - before.packets, bytes: row.bytes - before.bytes}];
}

/** False when it is told to stop. */
async function pause(interval: number, signal: AbortSignal | undefined): Promise<boolean> {
	try {
		await sleep(interval, undefined, {...(signal !== undefined && {signal})});
		return true;
	} catch (error) {
		if (signal?.aborted === true) return false;
		throw error;
	}
}
