/** Prefixes as keys: of denied sources, and of those that keep their addresses. */

import type {StructTable} from './fields.js';

/** Addresses of one family. */
export interface PrefixKey {
	readonly prefix: string;
}

/** What is said of them: nothing but that they are listed. */
export interface PrefixValue {
	readonly flags: number;
}

export const prefixStructs: StructTable = {
	lpm_v4_key: [['1.15-', 8, '0 lpm _4, 4 addr _4']],
	lpm_v6_key: [['1.15-', 20, '0 lpm _4, 4 addr _16']],
	lpm_val: [['1.15-', 1, '0 flags u8']],
};
