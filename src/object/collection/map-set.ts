import {UsageError} from '../../base/errors.js';
import {mapUpdate} from '../../kernel/sys/map.js';
import type {CollectionSpec, MapSpec} from '../../spec/types.js';
import {createMap, normalise} from '../map/create-map.js';
import {elementError} from '../map/map-error.js';
import {compareMap, isUsable, MapMismatchError} from '../map/map-mismatch.js';
import type {BpfMap} from '../map/map.js';
import {openPinnedMap} from '../map/open-map.js';
import {openOrCreatePinned, type PinnedMap} from '../map/reuse-pin.js';
import type {MigrateOptions} from '../migrate/converter.js';
import {Upgrade} from '../migrate/upgrade.js';
import type {Program} from '../program/program.js';
import {structOpsValue} from '../map/struct-ops.js';
import type {MapPin} from './collection.js';
import {StructOps} from './struct-ops.js';
import type {LoadCollectionOptions} from './load-collection.js';

/** The maps of a collection while it is being loaded. */
export class MapSet {
	readonly maps = Object.create(null) as Record<string, BpfMap>;
	/** Names of maps that were switched off. */
	readonly absent: ReadonlySet<string>;
	/** Maps that belong to someone else. */
	readonly borrowed = new Set<BpfMap>();
	readonly pins: MapPin[] = [];
	upgrade = new Upgrade([], new Map());
	private readonly pinned: PinnedMap[] = [];
	private readonly own: BpfMap[] = [];
	private readonly spec: CollectionSpec;
	private readonly options: LoadCollectionOptions;

	constructor(spec: CollectionSpec, options: LoadCollectionOptions) {
		this.spec = spec;
		this.options = options;
		const off = Object.entries(spec.maps).filter(([, {autocreate}]) => autocreate === false);
		this.absent = new Set(off.map(([name]) => name));
	}

	open(btfFd: number | undefined): void {
		for (const [name, map] of Object.entries(this.spec.maps)) {
			if (this.absent.has(name)) continue;
			const replacement = this.options.replaceMaps?.[name];
			this.maps[name] =
				replacement === undefined
					? this.openOne(name, map, btfFd)
					: this.replace(name, map, replacement);
		}

		const swaps = this.pinned.filter(pinned => pinned.predecessor !== undefined);
		const options = new Map<PinnedMap, MigrateOptions>();
		for (const {name, path} of this.pins) {
			const swap = swaps.find(each => each.path === path);
			if (swap !== undefined) options.set(swap, this.options.migrate?.[name] ?? {});
		}

		this.upgrade = new Upgrade(swaps, options);
	}

	/** Initial elements of maps of maps and program arrays, once there is what they hold. */
	fillSlots(programs: Readonly<Record<string, Program>>): void {
		for (const [name, {slots}] of Object.entries(this.spec.maps)) {
			const map = this.maps[name];
			if (slots === undefined || map === undefined) continue;
			if (this.options.replaceMaps?.[name] !== undefined) continue;
			for (const [index, target] of slots) {
				const object = this.maps[target] ?? programs[target];
				// A program that was left out leaves its slot empty.
				if (object === undefined) continue;
				const key = new Uint8Array(new Uint32Array([index]).buffer);
				const value = new Uint8Array(new Uint32Array([object.fd]).buffer);
				const result = mapUpdate(map.fd, key, value, 0);
				if (result < 0) throw elementError(`put "${target}" into`, name, -result);
			}
		}
	}

	/** Structs of the kernel's, complete with their programs. */
	structOps(programs: Readonly<Record<string, Program>>): Record<string, StructOps> {
		const found = Object.create(null) as Record<string, StructOps>;
		for (const [name, spec] of Object.entries(this.spec.maps)) {
			const map = this.maps[name];
			if (spec.structOps === undefined || map === undefined) continue;
			const {struct, link} = spec.structOps;
			const value = structOpsValue(spec, program => programs[program]?.fd);
			found[name] = new StructOps({name, struct, link}, map, value);
		}

		return found;
	}

	loaded(): void {
		for (const pinned of this.pinned) pinned.loaded();
	}

	rollback(): void {
		this.upgrade.dispose();
		for (const map of this.own) map.close();
		for (const pinned of this.pinned.reverse()) pinned.rollback();
	}

	private replace(name: string, wanted: MapSpec, replacement: BpfMap | string): BpfMap {
		const map =
			typeof replacement === 'string'
				? openPinnedMap(replacement, this.options.codecs?.[name])
				: replacement;
		if (map === replacement) this.borrowed.add(map);
		else this.own.push(map);
		const differences = compareMap(map.info, normalise(wanted), map.types);
		// How many entries it has, programs are not verified against.
		if (isUsable(differences)) return map;
		const path = typeof replacement === 'string' ? replacement : undefined;
		throw new MapMismatchError(name, path, differences, '; programs could not use it');
	}

	private openOne(name: string, map: MapSpec, btfFd: number | undefined): BpfMap {
		const options = {...this.options.codecs?.[name], btfFd};
		const path = this.pinPath(name, map);
		if (path === undefined) {
			const created = createMap(map, options);
			this.own.push(created);
			return created;
		}

		const policy = this.options.onMismatch ?? 'fail';
		const pinned = openOrCreatePinned(map, path, policy, options);
		this.pinned.push(pinned);
		this.pins.push({name, path, map: pinned.map, how: pinned.how});
		return pinned.map;
	}

	private pinPath(name: string, map: MapSpec): string | undefined {
		const {pinRoot, pinMaps} = this.options;
		const all = pinMaps === 'all' && map.contents === undefined;
		const isWanted =
			map.pinning === 'by-name' || (map.pinning === 'replace' && pinRoot !== undefined);
		if (!isWanted && !all) return undefined;
		if (pinRoot === undefined) {
			throw new UsageError(
				`load object "${this.spec.name}": map "${name}" wants to be pinned; give a pin root`,
			);
		}

		return `${pinRoot}/${name}`;
	}
}
