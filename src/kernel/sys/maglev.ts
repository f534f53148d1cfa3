/** Maglev's look-up tables, made on the thread pool. */

import {constants} from 'node:os';

import {UsageError} from '../../base/errors.js';
import {addon} from './addon.js';

/** A backend as its table knows it. */
export interface TableMember {
	/** Decides its places: the same on all nodes. */
	readonly name: string;
	readonly id: number;
	/** 1 to 65535. */
	readonly weight: number;
}

/**
 * A table of `size` ids. Members take turns in the order given. *Throws:* `ERR_USAGE` for none, and
 * for a size that is not one of Maglev's.
 */
export async function buildMaglevTable(
	size: number,
	seed: number,
	members: readonly TableMember[],
): Promise<Uint32Array> {
	const names = Buffer.from(members.map(({name}) => name).join(''));
	const records = Uint32Array.from(
		members.flatMap(({name, id, weight}) => [Buffer.byteLength(name), id, weight]),
	);
	const built = await addon.maglevTable(size, seed, names, new Uint8Array(records.buffer));
	if (typeof built === 'number') {
		const detail =
			built === -constants.errno.ENOMEM ? 'out of memory' : 'no such size, or members';
		throw new UsageError(`make Maglev table of ${size} for ${members.length}: ${detail}`);
	}

	return new Uint32Array(built);
}
