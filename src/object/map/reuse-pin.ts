/** Finds or makes the pinned map that an object asks for. */

import {constants} from 'node:os';

import {addon} from '../../kernel/sys/addon.js';
import type {MapSpec} from '../../spec/types.js';
import {createMap, normalise, type CreateMapOptions} from './create-map.js';
import type {BpfMap} from './map.js';
import {mapFromFd} from './open-map.js';
import {compareMap, isUsable, MapMismatchError} from './map-mismatch.js';
import {PinError} from '../pin/pin-error.js';
import {pinObject, replacePin, tryOpenPin, unpinPath} from '../pin/pin.js';

/**
 * What to do when the pinned map is not what the object declares: `fail` with the differences,
 * `reuse` it where only the number of entries differs, or `recreate` it, losing what it holds.
 */
export type MismatchPolicy = 'fail' | 'reuse' | 'recreate';

/** A map that is pinned, or will be. */
export interface PinnedMap {
	readonly map: BpfMap;
	/** `opened` what was there, `created` and pinned, or `recreated`: takes the pin at `commit`. */
	readonly how: 'opened' | 'created' | 'recreated';
	/** Makes it final: puts a recreated map in its predecessor's place. */
	commit(): void;
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
		const fd = tryOpenPin(path);
		if (fd !== undefined && addon.fdKind(fd) !== 'map') {
			addon.closeFd(fd);
			throw new PinError(
				`open map "${spec.name}" at`,
				path,
				'what is pinned there is not a map',
			);
		}

		if (fd !== undefined) return adopt(spec, path, fd, policy, options);
		const map = createMap(spec, options);
		try {
			pinObject(map.fd, path, `map "${spec.name}"`);
			return {
				map,
				how: 'created',
				commit() {},
				rollback() {
					unpinPath(path);
					map.close();
				},
			};
		} catch (error) {
			map.close();
			// Somebody was faster: use theirs.
			if (error instanceof PinError && error.errno === constants.errno.EEXIST) continue;
			throw error;
		}
	}

	throw new PinError('pin map to', path, 'it appears and disappears all the time');
}

function adopt(
	spec: MapSpec,
	path: string,
	fd: number,
	policy: MismatchPolicy,
	options: CreateMapOptions,
): PinnedMap {
	const pinned = mapFromFd(fd, options);
	const differences = compareMap(pinned.info, normalise(spec));
	if (differences.length === 0 || (policy === 'reuse' && isUsable(differences))) {
		return {
			map: pinned,
			how: 'opened',
			commit() {},
			rollback: () => {
				pinned.close();
			},
		};
	}

	pinned.close();
	if (policy === 'recreate') return recreate(spec, path, options);
	const advice =
		policy === 'reuse' ? '; programs could not use it' : "; choose 'recreate' or another path";
	throw new MapMismatchError(spec.name, path, differences, advice);
}

function recreate(spec: MapSpec, path: string, options: CreateMapOptions): PinnedMap {
	const map = createMap(spec, options);
	return {
		map,
		how: 'recreated',
		commit() {
			replacePin(map.fd, path, `map "${spec.name}"`);
		},
		rollback() {
			map.close();
		},
	};
}
