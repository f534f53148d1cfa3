/** The translations of a datapath: looked at, ended, cleaned up. */

import {Turns} from '../../base/turns.js';
import {viewOf} from '../../base/bytes.js';
import type {BpfMap} from '../../object/map/map.js';
import type {Batch} from '../../object/map/scan.js';
import {DatapathClock} from '../clock.js';
import {
	jiffiesClock,
	monotonicClock,
	readClock,
	type ClockReading,
	type FlowClock,
} from '../conntrack/flow-clock.js';
import type {GcOptions, Purged} from '../conntrack/gc.js';
import {drain, sweep} from '../conntrack/sweep.js';
import {DatapathError} from '../datapath-error.js';
import type {CtTuple, NatEntry} from '../layout/conntrack.js';
import type {DatapathMaps} from '../maps.js';
import {NatCondition, type NatFilter} from './nat-filter.js';
import {orphans, type NatTables} from './orphans.js';
import {readStats, type NatFamily, type NatStats, type StatsOptions} from './stats.js';
import {translationOf, type Translation} from './translation.js';

/** Seconds; what is younger may be of a flow whose first packet is still on its way. */
const youth = 10;

/**
 * The entries of NAT in a datapath's maps, which stay the caller's. Methods that change entries need
 * maps opened with `write`. *Throws:* `ERR_DATAPATH` for maps that are not there or of a layout that
 * is not known, `ERR_MAP`.
 */
export class Nat {
	private readonly maps: DatapathMaps;
	private readonly clock: FlowClock;

	/** Use `openNat` where ages matter: the clock is the monotonic one unless given. */
	constructor(maps: DatapathMaps, clock: FlowClock = monotonicClock()) {
		this.maps = maps;
		this.clock = clock;
	}

	/** Translations, both families, read when the result is iterated over, by `for` or `for await`. */
	list({filter = {}}: {readonly filter?: NatFilter} = {}): NatList {
		const condition = new NatCondition(filter);
		return new NatList(this.families(), condition, () => readClock(this.clock));
	}

	/**
	 * Forgets all translations, or those that the filter means; how many. What lives gets new ones,
	 * and with them perhaps another port, which ends connections.
	 */
	async flush(filter: NatFilter = {}, {signal}: {signal?: AbortSignal} = {}): Promise<number> {
		this.requireWrite('flush translations of');
		const condition = new NatCondition(filter);
		let deleted = 0;
		for (const {family, map} of this.families()) {
			signal?.throwIfAborted();
			const match = condition.matchFor(family);
			if (match === undefined) continue;
			const swept = condition.isEmpty ? await drain(map) : await sweep(map, match, signal);
			deleted += swept.deleted;
		}

		return deleted;
	}

	/** Forgets all translations from and to these addresses, whose endpoint is gone; how many. */
	async scrub(addresses: readonly string[]): Promise<number> {
		const isThere = this.maps.nat4 !== undefined || this.maps.nat6 !== undefined;
		return addresses.length > 0 && isThere ? this.flush({address: addresses}) : 0;
	}

	/**
	 * Removes what no flow needs any more, off the event loop: entries whose flow conntrack does not
	 * have, and those that a flow has left for others. To be called after flows that are over were
	 * removed: entries of NAT have no end of their own.
	 */
	async purge({family: only, signal}: GcOptions = {}): Promise<Purged[]> {
		this.requireWrite('remove translations without flows from');
		const {now, seconds} = readClock(this.clock);
		const done = [];
		for (const {family, map, tables} of this.families()) {
			if (only !== undefined && family !== only) continue;
			const match = orphans(family, tables, now - youth / seconds);
			done.push({family, ...(await sweep(map, match, signal))});
		}

		return done;
	}

	/** How full it is, by family. Gives the event loop its turns. */
	async stats(options: StatsOptions = {}): Promise<NatStats[]> {
		const turns = new Turns();
		const found = [];
		for (const family of this.families()) found.push(await readStats(family, turns, options));
		return found;
	}

	private families(): NatFamily[] {
		const ipv6 = this.tablesOf(6);
		const found = ([4, 6] as const).flatMap((family): NatFamily[] => {
			const tables = family === 4 ? this.tablesOf(4, ipv6) : ipv6;
			if (tables === undefined) return [];
			const map = this.maps.require(`nat${family}`);
			const counts = this.maps[`natRetries${family}`];
			const retries =
				counts?.known === true ? this.maps.require(`natRetries${family}`) : undefined;
			return [{family, map, tables, retries}];
		});
		if (found.length > 0) return found;
		const detail = `nothing is pinned there by the name ${this.maps.prefix}snat_v4_external or the like`;
		throw new DatapathError('open translations of', this.maps.root, detail);
	}

