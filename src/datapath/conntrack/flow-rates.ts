/** Which flows are the busiest: counters, read twice. */

import {hostLittleEndian, viewOf} from '../../base/bytes.js';
import {Turns} from '../../base/turns.js';
import {ByteTable} from '../../object/map/byte-table.js';
import {scanOptions, type FlowMap, type FlowScanOptions} from './flow-list.js';
import type {FlowCondition, FlowMatch} from './flow-filter.js';
import {flowOf, type Flow} from './flow.js';
import type {ClockReading} from './flow-clock.js';

/** A flow and its speed. */
export interface FlowRate {
	readonly flow: Flow;
	readonly packetsPerSecond: number;
	readonly bytesPerSecond: number;
}

/** What makes a flow busy. */
export type RateOrder = 'packets' | 'bytes';

// The counters of any version are among the first bytes.
const countersSize = 32;

interface Counts {
	packets: number;
	bytes: number;
}

interface Candidate {
	readonly score: number;
	readonly rate: FlowRate;
}

/** Where the counters of entries are, by the version that has them there. */
function readCounts(bytes: DataView, at: number, byDirection: boolean): Counts {
	const u64 = (offset: number): number =>
		Number(bytes.getBigUint64(at + offset, hostLittleEndian));
	if (!byDirection) return {packets: u64(16), bytes: u64(24)};
	return {packets: u64(0) + u64(16), bytes: u64(8) + u64(24)};
}

/** Counters by flow. In parts, so that none of them takes long to grow. */
class Reading {
	private readonly parts: readonly ByteTable[];
	private readonly size: number;

	constructor(keySize: number) {
		this.size = keySize;
		this.parts = Array.from({length: 256}, () => new ByteTable(keySize, countersSize));
	}

	find(keys: Uint8Array, at: number): Uint8Array | undefined {
		const part = this.partOf(keys, at);
		const entry = part?.find(keys, at) ?? -1;
		return entry < 0 ? undefined : part?.value(entry);
	}

	set(keys: Uint8Array, keyAt: number, values: Uint8Array, valueAt: number): void {
		this.partOf(keys, keyAt)?.set(keys, keyAt, values, valueAt, 1);
	}

	private partOf(keys: Uint8Array, at: number): ByteTable | undefined {
		let sum = 0;
		for (let i = 0; i < this.size; i++) sum = (Math.imul(sum, 31) + (keys[at + i] ?? 0)) | 0;
		return this.parts[(sum ^ (sum >>> 8) ^ (sum >>> 16)) & 0xff];
	}
}

/** Reads the counters of flows again and again. */
export class FlowRates {
	private readonly maps: readonly FlowMap[];
	private readonly condition: FlowCondition;
	private readonly options: FlowScanOptions;
	private readonly readings = new Map<FlowMap, Reading>();
	private readAt: number | undefined;

	constructor(maps: readonly FlowMap[], condition: FlowCondition, options: FlowScanOptions) {
		this.maps = maps;
		this.condition = condition;
		this.options = options;
	}

	/**
	 * Reads all counters; the `limit` busiest flows since the last reading, none at the first. What was
	 * opened since then counts from nothing.
	 */
	async read(by: RateOrder, limit: number, clock: ClockReading): Promise<FlowRate[]> {
		const now = performance.now();
		const seconds = this.readAt === undefined ? undefined : (now - this.readAt) / 1000;
		this.readAt = now;
		const busiest = new Busiest(limit);
		for (const map of this.maps) {
			const match = this.condition.matchFor(map);
			if (match !== undefined) await this.readMap(map, match, {by, seconds, clock, busiest});
		}

		return busiest.rates();
	}

	private async readMap(
		table: FlowMap,
		match: FlowMatch,
		{by, seconds, clock, busiest}: RateRequest,
	): Promise<void> {
		const {map, family, byDirection} = {...table, byDirection: hasCountsByDirection(table)};
		const before = this.readings.get(table);
		const reading = new Reading(map.info.keySize);
		this.readings.set(table, reading);
		const turns = new Turns();
		const scan = {batchSize: 1024, ...scanOptions(table, this.condition, this.options)};
		for await (const {count, keys, values, keySize, valueStride} of map.raw.batches(scan)) {
			const isMeant = match(keys, values);
			const [keyView, valueView] = [viewOf(keys), viewOf(values)];
			for (let i = 0; i < count; i++) {
				if (turns.isDue()) await turns.next();
				const [keyAt, valueAt] = [i * keySize, i * valueStride];
				if (!isMeant(keyAt, valueAt)) continue;
				reading.set(keys, keyAt, values, valueAt);
				if (seconds === undefined || before === undefined) continue;
				const counts = readCounts(valueView, valueAt, byDirection);
				const old = before.find(keys, keyAt);
				if (old !== undefined) subtract(counts, readCounts(viewOf(old), 0, byDirection));
				const score = counts[by];
				if (score === 0 || !busiest.takes(score)) continue;
				const entry = map.valueCodec.decode(valueView, valueAt);
				const flow = flowOf(map.keyCodec.decode(keyView, keyAt), entry, family, clock);
				busiest.add({
					score,
					rate: {
						flow,
						packetsPerSecond: counts.packets / seconds,
						bytesPerSecond: counts.bytes / seconds,
					},
				});
			}
		}
	}
}

interface RateRequest {
	readonly by: RateOrder;
	/** Since the last reading. */
	readonly seconds: number | undefined;
	readonly clock: ClockReading;
	readonly busiest: Busiest;
}

function hasCountsByDirection({map}: FlowMap): boolean {
	const entry = map.valueCodec.decode(new DataView(new ArrayBuffer(map.info.valueSize)), 0);
	return entry.rx_packets !== undefined;
}

/** An entry with less than before is another flow's, opened under the same key. */
function subtract(counts: Counts, old: Counts): void {
	if (counts.packets < old.packets) return;
	counts.packets -= old.packets;
	counts.bytes = Math.max(0, counts.bytes - old.bytes);
}

/** The first few by score, the greatest first. */
class Busiest {
	private readonly limit: number;
	private readonly list: Candidate[] = [];

	constructor(limit: number) {
		this.limit = limit;
	}

	takes(score: number): boolean {
		return this.list.length < this.limit || score > (this.list.at(-1)?.score ?? 0);
	}

	add(candidate: Candidate): void {
		const place = this.list.findIndex(({score}) => score < candidate.score);
		this.list.splice(place < 0 ? this.list.length : place, 0, candidate);
		if (this.list.length > this.limit) this.list.pop();
	}

	rates(): FlowRate[] {
		return this.list.map(({rate}) => rate);
	}
}
