/** The entries of conntrack that a filter means, read while they change. */

import {viewOf} from '../../base/bytes.js';
import {Turns} from '../../base/turns.js';
import type {BpfMap} from '../../object/map/map.js';
import type {Batch, ScanOptions} from '../../object/map/scan.js';
import type {CtEntry, CtTuple} from '../layout/conntrack.js';
import type {ClockReading} from './flow-clock.js';
import {flowOf, type Flow} from './flow.js';
import type {FlowCondition, FlowMatch, FlowTable} from './flow-filter.js';

/** A map of conntrack. */
export interface FlowMap extends FlowTable {
	/** As pinned, with prefix. */
	readonly name: string;
	readonly map: BpfMap<CtTuple, CtEntry>;
}

/** How flows are read. */
export interface FlowScanOptions {
	/**
	 * `locked` unless given: a flow that is there all the time is read once, none torn. `fast`: by a
	 * program in the kernel, without locks; see `FastOptions`. *Kernel:* 5.14.
	 */
	readonly consistency?: 'locked' | 'fast';
}

/**
 * Flows, read as they are iterated over: each iteration reads anew. Iterated asynchronously, they are
 * read off the event loop.
 */
export class FlowList implements Iterable<Flow>, AsyncIterable<Flow> {
	private readonly maps: readonly FlowMap[];
	private readonly condition: FlowCondition;
	private readonly options: FlowScanOptions;
	private readonly clock: () => ClockReading;

	/** Use `Conntrack.list`. */
	constructor(
		maps: readonly FlowMap[],
		condition: FlowCondition,
		options: FlowScanOptions,
		clock: () => ClockReading,
	) {
		this.maps = maps;
		this.condition = condition;
		this.options = options;
		this.clock = clock;
	}

	/** Without giving the event loop its turns. */
	*[Symbol.iterator](): Generator<Flow, void, undefined> {
		for (const [map, match] of this.scanned()) {
			for (const batch of map.map.raw.batches(
				scanOptions(map, this.condition, this.options),
			)) {
				const decode = decoder(map, batch, match, this.clock());
				for (let i = 0; i < batch.count; i++) {
					const flow = decode(i);
					if (flow !== undefined) yield flow;
				}
			}
		}
	}

	/** The same, with turns for the event loop. */
	async *[Symbol.asyncIterator](): AsyncGenerator<Flow, void, undefined> {
		const turns = new Turns();
		for (const [map, match] of this.scanned()) {
			const options = {batchSize: 1024, ...scanOptions(map, this.condition, this.options)};
			for await (const batch of map.map.raw.batches(options)) {
				const decode = decoder(map, batch, match, this.clock());
				for (let i = 0; i < batch.count; i++) {
					if (turns.isDue()) await turns.next();
					const flow = decode(i);
					if (flow !== undefined) yield flow;
				}
			}
		}
	}

	private scanned(): [FlowMap, FlowMatch][] {
		return this.maps.flatMap((map): [FlowMap, FlowMatch][] => {
			const match = this.condition.matchFor(map);
			return match === undefined ? [] : [[map, match]];
		});
	}
}

/** How a map is read for a filter. */
export function scanOptions(
	table: FlowTable,
	condition: FlowCondition,
	{consistency}: FlowScanOptions,
): ScanOptions {
	return consistency === 'fast' ? {consistency, filter: condition.narrow(table)} : {};
}

/** Gives the flow of an element of a batch, if it is meant. */
function decoder(
	{family, map}: FlowMap,
	{keys, values, keySize, valueStride}: Batch,
	match: FlowMatch,
	clock: ClockReading,
): (index: number) => Flow | undefined {
	const isMeant = match(keys, values);
	const [keyView, valueView] = [viewOf(keys), viewOf(values)];
	const {keyCodec, valueCodec} = map;
	return i => {
		const [keyAt, valueAt] = [i * keySize, i * valueStride];
		if (!isMeant(keyAt, valueAt)) return undefined;
		const entry = valueCodec.decode(valueView, valueAt);
		return flowOf(keyCodec.decode(keyView, keyAt), entry, family, clock);
	};
}
