/** Results of unit tests for a person: objects, their cases, and what went wrong in them. */

import {styleText} from 'node:util';

import type {UnitTestCase, SuiteReport, TestResult, UnitTestReport} from '../../lab/index.js';
import {detailLines, errorLines, isBad, stageLines, type DetailOptions} from './test-detail.js';

export interface TreeOptions extends DetailOptions {
	readonly color: boolean;
}

const marks = {pass: '✔', fail: '✘', skip: '-', error: '!'} as const;
const colors = {pass: 'green', fail: 'red', skip: 'yellow', error: 'red'} as const;

/** An object, with a case a line, and more lines for those that did not pass. */
export function* treeLines(suite: SuiteReport, options: TreeOptions): Generator<string> {
	yield clean(suite.file);
	for (const one of suite.cases) yield* indent(caseLines(one, options));
	if (suite.error === undefined) return;
	yield* indent([`${mark('error', options)} ${clean(suite.error.message)}`]);
	yield* indent(indent(errorLines(suite.error).map(clean)));
}

function* caseLines(one: UnitTestCase, options: TreeOptions): Generator<string> {
	const {name, status, reason, results, logs, place} = one;
	const {verbose = false} = options;
	const why = reason === undefined || !isBad(status) ? '' : `: ${clean(reason)}`;
	yield `${mark(status, options)} ${clean(name)}${why}`;
	for (const line of logs) yield `    ${clean(line)}`;
	yield* indent(placeLines(place, logs));
	for (const part of results) {
		if (verbose || part.status !== 'pass' || isBad(status) || part.logs.length > 0) {
			yield* indent(partLines(part, options));
		}
	}

	if (isBad(status)) yield* indent(indent(detailLines(one, options)));
	else if (verbose) yield* indent(indent(stageLines(one)));
}

function* partLines(part: TestResult, options: TreeOptions): Generator<string> {
	yield `${mark(part.status, options)} ${clean(part.name)}`;
	for (const line of part.logs) yield `    ${clean(line)}`;
	yield* indent(placeLines(part.place, part.logs));
}

/** The line of the source itself, and where it stands unless the log has said so. */
function placeLines(place: TestResult['place'], logs: readonly string[]): string[] {
	if (place?.text === undefined) return [];
	const where = `${place.file}:${place.line}`;
	const isSaid = logs.some(line => line.includes(where));
	return [`  ${isSaid ? place.line : clean(where)} | ${clean(place.text)}`];
}

/** How many of what, for the last line. */
export function summaryLine({counts, suites}: UnitTestReport): string {
	const {pass, fail, skip, error} = counts;
	const parts = [
		`${pass} passed`,
		`${fail} failed`,
		...(skip > 0 ? [`${skip} skipped`] : []),
		...(error > 0 ? [`${error} ${error === 1 ? 'error' : 'errors'}`] : []),
	];
	const objects = `${suites.length} ${suites.length === 1 ? 'object' : 'objects'}`;
	return `${parts.join(', ')} in ${objects}`;
}

function mark(status: keyof typeof marks, {color}: TreeOptions): string {
	const sign = marks[status];
	return color ? styleText(colors[status], sign, {validateStream: false}) : sign;
}

function* indent(lines: Iterable<string>): Generator<string> {
	for (const line of lines) yield `  ${line}`;
}

/** Names come from objects of any origin: nothing in them may steer a terminal. */
function clean(text: string): string {
	return text.replaceAll(/\p{Cc}/gu, '\ufffd');
}
