/** Tells what the datapath's programs do with packets. */

import {UsageError} from '../../base/errors.js';
import type {EventBatch} from '../../object/events/event-batch.js';
import {openDatapathMaps, type DatapathMaps, type DatapathMapsOptions} from '../maps.js';
import {CiliumEvents, hasPerfEvents} from './cilium-events.js';
import type {MonitorEvent} from './events.js';
import {prepareFilter, type MonitorFilter, type ReadyFilter} from './filter.js';
import {Listener} from './listener.js';
import {kindOfType} from './read-event.js';
import type {EventSource} from './source.js';

/** How a datapath is monitored. */
export interface MonitorOptions extends Pick<DatapathMapsOptions, 'root' | 'prefix'> {
	/** Events that are wanted; all unless given. */
	readonly filter?: MonitorFilter;
	/**
	 * Bytes of the ring, a power of two of at least a page; 4 MB unless given. On a Cilium node CPUs
	 * share them.
	 */
	readonly ringSize?: number;
	/**
	 * On a Cilium node: takes the events from the agent that reads them, which gets none until it is
	 * restarted. False unless given: then a node whose agent reads them is refused.
	 */
	readonly takeOver?: boolean;
	/** Closes the monitor. */
	readonly signal?: AbortSignal;
}

/** What a monitor has seen so far. */
export interface MonitorStats {
	/** Events of programs that it got. */
	readonly events: number;
	/** Of these, events that passed its filter. */
	readonly passed: number;
	/** Events that found its ring full. */
	readonly lost: number;
	/** Events that the rate limit held back from all monitors. */
	readonly limited: number;
}

const options = new Set(['root', 'prefix', 'filter', 'ringSize', 'takeOver', 'signal']);
const defaultRingSize = 4 << 20;
const eventsUsage = 2;

/**
 * Events of a datapath as they come: `for await (const event of monitor)` gives one after the other,
 * `each` batches to a callback. Programs write them into a ring of the monitor's own from its
 * beginning to `close()`.
 *
 * Events that the monitor did not get are told, as an event of kind `lost` in their place.
 */
export class Monitor implements AsyncIterable<MonitorEvent>, Disposable {
	private readonly maps: DatapathMaps;
	private readonly source: EventSource;
	private readonly filter: ReadyFilter;
	private readonly signal: AbortSignal | undefined;
	private readonly onAbort = (): void => this.close();
	private readonly counts = {events: 0, passed: 0, lost: 0, limited: 0};
	private limitedBefore: bigint;
	private isClosed = false;

	/** Use `monitor`. */
	constructor(
		maps: DatapathMaps,
		source: EventSource,
		filter: ReadyFilter,
		signal?: AbortSignal,
	) {
		this.maps = maps;
		this.source = source;
		this.filter = filter;
		this.signal = signal;
		this.limitedBefore = this.readLimited();
		if (signal?.aborted === true) this.close();
		else signal?.addEventListener('abort', this.onAbort);
	}

	/** Its place among those who listen; undefined on a Cilium node, where it has all of them. */
	get slot(): number | undefined {
		return this.source.slot;
	}

	get closed(): boolean {
		return this.isClosed;
	}

	get stats(): MonitorStats {
		return {...this.counts};
	}

	/** The events that are there now, without waiting. */
	read(): MonitorEvent[] {
		if (this.isClosed) throw new UsageError('read monitor: it is closed');
		const events: MonitorEvent[] = [];
		for (;;) {
			const batch = this.source.reader.read();
			if (batch === undefined) return events;
			for (const event of this.eventsOf(batch)) events.push(event);
		}
	}

	/** Calls back with the events of a batch, and waits for what that returns, until it is closed. */
	async each(callback: (events: readonly MonitorEvent[]) => unknown): Promise<void> {
		for await (const batch of this.source.reader) {
			const events = this.eventsOf(batch);
			if (events.length > 0) await callback(events);
		}
	}

	/** Events as they come, until the monitor is closed. Leaving the loop leaves it open. */
	async *[Symbol.asyncIterator](): AsyncGenerator<MonitorEvent, void, undefined> {
		for await (const batch of this.source.reader) yield* this.eventsOf(batch);
	}

	/** Takes the ring out of the datapath; loops end. */
	close(): void {
		if (this.isClosed) return;
		this.isClosed = true;
		this.signal?.removeEventListener('abort', this.onAbort);
		this.source.close();
		this.maps.close();
	}

	/** Closes it. */
	[Symbol.dispose](): void {
		this.close();
	}

	/** The batch as events; what was lost stands in front. */
	private eventsOf(batch: EventBatch): MonitorEvent[] {
		const time = Date.now();
		const {source, filter, counts} = this;
		const events: MonitorEvent[] = [];
		const limited = this.newlyLimited();
		if (batch.lost > 0 || limited > 0) {
			counts.lost += batch.lost;
			counts.limited += limited;
			events.push({kind: 'lost', time, lost: batch.lost, limited});
		}

		let view: DataView<ArrayBuffer> | undefined;
		for (const bytes of batch.raw()) {
			counts.events++;
			const kind = kindOfType[bytes[0] ?? 0];
			if (kind === undefined ? !filter.isEmpty : !filter.kinds.has(kind)) continue;
			if (view?.buffer !== bytes.buffer) view = new DataView(bytes.buffer as ArrayBuffer);
			const {byteOffset: at, length} = bytes;
			const format = kind && source.formatOf(kind, view, at, length);
			if (kind === undefined || format === undefined) {
				events.push({kind: 'unknown', time, type: bytes[0] ?? 0, bytes: bytes.slice()});
				continue;
			}

			const event = format.read(kind, view, at, length, time);
			if (filter.passes(event)) events.push(event);
		}

		counts.passed += events.length - (batch.lost > 0 || limited > 0 ? 1 : 0);
		return events;
	}

	private readLimited(): bigint {
		const found = this.maps.ratelimitMetrics;
		return found?.known === true ? (found.map.get({usage: eventsUsage})?.dropped ?? 0n) : 0n;
	}

	private newlyLimited(): number {
		const now = this.readLimited();
		const limited = Number(now - this.limitedBefore);
		this.limitedBefore = now;
		return limited;
	}
}

/**
 * Listens to the datapath's events, skep's or those of Cilium 1.15 to 1.19; to be closed by the caller.
 * Several may at once, each with a ring of its own; on a Cilium node there is one reader.
 *
 * *Throws:* `ERR_USAGE`, `ERR_DATAPATH` where there is no datapath or every place is taken, `ERR_MAP`.
 * *Kernel:* 5.10 to see whether a Cilium node's events are read.
 */
export function monitor(given: MonitorOptions = {}): Monitor {
	const unknown = Object.keys(given).find(name => !options.has(name));
	if (unknown !== undefined) throw new UsageError(`monitor: there is no option "${unknown}"`);
	const {root, prefix, filter = {}, ringSize = defaultRingSize, takeOver = false, signal} = given;
	const ready = prepareFilter(filter);
	const where = {...(root !== undefined && {root}), ...(prefix !== undefined && {prefix})};
	const isCilium = hasPerfEvents(where, takeOver);
	const maps = openDatapathMaps({...where, write: true});
	let source: EventSource | undefined;
	try {
		source = isCilium ? new CiliumEvents(maps, ringSize) : Listener.open(maps, ringSize);
		return new Monitor(maps, source, ready, signal);
	} catch (error) {
		source?.close();
		maps.close();
		throw error;
	}
}
