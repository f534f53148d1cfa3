import {constants} from 'node:os';
import {setImmediate} from 'node:timers/promises';

import {UsageError} from '../../base/errors.js';
import type {Codec} from '../../format/codec/codec.js';
import {onlineCpus} from '../../kernel/host/cpus.js';
import {Fd} from '../../kernel/sys/fd.js';
import {mapDelete, mapUpdate, pageSize} from '../../kernel/sys/map.js';
import {MappedNumber} from '../../kernel/sys/memory.js';
import {perfOpenOutput} from '../../kernel/sys/perf-output.js';
import {Poller} from '../../kernel/sys/poller.js';
import {perfRingOpen, ringPending} from '../../kernel/sys/ring.js';
import {elementError, MapError} from '../map/map-error.js';
import type {BpfMap} from '../map/map.js';
import type {EventBatch} from './event-batch.js';
import {eventCodec, type EventTypeOptions} from './event-codec.js';
import {EventReader, type ReaderOptions} from './event-reader.js';
import {RingCopy} from './ring-copy.js';

const {ENODEV} = constants.errno;

export interface PerfBufferOptions extends EventTypeOptions, ReaderOptions {
	/** Pages of memory for each CPU, a power of two; 64 unless given. */
	readonly pages?: number;
	/** Wakes the reader once so many events of one CPU wait; 1 unless given. */
	readonly wakeup?: number;
	/** The CPUs that run, for a host where that list is not to be believed. */
	readonly cpus?: () => readonly number[];
	/**
	 * Who gives the reader's places back: the reader, unless given, or the kernel when the map is
	 * closed, which leaves those alone that somebody else has taken since.
	 */
	readonly placesEndWith?: 'reader' | 'map';
}

/** One CPU's event and its ring. */
interface CpuRing {
	readonly cpu: number;
	readonly event: Fd;
	readonly ring: MappedNumber;
	/** The CPU went offline: what it left behind is still read, nothing comes any more. */
	isGone: boolean;
}

// How often the list of CPUs is looked at, in milliseconds.
const cpuInterval = 1000;

/** Reads a perf buffer (`BPF_MAP_TYPE_PERF_EVENT_ARRAY`): one ring for each CPU. */
export class PerfBufferReader<T = unknown> extends EventReader<T> {
	private readonly map: BpfMap;
	private readonly copy: RingCopy<T>;
	private readonly options: Required<
		Pick<PerfBufferOptions, 'pages' | 'wakeup' | 'cpus' | 'placesEndWith'>
	>;
	private readonly events: Poller;
	private readonly timer: NodeJS.Timeout;
	private rings: CpuRing[] = [];
	private at = 0;

	/** Use `openPerfBuffer`. */
	constructor(map: BpfMap, codec: Codec | undefined, options: PerfBufferOptions) {
		const what = `perf buffer "${map.name}"`;
		const poller = new Poller(`the poller of ${what}`);
		super(what, poller, options.signal);
		const {pages = 64, wakeup = 1, cpus = onlineCpus, placesEndWith = 'reader'} = options;
		this.map = map;
		this.options = {pages, wakeup, cpus, placesEndWith};
		this.copy = new RingCopy('perf', map.name, pages * pageSize(), codec, options.bufferSize);
		this.events = poller;
		// A reader that everybody forgot must not live by its timer.
		const reader = new WeakRef(this);
		this.timer = setInterval(() => reader.deref()?.tryRefresh(), cpuInterval);
		this.timer.unref();
		try {
			this.refreshCpus();
		} catch (error) {
			this.close();
			throw error;
		}

		this.obeySignal();
	}

	/** CPUs that are read. */
	get cpus(): readonly number[] {
		return this.rings.filter(({isGone}) => !isGone).map(({cpu}) => cpu);
	}

	/** Reads the CPUs that came online, too; called every second. *Throws:* `ERR_MAP`. */
	refreshCpus(): void {
		const online = new Set(this.options.cpus());
		for (const cpu of online) {
			const known = this.rings.find(ring => ring.cpu === cpu);
			if (known?.isGone === false) continue;
			const opened = this.openRing(cpu);
			if (opened === undefined) continue;
			// The event of a CPU that came back does not come back with it.
			if (known !== undefined) closeRing(known);
			this.rings = [...this.rings.filter(ring => ring !== known), opened];
		}

		for (const ring of this.rings) ring.isGone = !online.has(ring.cpu);
	}

