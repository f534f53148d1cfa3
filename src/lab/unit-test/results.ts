/** What a run of tests in C gives. */

import type {EbpfError} from '../../base/errors.js';
import type {PacketComparison} from './comparisons.js';
import type {SourcePlace} from './source-places.js';
import type {SubResult, TestStatus} from './suite-result.js';

/** A program of a case. */
export type Stage = 'pktgen' | 'setup' | 'check';

/** One run of a case's program: what went in and what came out. */
export interface StageRun {
	readonly stage: Stage;
	/** Name of the program. */
	readonly program: string;
	/** What it returned, unsigned. */
	readonly returnValue: number;
	/** The packet before and after; before `check`, with the status of `setup` in front. */
	readonly packetIn: Uint8Array;
	readonly packetOut: Uint8Array;
	/** `__sk_buff` as bytes, empty for XDP. */
	readonly contextIn: Uint8Array;
	readonly contextOut: Uint8Array;
	/** Nanoseconds, as the kernel measured. */
	readonly duration: number;
}

/** A part of a case, with the line that made it fail. */
export interface TestResult extends SubResult {
	/** Where its log says that it failed; undefined where it passed or does not say. */
	readonly place?: SourcePlace;
}

/** A case: its programs ran one after another on one packet. */
export interface UnitTestCase {
	readonly name: string;
	readonly status: TestStatus;
	/** One line: why, unless it passed. */
	readonly reason?: string;
	/** Where it failed outside of any sub-test. */
	readonly place?: SourcePlace;
	readonly results: readonly TestResult[];
	/** Lines logged outside of any sub-test. */
	readonly logs: readonly string[];
	/** Packets that were compared and are not the same. */
	readonly comparisons: readonly PacketComparison[];
	readonly stages: readonly StageRun[];
}

/** One object file. */
export interface SuiteReport {
	readonly file: string;
	/** `fail` with a failed case; `error` where the object could not be tested, or a case not be judged. */
	readonly status: TestStatus;
	/** Why the object could not be tested, or not to its end. */
	readonly error?: EbpfError;
	/** In the order in which they ran. */
	readonly cases: readonly UnitTestCase[];
	/** Milliseconds, loading included. */
	readonly duration: number;
}

/** All objects of a run. */
export interface UnitTestReport {
	/** In the order of the files given. */
	readonly suites: readonly SuiteReport[];
	/** Cases by how they ended. An object without results of its own counts as an error. */
	readonly counts: Readonly<Record<TestStatus, number>>;
	/** False with any failure or error, and when no case was found. */
	readonly passed: boolean;
}

/** The worst of several: an error, a failure; skipped only where nothing passed. */
export function worstStatus(statuses: readonly TestStatus[]): TestStatus {
	for (const status of ['error', 'fail', 'pass', 'skip'] as const) {
		if (statuses.includes(status)) return status;
	}

	return 'pass';
}
