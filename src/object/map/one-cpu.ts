/** One CPU's value of a per-CPU map. */

import {constants} from 'node:os';

import {UsageError} from '../../base/errors.js';
import {mapLookup, mapLookupFlags, mapUpdateFlags, possibleCpus} from '../../kernel/sys/map.js';
import {elementFlags} from '../../uapi/flags.js';
import {UnsupportedError} from '../../kernel/features/unsupported-error.js';
import {elementError, MapError} from './map-error.js';
import {isPerCpu} from '../../uapi/map-kinds.js';
import {type MapInfo} from './map-info.js';

const {EINVAL, ENOENT} = constants.errno;

interface Element {
	readonly fd: number;
	readonly info: MapInfo;
	readonly key: Uint8Array | null;
	/** Room for the values of all CPUs. */
	readonly values: Uint8Array;
	readonly cpu: number;
}

/** The number of the CPU goes into the upper half of the flags. */
function flagsFor(cpu: number): bigint {
	return BigInt(elementFlags.cpu) | (BigInt(cpu) << 32n);
}

/**
 * Reads one CPU's value; where in `values` it begins, or undefined without such a key. Kernels before
 * 7.0 give all values, of which one is taken. *Throws:* `ERR_MAP`, `ERR_USAGE`.
 */
export function readCpu(element: Element): number | undefined {
	const {fd, info, key, values, cpu} = element;
	check('read', info, cpu);
	let at = 0;
	let result = mapLookupFlags(fd, key, values, flagsFor(cpu));
	if (result === -EINVAL) {
		result = mapLookup(fd, key, values, 0);
		at = (cpu * values.length) / possibleCpus();
	}

	if (result === -ENOENT) return undefined;
	if (result < 0) throw elementError('read', info.name, -result);
	return at;
}

/**
 * Writes the value that stands first in `values` for one CPU and leaves those of the others.
 * *Throws:* `ERR_MAP`, `ERR_USAGE`, `ERR_UNSUPPORTED`. *Kernel:* 7.0.
 */
export function writeCpu(element: Element, mode: number): void {
	const {fd, info, key, values, cpu} = element;
	check('write', info, cpu);
	const result = mapUpdateFlags(fd, key, values, flagsFor(cpu) | BigInt(mode));
	// Writing back what was read would undo what the other CPUs count meanwhile.
	if (result === -EINVAL) {
		const action = `write map "${info.name}"`;
		throw new UnsupportedError(action, 'writing the value of one CPU', '7.0', {errno: EINVAL});
	}

	if (result < 0) throw elementError('write', info.name, -result);
}

function check(action: string, info: MapInfo, cpu: number): void {
	if (!isPerCpu(info.type)) {
		throw new MapError(
			action,
			info.name,
			`a map of type ${info.type} has one value for all CPUs`,
		);
	}

	if (!Number.isInteger(cpu) || cpu < 0 || cpu >= possibleCpus()) {
		throw new UsageError(
			`${action} map "${info.name}": CPU ${cpu} is not one of ${possibleCpus()} possible CPUs`,
		);
	}
}
