/** What a test in C leaves in `suite_result_map`. */

import {formatLog} from './printf.js';
import {littleEndian, readFields} from './protobuf.js';

/** How a test ended. An `error` is one that could not be judged. */
export type TestStatus = 'pass' | 'fail' | 'skip' | 'error';

/** A part of a case with a result of its own. */
export interface SubResult {
	readonly name: string;
	readonly status: TestStatus;
	/** Lines it logged, with their arguments in place. */
	readonly logs: readonly string[];
}

export interface SuiteResult {
	readonly results: readonly SubResult[];
	/** Lines logged outside of any sub-test. */
	readonly logs: readonly string[];
}

const statuses: readonly TestStatus[] = ['error', 'pass', 'fail', 'skip'];
const firstCode = 100n;

/** What a program's return value, or the status of a sub-test, means: 100 error, 101 pass … */
export function statusOfCode(code: bigint): TestStatus | undefined {
	return statuses[Number(code - firstCode)];
}

/**
 * Decodes as much of the message as is well formed. A sub-test without a status, or with one that
 * has no meaning, did not end: an error.
 */
export function decodeSuiteResult(bytes: Uint8Array): SuiteResult {
	const results: SubResult[] = [];
	const logs: string[] = [];
	for (const field of readFields(bytes)) {
		if (!('bytes' in field)) continue;
		if (field.number === 1) results.push(decodeResult(field.bytes));
		else if (field.number === 2) logs.push(decodeLog(field.bytes));
	}

	return {results, logs};
}

function decodeResult(bytes: Uint8Array): SubResult {
	let name = '';
	let status: TestStatus | undefined;
	const logs: string[] = [];
	for (const field of readFields(bytes)) {
		if ('value' in field) {
			// Numbered from 0 by the older of the form's two ways.
			const {number, value} = field;
			if (number === 2) status = statusOfCode(value < 4n ? value + firstCode : value);
		} else if (field.number === 1) name = text(field.bytes);
		else if (field.number === 3) logs.push(decodeLog(field.bytes));
	}

	if (status === undefined) logs.push('no result: the program ended before it did');
	return {name, status: status ?? 'error', logs};
}

function decodeLog(bytes: Uint8Array): string {
	let format = '';
	const args: bigint[] = [];
	for (const field of readFields(bytes)) {
		if (field.number === 2) args.push(...argumentsOf(field));
		else if (field.number === 1 && 'bytes' in field) format = text(field.bytes);
	}

	return formatLog(format, args);
}

/** One argument, or several packed together. */
function* argumentsOf(field: {value: bigint} | {bytes: Uint8Array}): Generator<bigint> {
	if ('value' in field) {
		yield field.value;
		return;
	}

	for (let at = 0; at + 8 <= field.bytes.length; at += 8) {
		yield littleEndian(field.bytes.subarray(at, at + 8));
	}
}

/** Without the NUL or the newline at its end. */
function text(bytes: Uint8Array): string {
	return Buffer.from(bytes)
		.toString('utf8')
		.replace(/[\0\n]+$/, '');
}
