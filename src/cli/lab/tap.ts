/** Results of unit tests as the Test Anything Protocol, version 14. */

import type {UnitTestCase, SuiteReport, TestResult} from '../../lab/index.js';
import {detailLines, errorLines, isBad, stageLines, type DetailOptions} from './test-detail.js';

/** Writes objects as subtests, their cases as subtests of those, and the parts of cases below. */
export class TapWriter {
	readonly #options: DetailOptions;
	#count = 0;

	constructor(options: DetailOptions) {
		this.#options = options;
	}

	begin(): string {
		return 'TAP version 14\n';
	}

	*suite(suite: SuiteReport): Generator<string> {
		this.#count += 1;
		yield `# Subtest: ${escape(suite.file)}`;
		for (const [i, one] of suite.cases.entries()) yield* indent(this.#case(i + 1, one));
		yield `    1..${suite.cases.length}`;
		const ok = isBad(suite.status) ? 'not ok' : 'ok';
		yield `${ok} ${this.#count} - ${escape(suite.file)}`;
		if (suite.error === undefined) return;
		yield* diagnosis([
			['message', suite.error.message],
			['severity', 'error'],
			['code', suite.error.code],
			['detail', errorLines(suite.error)],
		]);
	}

	/** The plan comes last: how many objects a folder has is known then. */
	*end(): Generator<string> {
		yield `1..${this.#count}`;
	}

	*#case(number: number, one: UnitTestCase): Generator<string> {
		const {name, status, reason, results, place, logs} = one;
		if (results.length > 0) {
			yield `# Subtest: ${escape(name)}`;
			for (const [i, part] of results.entries()) yield* indent(testPoint(i + 1, part));
			yield `    1..${results.length}`;
		}

		yield pointLine(number, name, status, logs.at(-1));
		const {verbose = false} = this.#options;
		if (!isBad(status)) {
			for (const line of logsBelow(status, logs)) yield comment(line);
			if (verbose) for (const line of stageLines(one)) yield comment(line);
			return;
		}

		yield* diagnosis([
			['message', reason],
			['severity', status],
			['at', place && `${place.file}:${place.line}`],
			['source', place?.text],
			['log', logs],
			['detail', [...detailLines(one, this.#options)]],
		]);
	}
}

function* testPoint(number: number, {name, status, place, logs}: TestResult): Generator<string> {
	yield pointLine(number, name, status, logs.at(-1));
	if (!isBad(status)) {
		for (const line of logsBelow(status, logs)) yield comment(line);
		return;
	}

	yield* diagnosis([
		['severity', status],
		['at', place && `${place.file}:${place.line}`],
		['source', place?.text],
		['log', logs],
	]);
}

/** The last line of what was skipped says why, beside the directive. */
function logsBelow(status: string, logs: readonly string[]): readonly string[] {
	return status === 'skip' ? logs.slice(0, -1) : logs;
}

function pointLine(number: number, name: string, status: string, log: string | undefined): string {
	const skip = status === 'skip' ? ` # SKIP${log === undefined ? '' : ` ${escape(log)}`}` : '';
	return `${isBad(status) ? 'not ok' : 'ok'} ${number} - ${escape(name)}${skip}`;
}

/** A block of YAML; a string of JSON is one of YAML, too. */
function* diagnosis(
	fields: readonly (readonly [string, string | readonly string[] | undefined])[],
): Generator<string> {
	yield '  ---';
	for (const [name, value] of fields) {
		if (value === undefined || value.length === 0) continue;
		if (typeof value === 'string') {
			yield `  ${name}: ${JSON.stringify(value)}`;
			continue;
		}

		yield `  ${name}:`;
		for (const line of value) yield `    - ${JSON.stringify(line)}`;
	}

	yield '  ...';
}

function* indent(lines: Iterable<string>): Generator<string> {
	for (const line of lines) yield `    ${line}`;
}

function comment(line: string): string {
	return `# ${line.replaceAll(/\p{Cc}/gu, ' ')}`;
}

function escape(text: string): string {
	return text.replaceAll(/[\\#]/g, String.raw`\$&`).replaceAll(/\p{Cc}/gu, ' ');
}
