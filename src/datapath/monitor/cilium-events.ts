/** The events of a Cilium node, whose programs write to a perf buffer. */

import {hostLittleEndian} from '../../base/bytes.js';
import {openPerfBuffer, type PerfBufferReader} from '../../object/events/perf-buffer.js';
import {takenPerfPlaces} from './perf-places.js';
import {onlineCpus} from '../../kernel/host/cpus.js';
import {pageSize} from '../../kernel/sys/map.js';
import type {BpfMap} from '../../object/map/map.js';
import {DatapathError} from '../datapath-error.js';
import type {LayoutVersion} from '../layout/versions.js';
import {openDatapathMaps, type DatapathMaps, type DatapathMapsOptions} from '../maps.js';
import type {EventKind} from './events.js';
import {EventFormat} from './read-event.js';
import type {EventSource} from './source.js';

/** Where every event has the captured length, and from 1.18 bytes of version and extension. */
const at = {captured: 12, version: 14} as const;
/** Records are filled up to whole words. */
const padding = 8;

/** Layouts by the version in the event; a verdict's tells nothing, its length does. */
const layouts: Readonly<Record<EventKind, Readonly<Record<number, LayoutVersion>>>> = {
	drop: {1: '1.17', 2: '1.18', 3: '1.19'},
	trace: {1: '1.18', 2: '1.19'},
	'policy-verdict': {},
	'trace-sock': {},
};
const verdictLayouts = ['1.18', '1.19'] as const;

const formats = new Map<LayoutVersion, EventFormat>();

function formatFor(version: LayoutVersion): EventFormat {
	const format = formats.get(version) ?? new EventFormat(version);
	formats.set(version, format);
	return format;
}

/**
 * The layout of an event of Cilium 1.15 to 1.19: by its version, with which its length has to agree.
 * Undefined for others.
 */
export function ciliumFormat(
	kind: EventKind,
	view: DataView<ArrayBuffer>,
	offset: number,
	length: number,
): EventFormat | undefined {
	if (length < at.version + 2) return undefined;
	const version = view.getUint16(offset + at.version, hostLittleEndian);
	const captured = view.getUint16(offset + at.captured, hostLittleEndian);
	const fits = (layout: LayoutVersion): boolean => {
		const rest = length - formatFor(layout).sizeOf(kind) - captured;
		return rest >= 0 && rest < padding;
	};
	const named = layouts[kind][version];
	const possible =
		kind === 'policy-verdict' ? verdictLayouts : named === undefined ? [] : [named];
	const found = possible.find(fits);
	return found === undefined ? undefined : formatFor(found);
}

/**
 * The places of a perf buffer: each CPU has one, and with it goes whoever had it before. The kernel
 * gives them back when the map is closed, those that somebody else took meanwhile left alone.
 */
export class CiliumEvents implements EventSource {
	readonly slot = undefined;
	readonly reader: PerfBufferReader;
	readonly formatOf = ciliumFormat;

	/** Takes all places. `maps` are open for writing; `bytes` are for all CPUs. *Throws:* `ERR_MAP`. */
	constructor({events}: DatapathMaps, bytes: number) {
		if (events === undefined) throw new TypeError('there are no events');
		const pages = bytes / pageSize() / onlineCpus().length;
		const power = Math.max(0, Math.floor(Math.log2(pages)));
		const options = {pages: 2 ** power, placesEndWith: 'map'} as const;
		this.reader = openPerfBuffer(events.map as BpfMap, options);
	}

	close(): void {
		this.reader.close();
	}
}

/**
 * Whether a node's programs write to a perf buffer, as Cilium's do. Nothing is changed.
 *
 * *Throws:* `ERR_DATAPATH` where somebody reads it, unless that is to be taken over.
 */
export function hasPerfEvents(where: DatapathMapsOptions, takeOver: boolean): boolean {
	using maps = openDatapathMaps(where);
	const {root, events} = maps;
	if (events?.map.info.type !== 'perf_event_array') return false;
	if (takeOver || takenPerfPlaces(events.map).length === 0) return true;
	throw new DatapathError(
		'monitor datapath',
		root,
		'the agent reads its events: "cilium-dbg monitor" tells them. Each CPU has one reader: taken over (takeOver, --take-over), its place cannot be given back, and the agent gets no events until it is restarted',
	);
}
