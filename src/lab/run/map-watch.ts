/** Tells from packet to packet what changed in the maps of a program, and brings them back. */

import {UsageError} from '../../base/errors.js';
import {Collection} from '../../object/collection/collection.js';
import type {BpfMap} from '../../object/map/map.js';
import {openMapById} from '../../object/map/open-map.js';
import {Program} from '../../object/program/program.js';
import type {MapType} from '../../uapi/map-types.js';
import {
	isDataSection,
	readEffects,
	takeSnapshot,
	undoEffects,
	type MapEffect,
	type MapSnapshot,
} from './map-snapshot.js';

/**
 * Which maps to look at before and after each packet: all of a collection's, or these. Without it,
 * those that the program uses, opened by their ids: that costs a millisecond each time, has no
 * codecs but the types', and knows names as the kernel cut them.
 */
export type WatchedMaps = Collection | readonly BpfMap[] | Readonly<Record<string, BpfMap>>;

/** A map that was not looked at. */
export interface UnwatchedMap {
	readonly map: string;
	readonly reason: string;
}

const watchable: ReadonlySet<MapType> = new Set<MapType>([
	'hash',
	'percpu_hash',
	'lru_hash',
	'lru_percpu_hash',
	'lpm_trie',
	'array',
	'percpu_array',
]);

/** Elements up to which maps that nobody chose are looked at: some ten milliseconds for a packet. */
const defaultLimit = 100_000;

/** `BPF_F_RDONLY_PROG`: programs cannot change it. */
const readOnlyForPrograms = 1 << 7;

interface Watched {
	readonly name: string;
	readonly map: BpfMap;
	readonly start: MapSnapshot;
	last: MapSnapshot;
}

/** The maps that a run looks at. */
export class MapWatch implements Disposable {
	readonly unwatched: UnwatchedMap[] = [];
	private readonly watched: Watched[] = [];
	private readonly own: BpfMap[] = [];

	/** Of a program, its maps. *Throws:* `ERR_MAP`; `ERR_USAGE` for a map that was chosen and cannot be listed. */
	constructor(maps: WatchedMaps | Program) {
		try {
			if (maps instanceof Program) {
				for (const id of maps.mapIds()) {
					const map = openMapById(id);
					this.own.push(map);
					this.add(nameOf(map), map, false);
				}
			} else if (maps instanceof Collection) {
				for (const [name, map] of Object.entries(maps.maps)) this.add(name, map, false);
			} else {
				const named = isList(maps) ? maps.map(map => [map.name, map] as const) : undefined;
				for (const [name, map] of named ?? Object.entries(maps)) this.add(name, map, true);
			}
		} catch (error) {
			this.close();
			throw error;
		}
	}

	private add(name: string, map: BpfMap, chosen: boolean): void {
		// Constants.
		if (!chosen && (map.info.flags & readOnlyForPrograms) !== 0) return;
		if (!watchable.has(map.info.type)) {
			const reason = `elements of type ${map.info.type} cannot be compared`;
			if (chosen) throw new UsageError(`watch map "${name}": ${reason}`);
			this.unwatched.push({map: name, reason});
			return;
		}

		const snapshot = takeSnapshot(map, chosen ? Infinity : defaultLimit);
		if (snapshot !== undefined) {
			this.watched.push({name, map, start: snapshot, last: snapshot});
			return;
		}

		const reason = `up to ${map.info.maxEntries} elements; name it to have it watched`;
		this.unwatched.push({map: name, reason});
	}

	/** By name, what is watched. */
	map(name: string): BpfMap | undefined {
		return this.watched.find(one => one.name === name)?.map;
	}

	get names(): string[] {
		return this.watched.map(({name}) => name);
	}

	/** What changed since the step before. */
	step(): MapEffect[] {
		return this.watched.flatMap(one => {
			const now = one.last.again();
			const raw = one.last.effects(now);
			one.last = now;
			return readEffects(one.name, one.map, raw);
		});
	}

	/** Takes what the maps hold now as what `step` starts from. */
	skip(): void {
		for (const one of this.watched) one.last = one.last.again();
	}

	/** Brings all maps back to where they were at first. */
	restore(): void {
		for (const one of this.watched) {
			undoEffects(one.map, one.start.effects(one.last.again()));
			one.last = one.start;
		}
	}

	close(): void {
		for (const map of this.own) map.close();
	}

	[Symbol.dispose](): void {
		this.close();
	}
}

function isList(maps: Exclude<WatchedMaps, Collection>): maps is readonly BpfMap[] {
	return Array.isArray(maps);
}

/** The kernel puts the object's name before that of a data section. */
function nameOf(map: BpfMap): string {
	const dot = map.name.lastIndexOf('.');
	return isDataSection(map) && dot > 0 ? map.name.slice(dot) : map.name;
}
