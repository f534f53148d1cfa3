import type {Answer} from './answer.js';

/** What features are of: kinds of program, map and link, what code may do, calls of bpf(2). */
export type FeatureGroup = 'program' | 'map' | 'link' | 'btf' | 'code' | 'call' | 'helper';

/** Something that a kernel has or has not, and how to find out. */
export interface Feature {
	/** `GROUP:NAME`. */
	readonly name: string;
	readonly group: FeatureGroup;
	/** The first kernel that has it; undefined where that is not known. */
	readonly since: string | undefined;
	/** Asks the kernel; leaves nothing behind. */
	probe(): Answer;
}