	private tablesOf(family: 4 | 6, ipv6?: NatTables): NatTables | undefined {
		if (this.maps[`nat${family}`] === undefined) return undefined;
		return {
			nat: this.maps.require(`nat${family}`).raw,
			tcp: this.maps[`ctTcp${family}`]?.map.raw,
			any: this.maps[`ctAny${family}`]?.map.raw,
			ipv6,
		};
	}

	private requireWrite(action: string): void {
		if (this.maps.write) return;
		throw new DatapathError(action, this.maps.root, 'its maps are open for reading only');
	}
}

/** Translations, read as they are iterated over; asynchronously off the event loop. */
export class NatList implements Iterable<Translation>, AsyncIterable<Translation> {
	private readonly families: readonly NatFamily[];
	private readonly condition: NatCondition;
	private readonly clock: () => ClockReading;

	/** Use `Nat.list`. */
	constructor(
		families: readonly NatFamily[],
		condition: NatCondition,
		clock: () => ClockReading,
	) {
		this.families = families;
		this.condition = condition;
		this.clock = clock;
	}

	/** Without giving the event loop its turns. */
	*[Symbol.iterator](): Generator<Translation, void, undefined> {
		for (const {family, map} of this.families) {
			for (const batch of map.raw.batches()) {
				const decode = this.decoder(family, map, batch);
				for (let i = 0; i < batch.count; i++) {
					const translation = decode(i);
					if (translation !== undefined) yield translation;
				}
			}
		}
	}

	/** The same, with turns for the event loop. */
	async *[Symbol.asyncIterator](): AsyncGenerator<Translation, void, undefined> {
		const turns = new Turns();
		for (const {family, map} of this.families) {
			for await (const batch of map.raw.batches({batchSize: 1024})) {
				const decode = this.decoder(family, map, batch);
				for (let i = 0; i < batch.count; i++) {
					if (turns.isDue()) await turns.next();
					const translation = decode(i);
					if (translation !== undefined) yield translation;
				}
			}
		}
	}

	private decoder(
		family: 4 | 6,
		{keyCodec, valueCodec}: BpfMap<CtTuple, NatEntry>,
		{keys, values, keySize, valueStride}: Batch,
	): (index: number) => Translation | undefined {
		const isMeant = this.condition.matchFor(family)?.(keys, values);
		const [keyView, valueView] = [viewOf(keys), viewOf(values)];
		const clock = this.clock();
		return i => {
			const [keyAt, valueAt] = [i * keySize, i * valueStride];
			if (isMeant?.(keyAt, valueAt) !== true) return undefined;
			const tuple = keyCodec.decode(keyView, keyAt);
			return translationOf(tuple, valueCodec.decode(valueView, valueAt), family, clock);
		};
	}
}

/** Translations and the clock of their age. `close()` it; the maps stay the caller's. */
export class OpenNat extends Nat implements Disposable {
	private readonly own: DatapathClock | undefined;

	/** Use `openNat`. */
	constructor(maps: DatapathMaps, clock: FlowClock, own?: DatapathClock) {
		super(maps, clock);
		this.own = own;
	}

	/** Closes the clock. */
	close(): void {
		this.own?.close();
	}

	/** The same as `close()`: for `using`. */
	[Symbol.dispose](): void {
		this.close();
	}
}

/** How a datapath's translations are opened. */
export interface OpenNatOptions {
	/** What a Cilium node's programs go by: see `OpenConntrackOptions`. */
	readonly clock?: 'monotonic' | 'jiffies';
}

/**
 * Opens the translations of a datapath, skep's or Cilium's. *Throws:* `ERR_DATAPATH`, and for skep's
 * what loading the program that reads the clock throws.
 */
export async function openNat(
	maps: DatapathMaps,
	{clock = 'monotonic'}: OpenNatOptions = {},
): Promise<OpenNat> {
	const found = maps.nat4 ?? maps.nat6;
	if (found?.known === true && found.layout.versions.includes('skep')) {
		const own = await DatapathClock.open();
		return new OpenNat(maps, own, own);
	}

	return new OpenNat(maps, clock === 'jiffies' ? jiffiesClock() : monotonicClock());
}
