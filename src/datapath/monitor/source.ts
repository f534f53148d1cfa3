/** Where a monitor has its events from. */

import type {EventReader} from '../../object/events/event-reader.js';
import type {EventKind} from './events.js';
import type {EventFormat} from './read-event.js';

/** Events as bytes, and how they are read. */
export interface EventSource {
	/** Its place among those who listen; undefined where there is but one for each CPU. */
	readonly slot: number | undefined;
	readonly reader: EventReader<unknown>;
	/** The layout of an event; undefined where it is not known. */
	formatOf(
		kind: EventKind,
		view: DataView<ArrayBuffer>,
		offset: number,
		length: number,
	): EventFormat | undefined;
	/** Gives back what it has. */
	close(): void;
}
