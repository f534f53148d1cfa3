/** The flows of a datapath: looked at, searched, ended, cleaned up. */

import {setTimeout} from 'node:timers/promises';

import {UsageError} from '../../base/errors.js';
import {Turns} from '../../base/turns.js';
import {DatapathError} from '../datapath-error.js';
import type {DatapathMaps} from '../maps.js';
import type {KnownLayout} from '../open-records.js';
import {monotonicClock, readClock, type ClockReading, type FlowClock} from './flow-clock.js';
import {FlowCondition, type FlowFilter} from './flow-filter.js';
import {FlowList, scanOptions, type FlowMap, type FlowScanOptions} from './flow-list.js';
import {FlowRates, type FlowRate, type RateOrder} from './flow-rates.js';
import {flowOf, tupleOf, type Flow, type FlowKey} from './flow.js';
import {
	collect,
	collectLoop,
	type GcLoopOptions,
	type GcOptions,
	type GcPass,
	type GcResult,
} from './gc.js';
import {drain, sweep} from './sweep.js';

/** How a datapath's flows are opened. */
export interface ConntrackOptions {
	/** The clock of its programs; for a Cilium node seconds of the monotonic clock unless given. */
	readonly clock?: FlowClock;
}

/** Which flows are listed, and how. */
export interface FlowListOptions extends FlowScanOptions {
	readonly filter?: FlowFilter;
}

/** Which flows are measured, and how. */
export interface TopOptions extends FlowListOptions {
	/** `bytes` unless given. */
	readonly by?: RateOrder;
	/** Flows at most: 20 unless given. */
	readonly limit?: number;
	/** Milliseconds between two readings: 1000 unless given. */
	readonly interval?: number;
	readonly signal?: AbortSignal;
}

const tables = [
	{name: 'ctTcp4', family: 4, tcp: true},
	{name: 'ctAny4', family: 4, tcp: false},
	{name: 'ctTcp6', family: 6, tcp: true},
	{name: 'ctAny6', family: 6, tcp: false},
] as const;

/** Flag of the node's own addresses among endpoints. */
const hostFlag = 1;

/**
 * The entries of conntrack in a datapath's maps, which stay the caller's. Methods that change entries
 * need maps opened with `write`. *Throws:* `ERR_DATAPATH` for maps that are not there or of a layout
 * that is not known, `ERR_MAP`.
 */
export class Conntrack {
	private readonly maps: DatapathMaps;
	private readonly given: FlowClock | undefined;
	private fallback: FlowClock | undefined;

	constructor(maps: DatapathMaps, options: ConntrackOptions = {}) {
		this.maps = maps;
		this.given = options.clock;
	}

	/** Flows, both families, read when the result is iterated over, by `for` or `for await`. */
	list({filter = {}, ...options}: FlowListOptions = {}): FlowList {
		const condition = new FlowCondition(filter);
		return new FlowList(this.tables(), condition, options, () => this.reading());
	}

	/** The entry of a flow, if it has one. */
	get(key: FlowKey): Flow | undefined {
		const {family, tcp, tuple} = tupleOf(key);
		const entry = this.table(family, tcp)?.map.get(tuple);
		return entry === undefined ? undefined : flowOf(tuple, entry, family, this.reading());
	}

	/** Forgets a flow; whether there was one. If it lives, its next packet opens it anew. */
	delete(key: FlowKey): boolean {
		this.requireWrite('delete flow from');
		const {family, tcp, tuple} = tupleOf(key);
		return this.table(family, tcp)?.map.delete(tuple) ?? false;
	}

	/**
	 * Forgets all flows, or those that the filter means; how many. A flow that is not meant any more
	 * when its turn comes stays.
	 */
	async flush(filter: FlowFilter = {}, {signal}: {signal?: AbortSignal} = {}): Promise<number> {
		this.requireWrite('flush flows of');
		const condition = new FlowCondition(filter);
		let deleted = 0;
		for (const table of this.tables()) {
			signal?.throwIfAborted();
			const match = condition.matchFor(table);
			if (match === undefined) continue;
			const swept = condition.isEmpty
				? await drain(table.map)
				: await sweep(table.map, match, signal);
			deleted += swept.deleted;
		}

		return deleted;
	}

	/** Forgets all flows from and to these addresses, whose endpoint is gone; how many. */
	async scrub(addresses: readonly string[]): Promise<number> {
		return addresses.length === 0 ? 0 : this.flush({address: addresses});
	}

