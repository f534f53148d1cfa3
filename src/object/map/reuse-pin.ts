/** Finds or makes the pinned map that an object asks for. */

import {constants} from 'node:os';

import {addon} from '../../kernel/sys/addon.js';
import type {MapSpec} from '../../spec/types.js';
import {PinError} from '../pin/pin-error.js';
import {pinObject, replacePin, tryOpenPin, unpinPath} from '../pin/pin.js';
import {
	asidePath,
	inspectTemporary,
	movePin,
	successorPath,
	sweepTemporaries,
} from '../pin/successor.js';
import {createMap, normalise, type CreateMapOptions} from './create-map.js';
import type {BpfMap} from './map.js';
import {mapFromFd, openPinnedMap} from './open-map.js';
import {compareMap, isUsable, MapMismatchError} from './map-mismatch.js';
import {canMigrate, hasNoElements} from './map-families.js';

/**
 * What to do when the pinned map is not what the object declares: `fail` with the differences,
 * `reuse` it where only the number of entries or names of fields differ, `recreate` it, losing what
 * it holds, or `migrate` what it holds into a new one that takes the pin at `Collection.commit()`.
 */
export type MismatchPolicy = 'fail' | 'reuse' | 'recreate' | 'migrate';

/**
 * `opened`: it was there. `created` and pinned. `recreated`: took the pin when everything was
 * loaded. `migrated` and `replaced`: takes the pin at `Collection.commit()`, with or without the
 * elements of its predecessor.
 */
export type PinOrigin = 'opened' | 'created' | 'recreated' | 'migrated' | 'replaced';

/** A map that is pinned, or will be. */
export interface PinnedMap {
	readonly map: BpfMap;
	readonly path: string;
	readonly how: PinOrigin;
	/** What has the pin until the commit of `migrated` and `replaced` maps. */
	readonly predecessor?: BpfMap;
	/** An earlier process had begun to use it as the successor, and never committed. */
	readonly resumed?: boolean;
	/** Once everything is loaded: puts a recreated map in its predecessor's place. */
	loaded(): void;
	/** Undoes everything: pins are as they were. */
	rollback(): void;
}

const attempts = 8;

/**
 * The map for `spec` at `path`. Two processes that race for a pin both end with the same map.
 *
 * *Throws:* `ERR_MAP_MISMATCH`, `ERR_PIN`, `ERR_BPFFS`, and what `createMap` throws.
 */
export function openOrCreatePinned(
	spec: MapSpec,
	path: string,
	policy: MismatchPolicy,
	options: CreateMapOptions,
): PinnedMap {
	for (let attempt = 0; attempt < attempts; attempt++) {
		sweepTemporaries(path);
		const fd = tryOpenPin(path);
		if (fd !== undefined && addon.fdKind(fd) !== 'map') {
			addon.closeFd(fd);
			throw new PinError(
				`open map "${spec.name}" at`,
				path,
				'what is pinned there is not a map',
			);
		}

		const pinned =
			fd === undefined
				? create(spec, path, options)
				: adopt(spec, path, mapFromFd(fd, options, spec), policy, options);
		if (pinned !== undefined) return pinned;
	}

	throw new PinError('pin map to', path, 'it appears and disappears all the time');
}

/** Undefined when somebody was faster: theirs is to be used. */
function create(spec: MapSpec, path: string, options: CreateMapOptions): PinnedMap | undefined {
	const map = createMap(spec, options);
	if (!tryPin(map, path)) return undefined;
	return {
		map,
		path,
		how: 'created',
		loaded() {},
		rollback() {
			unpinPath(path);
			map.close();
		},
	};
}

/** False, with the map closed, when something is pinned there. */
function tryPin(map: BpfMap, path: string): boolean {
	try {
		pinObject(map.fd, path, `map "${map.name}"`);
		return true;
	} catch (error) {
		map.close();
		if (error instanceof PinError && error.errno === constants.errno.EEXIST) return false;
		throw error;
	}
}

