/** A table of packets and what is to become of them: a test, and a benchmark. */

import {isEbpfError, UsageError} from '../../base/errors.js';
import type {Program} from '../../object/program/program.js';
import {checkRun, type ExpectedRun} from './check-run.js';
import {MapWatch, type WatchedMaps} from './map-watch.js';
import {runStep, type PacketRun, type PacketStep} from './run-packet.js';

/** One packet of a case, and what is expected of it; what is not given is not looked at. */
export interface CasePacket extends PacketStep, ExpectedRun {}

interface CaseHead {
	/** A statement of what happens; unique in its table. */
	readonly name: string;
	/** Fills maps before the first packet; what it writes to watched maps is undone as well. */
	readonly prepare?: () => void;
	/**
	 * Measured by running its packet again and again on the same maps, or each time on maps as they
	 * were. Unless given, a first run decides: what changes the packet, or adds or deletes elements,
	 * takes another way the second time.
	 */
	readonly repeatable?: boolean;
}

/** A case of one packet. */
export interface SinglePacketCase extends CaseHead, CasePacket {}

/** A case of several packets, one after the other against the same maps. */
export interface SequenceCase extends CaseHead {
	readonly packets: readonly CasePacket[];
}

/** A line of the table. */
export type PacketCase = SinglePacketCase | SequenceCase;

/** How a table is run. */
export interface CasesOptions {
	/** See `WatchedMaps`; they are brought back to where they were after each case. */
	readonly maps?: WatchedMaps;
}

/** What became of a case. */
export interface CaseResult {
	readonly name: string;
	readonly passed: boolean;
	/** What is not as expected, line by line; undefined when everything is. */
	readonly failure: string | undefined;
	/** A run for each packet, as far as it got. */
	readonly runs: readonly PacketRun[];
}

/** A case of a table, to be run by itself. */
export interface TableCase {
	readonly name: string;
	/** Runs it against maps as they are, and brings them back. Needs no `this`. */
	readonly run: () => CaseResult;
}

/** Cases for one program. */
export class CaseTable implements Iterable<TableCase> {
	readonly program: Program;
	readonly cases: readonly PacketCase[];
	readonly options: CasesOptions;

	/** Use `cases`. */
	constructor(program: Program, list: readonly PacketCase[], options: CasesOptions) {
		const names = new Set<string>();
		for (const {name} of list) {
			if (names.has(name)) throw new UsageError(`make cases: two are named "${name}"`);
			names.add(name);
		}

		this.program = program;
		this.cases = list;
		this.options = options;
	}

	/** The cases in their order: `for (const {name, run} of table) test(name, …)`. */
	*[Symbol.iterator](): Iterator<TableCase> {
		for (const each of this.cases) {
			yield {name: each.name, run: () => runCase(this, each)};
		}
	}
}

/**
 * Makes a table of cases, which says once what becomes of which packet: `runCases` tests it,
 * `measureCases` measures it. As tests of a framework, here ava:
 *
 *     for (const {name, run} of cases(program, table, {maps: collection})) {
 *         test(name, t => t.is(run().failure, undefined));
 *     }
 *
 * *Throws:* `ERR_USAGE` for two cases of one name.
 */
export function cases(
	program: Program,
	list: readonly PacketCase[],
	options: CasesOptions = {},
): CaseTable {
	return new CaseTable(program, list, options);
}

/** Runs all cases, each against the maps as they are now. */
export function runCases(table: CaseTable): CaseResult[] {
	return Array.from(table, one => one.run());
}

/** The packets of a case, one or several. */
export function packetsOf(one: PacketCase): readonly CasePacket[] {
	return 'packets' in one ? one.packets : [one];
}

function runCase(table: CaseTable, one: PacketCase): CaseResult {
	const runs: PacketRun[] = [];
	const failures: string[] = [];
	try {
		using watch = new MapWatch(table.options.maps ?? table.program);
		try {
			one.prepare?.();
			watch.skip();
			const packets = packetsOf(one);
			for (const [i, packet] of packets.entries()) {
				const run = runStep(table.program, packet, watch);
				runs.push(run);
				const wrong = checkRun(packet, run, watch);
				if (wrong.length === 0) continue;
				const which = packets.length > 1 ? `packet ${i + 1} of ${packets.length}, ` : '';
				failures.push(`${which}${String(run.packet)}`, ...wrong.map(indent));
			}
		} finally {
			watch.restore();
		}
	} catch (error) {
		if (!isEbpfError(error)) throw error;
		failures.push(error.message);
	}

	const failure = failures.length === 0 ? undefined : failures.join('\n');
	return {name: one.name, passed: failure === undefined, failure, runs};
}

function indent(text: string): string {
	return text.replaceAll(/^/gm, '  ');
}