	/** How many flows there are, or of those that the filter means. */
	async count({filter = {}, ...options}: FlowListOptions = {}): Promise<number> {
		const condition = new FlowCondition(filter);
		const turns = new Turns();
		let found = 0;
		for (const table of this.tables()) {
			const match = condition.matchFor(table);
			if (match === undefined) continue;
			const scan = {batchSize: 4096, ...scanOptions(table, condition, options)};
			for await (const batch of table.map.raw.batches(scan)) {
				const {count, keys, values, keySize, valueStride} = batch;
				const isMeant = match(keys, values);
				for (let i = 0; i < count; i++) {
					if (turns.isDue()) await turns.next();
					if (isMeant(i * keySize, i * valueStride)) found++;
				}
			}
		}

		return found;
	}

	/** The busiest flows between two readings. Rejects with the signal's reason. */
	async top(options: TopOptions = {}): Promise<FlowRate[]> {
		for await (const rates of this.watchTop(options)) return rates;
		options.signal?.throwIfAborted();
		return [];
	}

	/** The busiest flows since the last time, again and again until the signal is aborted. */
	async *watchTop(options: TopOptions = {}): AsyncGenerator<FlowRate[], void, undefined> {
		const {filter = {}, by = 'bytes', limit = 20, interval = 1000, signal} = options;
		if (!Number.isInteger(limit) || limit < 1)
			throw new UsageError(`top flows: limit ${limit}`);
		if (!(interval > 0)) throw new UsageError(`top flows: interval ${interval}`);
		const {consistency} = options;
		const how = consistency === undefined ? {} : {consistency};
		const rates = new FlowRates(this.tables(), new FlowCondition(filter), how);
		await rates.read(by, limit, this.reading());
		for (;;) {
			try {
				await setTimeout(interval, undefined, {...(signal && {signal})});
			} catch (error) {
				if (signal?.aborted === true) return;
				throw error;
			}

			yield await rates.read(by, limit, this.reading());
		}
	}

	/**
	 * Removes what is over, off the event loop. A flow that was opened anew before its turn came stays.
	 */
	async gc({family, signal}: GcOptions = {}): Promise<GcResult> {
		this.requireWrite('remove flows that are over from');
		const maps = this.tables().filter(table => family === undefined || table.family === family);
		const cleaned = maps.map(({name, map}) => ({name, maxEntries: map.info.maxEntries, map}));
		return collect(cleaned, this.reading().now, signal);
	}

	/**
	 * Removes what is over again and again until the signal is aborted, while there are endpoints: at
	 * once, after five minutes, and then sooner where much was over and later where little was, between
	 * ten seconds and twelve hours. A pass begins when its predecessor has been taken from the iterator.
	 */
	gcLoop({purge, ...options}: GcLoopOptions = {}): AsyncGenerator<GcPass, void, undefined> {
		this.requireWrite('remove flows that are over from');
		const collector = {
			collect: async (given: GcOptions) => this.gc(given),
			purge,
			hasEndpoints: () => this.hasEndpoints(),
		};
		return collectLoop(collector, options);
	}

	/** The layout of its entries, and how it was recognised. */
	get layout(): KnownLayout | undefined {
		for (const {name} of tables) {
			const found = this.maps[name];
			if (found?.known === true) return found.layout;
		}

		return undefined;
	}

	private hasEndpoints(): boolean {
		for (const [, {flags}] of this.maps.require('endpoints')) {
			if ((flags & hostFlag) === 0) return true;
		}

		return false;
	}

	private reading(): ClockReading {
		return readClock(this.given ?? (this.fallback ??= this.chooseClock()));
	}

	private chooseClock(): FlowClock {
		if (this.layout?.versions.includes('skep') !== true) return monotonicClock();
		throw new UsageError("read flows: skep's own need the datapath's clock: use openConntrack");
	}

	private table(family: 4 | 6, tcp: boolean): FlowMap | undefined {
		return this.tables().find(table => table.family === family && table.tcp === tcp);
	}

	/** Maps of both families, or of the one that the node has. */
	private tables(): FlowMap[] {
		const found = tables.flatMap(({name, family, tcp}): FlowMap[] => {
			if (this.maps[name] === undefined) return [];
			return [{name: this.maps[name].name, family, tcp, map: this.maps.require(name)}];
		});
		if (found.length > 0) return found;
		const detail = `nothing is pinned there by the name ${this.maps.prefix}ct4_global or the like`;
		throw new DatapathError('open flows of', this.maps.root, detail);
	}

	private requireWrite(action: string): void {
		if (this.maps.write) return;
		throw new DatapathError(action, this.maps.root, 'its maps are open for reading only');
	}
}