	protected next(): EventBatch<T> | undefined {
		for (let tries = this.rings.length; tries > 0; tries--) {
			const from = this.rings[this.at++ % this.rings.length];
			if (from === undefined) return undefined;
			const {batch, dropped, bytes} = this.copy.read(from.ring, lost => lost, from.cpu);
			const {counts} = this;
			counts.lost += dropped;
			counts.bytes += bytes;
			if (batch === undefined) continue;
			counts.events += batch.count;
			counts.batches++;
			return batch;
		}

		return undefined;
	}

	/**
	 * The kernel tells once that there are samples. Whatever came before the event loop asked for the
	 * first time has to be looked for.
	 */
	protected override async wait(): Promise<void> {
		await Promise.all([this.events.wait(), this.lookAgain()]);
	}

	protected release(): void {
		clearInterval(this.timer);
		const isOwner = this.options.placesEndWith === 'reader';
		for (const ring of this.rings) {
			if (isOwner && !this.map.closed) mapDelete(this.map.fd, indexBytes(ring.cpu));
			closeRing(ring);
		}

		this.rings = [];
	}

	private async lookAgain(): Promise<void> {
		await setImmediate();
		if (this.rings.some(({ring}) => ringPending('perf', ring) > 0)) this.events.stop();
	}

	private tryRefresh(): void {
		try {
			this.refreshCpus();
		} catch (error) {
			this.fail(error);
		}
	}

	/** Undefined for a CPU that is offline (again). */
	private openRing(cpu: number): CpuRing | undefined {
		const {name, fd} = this.map;
		const {pages, wakeup} = this.options;
		const opened = perfOpenOutput(cpu, wakeup);
		if (opened === -ENODEV) return undefined;
		if (opened < 0) throw elementError(`open an event of CPU ${cpu} for`, name, -opened);
		const event = new Fd(opened, `the event of CPU ${cpu} of perf buffer "${name}"`);
		const number = perfRingOpen(opened, pages);
		if (number < 0) {
			event.close();
			throw elementError(`map ${pages} pages of CPU ${cpu} for`, name, -number);
		}

		const ring = {
			cpu,
			event,
			ring: new MappedNumber(number, `the ring of CPU ${cpu} of perf buffer "${name}"`),
			isGone: false,
		};
		const value = indexBytes(opened);
		const error = this.events.add(opened) || mapUpdate(fd, indexBytes(cpu), value, 0);
		if (error === 0) return ring;
		closeRing(ring);
		throw elementError(`put CPU ${cpu} into`, name, -error);
	}
}

function closeRing({event, ring}: CpuRing): void {
	ring.close();
	event.close();
}

function indexBytes(index: number): Uint8Array {
	return new Uint8Array(new Uint32Array([index]).buffer);
}

/**
 * Opens a perf buffer for reading, on all CPUs; to be closed by the caller. Events are of the type
 * that is named, else bytes: at their end are up to 7 bytes of padding, which the kernel counts in.
 *
 * Programs send to the CPU they run on (`BPF_F_CURRENT_CPU`). The map keeps one reader for each CPU:
 * a second one takes the place of the first. The map has to stay open. *Kernel:* 4.4. *Throws:*
 * `ERR_MAP`, `ERR_USAGE`, `ERR_CODEC`.
 */
export function openPerfBuffer<T = unknown>(
	map: BpfMap,
	options: PerfBufferOptions = {},
): PerfBufferReader<T> {
	const {pages = 64, wakeup = 1} = options;
	if (map.info.type !== 'perf_event_array') {
		const detail = `it is no perf buffer but of type ${map.info.type}`;
		throw new MapError('read events of', map.name, detail);
	}

	if (!Number.isInteger(pages) || pages < 1 || (pages & (pages - 1)) !== 0 || pages > 1 << 20) {
		throw new UsageError(
			`read events of map "${map.name}": pages are a power of two, not ${pages}`,
		);
	}

	if (!Number.isInteger(wakeup) || wakeup < 1 || wakeup > 0xff_ff_ff_ff) {
		throw new UsageError(
			`read events of map "${map.name}": wakeup is a count of events, not ${wakeup}`,
		);
	}

	// The map's own values are descriptors, not events.
	const known = map.types === undefined ? undefined : {...map.types, valueTypeId: 0};
	return new PerfBufferReader<T>(map, eventCodec(map.name, known, options), options);
}
