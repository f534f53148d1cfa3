import {constants} from 'node:os';

import {mapLookup, mapNextKey} from '../../kernel/sys/map.js';
import {elementError} from './map-error.js';
import type {ScanStatus, ScanTarget} from './scan.js';

const {ENOENT} = constants.errno;

/** After how many elements a map is given up whose changes make the kernel start over. */
export const mostSteps = ({maxEntries}: ScanTarget): number => 4 * maxEntries + 1024;

/**
 * All elements key by key, for maps and kernels without batches.
 *
 * When the key it stands on is deleted, the kernel starts over; keys seen before are then passed
 * over, so each comes once. A map that changes faster than it can be walked ends the walk after a
 * bounded number of steps, with `complete` false.
 */
export function* walkKeys(
	target: ScanTarget,
	status: ScanStatus,
): Generator<{key: Uint8Array; value: Uint8Array}, void, undefined> {
	const {fd, name, keySize, valueStride} = target;
	const seen = new Set<string>();
	const value = new Uint8Array(valueStride);
	let key = new Uint8Array(keySize);
	let next = new Uint8Array(keySize);
	let from: Uint8Array | null = null;

	for (let left = mostSteps(target); left > 0; left--) {
		const result = mapNextKey(fd, from, next);
		if (result === -ENOENT) {
			status.complete = true;
			return;
		}

		if (result < 0) throw elementError('walk', name, -result);
		[key, next] = [next, key];
		from = key;
		const text = Buffer.from(key.buffer).toString('latin1');
		if (seen.has(text)) continue;
		seen.add(text);

		const found = mapLookup(fd, key, value, 0);
		// Deleted meanwhile, or an empty slot of a map of descriptors.
		if (found === -ENOENT) continue;
		if (found < 0) throw elementError('read', name, -found);
		yield {key, value};
	}
}
