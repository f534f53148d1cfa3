/**
 * Instructions that stand for what is not there. They are calls of helpers with numbers that no
 * kernel has: the verifier passes over them where they cannot be reached and refuses them elsewhere,
 * with the number in its log.
 */

import {hostLittleEndian} from '../../base/bytes.js';
import type {ProgramSpec} from '../../spec/types.js';

/** Plus the index of a use in `ProgramSpec.externs`. */
export const absentFunction = 0x7e_00_00_00;
/** Plus the index of a reference in `ProgramSpec.references`. */
export const absentMap = 0x7d_00_00_00;

const callOpcode = 0x85;

/** Puts calls of `number` in the place of a 16-byte load. */
export function poisonLoad(view: DataView, slot: number, number: number): void {
	for (const each of [slot, slot + 1]) {
		view.setUint32(each * 8, 0);
		view.setUint8(each * 8, callOpcode);
		view.setInt32(each * 8 + 4, number, hostLittleEndian);
	}
}

/** The verifier's log with what is not there called by its name, not by the number for it. */
export function nameAbsent(
	log: string,
	{externs, references}: Pick<ProgramSpec, 'externs' | 'references'>,
): string {
	if (!log.includes('unknown#')) return log;
	return log.replace(/(invalid func )?unknown#(\d+)/g, (text, refused, digits: string) => {
		const number = Number(digits);
		const use = externs[number - absentFunction];
		const map = references[number - absentMap]?.map;
		if (use !== undefined) {
			const {name} = use.extern;
			if (refused === undefined) return name;
			return `calls kernel function "${name}", which this kernel does not have`;
		}

		if (map === undefined) return text;
		return refused === undefined ? map : `uses map "${map}", which was switched off`;
	});
}
