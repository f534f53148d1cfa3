/** The time by which flows end. */

import {loadCollection} from '../object/collection/load-collection.js';
import type {Collection} from '../object/collection/collection.js';
import {prepareObject} from './objects.js';
import {mapSizes} from './sizes.js';

/** Seconds since the machine started, as the datapath counts them. `close()` it. */
export class DatapathClock implements Disposable {
	private readonly collection: Collection;

	private constructor(collection: Collection) {
		this.collection = collection;
	}

	/** Loads the program that reads the clock. *Throws:* `ERR_VERIFIER`, `ERR_PROGRAM`. */
	static async open(): Promise<DatapathClock> {
		return new DatapathClock(loadCollection(await prepareObject('clock', {}, mapSizes())));
	}

	/** *Throws:* `ERR_PROGRAM`. */
	now(): number {
		return this.collection.program('clock').run({data: new Uint8Array(64)}).returnValue;
	}

	/** Unloads the program. */
	close(): void {
		this.collection.close();
	}

	/** The same as `close()`: for `using`. */
	[Symbol.dispose](): void {
		this.close();
	}
}
