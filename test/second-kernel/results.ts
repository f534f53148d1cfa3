/** Results of tests, a line of JSON each, so that what ends a machine suddenly leaves those it has. */

import {appendFileSync, existsSync, readFileSync} from 'node:fs';

/** Of a test; without a title it says that a file begins or, with `end`, that it is through. */
export interface Result {
	readonly file: string;
	readonly title?: string;
	readonly ok?: boolean;
	/** Of a failure. */
	readonly detail?: string;
	readonly logs?: readonly string[];
	readonly end?: boolean;
}

export function addResult(path: string, result: Result): void {
	appendFileSync(path, `${JSON.stringify(result)}\n`);
}

/** None where there is no such file; a last line that was cut off is left out. */
export function readResults(path: string): Result[] {
	if (!existsSync(path)) return [];
	const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1);
	return lines.map(line => JSON.parse(line) as Result);
}

/** Files that began and did not come to their end. */
export function unfinished(results: readonly Result[]): string[] {
	const ended = new Set(results.filter(({end}) => end).map(({file}) => file));
	return [...new Set(results.map(({file}) => file))].filter(file => !ended.has(file));
}
