/** Opens the flows of a datapath with the clock that its programs go by. */

import {DatapathClock} from '../clock.js';
import type {DatapathMaps} from '../maps.js';
import {Conntrack} from './conntrack.js';
import {jiffiesClock, monotonicClock} from './flow-clock.js';

/** How a datapath's flows are opened. */
export interface OpenConntrackOptions {
	/**
	 * What a Cilium node's programs go by: its `bpf-clock-probe` chooses `jiffies`; `monotonic` unless
	 * given. Skep's own programs are asked.
	 */
	readonly clock?: 'monotonic' | 'jiffies';
}

/** Flows and the clock that they end by. `close()` it; the maps stay the caller's. */
export class OpenConntrack extends Conntrack implements Disposable {
	private readonly own: DatapathClock | undefined;

	/** Use `openConntrack`. */
	constructor(maps: DatapathMaps, clock: 'monotonic' | 'jiffies' | DatapathClock) {
		const own = typeof clock === 'string' ? undefined : clock;
		super(maps, {clock: own ?? (clock === 'jiffies' ? jiffiesClock() : monotonicClock())});
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

/**
 * Opens the flows of a datapath, skep's or Cilium's. *Throws:* `ERR_DATAPATH`, and for skep's what
 * loading the program that reads the clock throws.
 */
export async function openConntrack(
	maps: DatapathMaps,
	{clock = 'monotonic'}: OpenConntrackOptions = {},
): Promise<OpenConntrack> {
	const isOwn = new Conntrack(maps).layout?.versions.includes('skep') === true;
	return new OpenConntrack(maps, isOwn ? await DatapathClock.open() : clock);
}
