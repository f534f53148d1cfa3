import {constants} from 'node:os';

import {EbpfError} from '../../base/errors.js';
import {errnoName, errnoText} from '../../uapi/errno.js';

const {E2BIG, EEXIST, ENOENT, ENOSPC, EPERM} = constants.errno;

/** What can be wrong with an operation on a map. */
export type MapErrorCode = 'ERR_MAP' | 'ERR_KEY_EXISTS' | 'ERR_KEY_NOT_FOUND' | 'ERR_MAP_FULL';

/** An operation on a map failed: refused by the kernel, or not possible for this type of map. */
export class MapError extends EbpfError {
	static {
		this.prototype.name = 'MapError';
	}

	readonly code: MapErrorCode;
	readonly map: string;

	constructor(
		action: string,
		map: string,
		detail: string,
		options: {code?: MapErrorCode; errno?: number; cause?: unknown} = {},
	) {
		super(`${action} map "${map}": ${detail}`, options);
		this.code = options.code ?? 'ERR_MAP';
		this.map = map;
	}
}

/** The error for a kernel's refusal of an element operation. */
export function elementError(action: string, map: string, errno: number): MapError {
	switch (errno) {
		case EEXIST:
			return new MapError(action, map, 'the key exists', {code: 'ERR_KEY_EXISTS', errno});
		case ENOENT:
			return new MapError(action, map, 'no such key', {code: 'ERR_KEY_NOT_FOUND', errno});
		case ENOSPC:
			// Of tries.
			return new MapError(action, map, 'the map is full', {code: 'ERR_MAP_FULL', errno});
		case E2BIG:
			return new MapError(action, map, 'the map is full or the index is out of range', {
				code: 'ERR_MAP_FULL',
				errno,
			});
		case EPERM:
			return new MapError(
				action,
				map,
				`it is frozen, or open for the other way only (EPERM)`,
				{
					errno,
				},
			);
		default:
			return new MapError(action, map, `${errnoText(errno)} (${errnoName(errno)})`, {errno});
	}
}