function adopt(
	spec: MapSpec,
	path: string,
	pinned: BpfMap,
	policy: MismatchPolicy,
	options: CreateMapOptions,
): PinnedMap | undefined {
	const wanted = normalise(spec);
	const differences = compareMap(pinned.info, wanted, pinned.types);
	const isSameType = pinned.info.type === wanted.type;
	// Filling one that programs use would mix old and new code.
	const isFresh = spec.type === 'prog_array' || spec.pinning === 'replace';
	const isSwapped = isFresh || (policy === 'migrate' && hasNoElements(spec.type));
	if (isSameType && isSwapped && (isFresh || differences.length > 0)) {
		return succeed(spec, path, pinned, 'replaced', options);
	}

	if (differences.length === 0 || (policy === 'reuse' && isUsable(differences))) {
		return {
			map: pinned,
			path,
			how: 'opened',
			loaded() {},
			rollback: () => {
				pinned.close();
			},
		};
	}

	if (policy === 'migrate' && canMigrate(pinned.info.type, wanted.type)) {
		return succeed(spec, path, pinned, 'migrated', options);
	}

	pinned.close();
	if (policy === 'recreate') return recreate(spec, path, options);
	throw new MapMismatchError(spec.name, path, differences, advice(policy, pinned, wanted));
}

function advice(policy: MismatchPolicy, pinned: BpfMap, wanted: MapSpec): string {
	if (policy === 'reuse') return '; programs could not use it';
	if (policy === 'migrate') {
		return `; the elements of a map of type ${pinned.info.type} cannot be migrated to one of type ${wanted.type}`;
	}

	return "; choose 'migrate', 'recreate' or another path";
}

/**
 * A new map that waits beside the pin, so that a crash leaves it to be found. The waiting pin is a
 * lock as well: there is one successor at a time.
 */
function succeed(
	spec: MapSpec,
	path: string,
	predecessor: BpfMap,
	how: 'migrated' | 'replaced',
	options: CreateMapOptions,
): PinnedMap | undefined {
	const next = successorPath(path);
	let map: BpfMap | undefined;
	try {
		map = resume(spec, path, how, options);
		const resumed = map !== undefined;
		if (map === undefined) {
			const made = createMap(spec, options);
			if (!tryPin(made, next)) {
				predecessor.close();
				return undefined;
			}

			map = made;
		}

		const successor = map;
		const rollback = (): void => {
			if (!resumed) unpinPath(next);
			successor.close();
			predecessor.close();
		};
		// A commit of somebody else may have passed since the pin was opened.
		if (!isPinnedAt(path, predecessor.info.id)) {
			rollback();
			return undefined;
		}

		return {map: successor, path, how, predecessor, resumed, loaded() {}, rollback};
	} catch (error) {
		map?.close();
		predecessor.close();
		throw error;
	}
}

function isPinnedAt(path: string, id: number): boolean {
	const fd = tryOpenPin(path);
	if (fd === undefined) return false;
	using map = mapFromFd(fd);
	return map.info.id === id;
}

/** The map that an interrupted upgrade left to programs that are still at work. */
function resume(
	spec: MapSpec,
	path: string,
	how: 'migrated' | 'replaced',
	options: CreateMapOptions,
): BpfMap | undefined {
	const next = successorPath(path);
	const waiting = inspectTemporary(next);
	if (waiting === undefined) return undefined;
	const {id, holders, users} = waiting;
	const [holder] = holders;
	if (holder !== undefined) {
		const detail = `${holder.command}(${holder.pid}) is about to replace it`;
		throw new PinError('replace pin', path, detail);
	}

	if (how === 'replaced') {
		movePin(next, asidePath(path, id));
		return undefined;
	}

	const map = openPinnedMap(next, options);
	const differences = compareMap(map.info, normalise(spec), map.types);
	if (differences.length === 0) return map;
	map.close();
	const names = users.map(user => `${user.name} (${user.id})`).join(', ');
	throw new MapMismatchError(
		spec.name,
		next,
		differences,
		`; ${names} use${users.length === 1 ? 's' : ''} it since an upgrade that was not committed: load that object again and commit, or detach`,
	);
}

function recreate(spec: MapSpec, path: string, options: CreateMapOptions): PinnedMap {
	const map = createMap(spec, options);
	return {
		map,
		path,
		how: 'recreated',
		loaded() {
			replacePin(map.fd, path, `map "${spec.name}"`);
		},
		rollback() {
			map.close();
		},
	};
}
