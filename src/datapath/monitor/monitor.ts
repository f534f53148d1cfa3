/** Tells what the datapath's programs do with packets. */

import {UsageError} from '../../base/errors.js';
import type {EventBatch} from '../../object/events/event-batch.js';
import {openRingBuffer, type RingBufferReader} from '../../object/events/ring-buffer.js';
import {DatapathError} from '../datapath-error.js';
import {openDatapathMaps, type DatapathMaps, type DatapathMapsOptions} from '../maps.js';
import type {MonitorEvent} from './events.js';
import {prepareFilter, type MonitorFilter, type ReadyFilter} from './filter.js';
import {Listener} from './listener.js';
import {EventFormat, kindOfType} from './read-event.js';

/** How a datapath is monitored. */
export interface MonitorOptions extends Pick<DatapathMapsOptions, 'root' | 'prefix'> {
	/** Events that are wanted; all unless given. */
	readonly filter?: MonitorFilter;
	/** Bytes of the ring, a power of two of at least a page; 4 MB unless given. */
	readonly ringSize?: number;
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

const options = new Set(['root', 'prefix', 'filter', 'ringSize', 'signal']);
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
	private readonly listener: Listener;
	private readonly reader: RingBufferReader;
	private readonly filter: ReadyFilter;
	private readonly format = new EventFormat();
	private readonly signal: AbortSignal | undefined;
	private readonly onAbort = (): void => this.close();
	private readonly counts = {events: 0, passed: 0, lost: 0, limited: 0};
	private limitedBefore: bigint;
	private isClosed = false;

	/** Use `monitor`. */
	constructor(maps: DatapathMaps, listener: Listener, filter: ReadyFilter, signal?: AbortSignal) {
		this.maps = maps;
		this.listener = listener;
		this.filter = filter;
		this.signal = signal;
		const lost = {get: () => this.readLost()};
		this.reader = openRingBuffer(listener.ring, {lost});
		try {
			this.limitedBefore = this.readLimited();
			this.listener.start();
		} catch (error) {
			this.reader.close();
			throw error;
		}

		if (signal?.aborted === true) this.close();
		else signal?.addEventListener('abort', this.onAbort);
	}

	/** Its place among those who listen. */
	get slot(): number {
		return this.listener.slot;
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
			const batch = this.reader.read();
			if (batch === undefined) return events;
			for (const event of this.eventsOf(batch)) events.push(event);
		}
	}

	/** Calls back with the events of a batch, and waits for what that returns, until it is closed. */
	async each(callback: (events: readonly MonitorEvent[]) => unknown): Promise<void> {
		for await (const batch of this.reader) {
			const events = this.eventsOf(batch);
			if (events.length > 0) await callback(events);
		}
	}

	/** Events as they come, until the monitor is closed. Leaving the loop leaves it open. */
	async *[Symbol.asyncIterator](): AsyncGenerator<MonitorEvent, void, undefined> {
		for await (const batch of this.reader) yield* this.eventsOf(batch);
	}

	/** Takes the ring out of the datapath; loops end. */
	close(): void {
		if (this.isClosed) return;
		this.isClosed = true;
		this.signal?.removeEventListener('abort', this.onAbort);
		this.reader.close();
		this.listener.close();
		this.maps.close();
	}

	/** Closes it. */
	[Symbol.dispose](): void {
		this.close();
	}

	/** The batch as events; what was lost stands in front. */
	private eventsOf(batch: EventBatch): MonitorEvent[] {
		const time = Date.now();
		const {format, filter, counts} = this;
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
			if (kind === undefined || !filter.kinds.has(kind)) continue;
			if (bytes.length < format.sizeOf(kind)) continue;
			if (view?.buffer !== bytes.buffer) view = new DataView(bytes.buffer as ArrayBuffer);
			const event = format.read(kind, view, bytes.byteOffset, bytes.length, time);
			if (filter.passes(event)) events.push(event);
		}

		counts.passed += events.length - (batch.lost > 0 || limited > 0 ? 1 : 0);
		return events;
	}

	/** Of all who ever owned the slot. */
	private readLost(): bigint {
		const found = this.maps.eventsLost;
		const perCpu = found?.known === true ? found.map.get(this.slot) : undefined;
		return perCpu?.reduce((sum, each) => sum + each, 0n) ?? 0n;
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
 * Listens to the datapath's events; to be closed by the caller. Several may at once, each with a ring
 * of its own.
 *
 * *Throws:* `ERR_USAGE`, `ERR_DATAPATH` where there is no datapath or every place is taken, `ERR_MAP`.
 */
export function monitor(given: MonitorOptions = {}): Monitor {
	const unknown = Object.keys(given).find(name => !options.has(name));
	if (unknown !== undefined) throw new UsageError(`monitor: there is no option "${unknown}"`);
	const {root, prefix, filter = {}, ringSize = defaultRingSize, signal} = given;
	const ready = prepareFilter(filter);
	const maps = openDatapathMaps({
		...(root !== undefined && {root}),
		...(prefix !== undefined && {prefix}),
		write: true,
	});
	let listener: Listener | undefined;
	try {
		refuseCilium(maps);
		listener = Listener.open(maps, ringSize);
		return new Monitor(maps, listener, ready, signal);
	} catch (error) {
		listener?.close();
		maps.close();
		throw error;
	}
}

/** Whoever takes a place in a perf event array takes it from the agent. */
function refuseCilium({events}: DatapathMaps): void {
	if (events === undefined || events.known) return;
	const {path, map} = events;
	if (map.info.type !== 'perf_event_array') return;
	const detail = "its events go to Cilium's agent, which tells them by 'cilium-dbg monitor'";
	throw new DatapathError('monitor datapath', path, detail);
}
