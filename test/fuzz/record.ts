/** What was read and endured so far, by commit and format: a table that is kept with the tests. */

import {existsSync, readFileSync, writeFileSync} from 'node:fs';
import {fileURLToPath} from 'node:url';

const file = fileURLToPath(new URL('../../../test/fuzz/record.tsv', import.meta.url));
const columns = 'date\tcommit\tformat\tfirst seed\tlast seed\tcases\tfailures';

export interface FuzzRow {
	/** Of the day: `2026-01-31`. */
	readonly date: string;
	readonly commit: string;
	readonly format: string;
	readonly firstSeed: number;
	readonly lastSeed: number;
	readonly cases: number;
	readonly failures: number;
}

export function readRecord(): FuzzRow[] {
	if (!existsSync(file)) return [];
	const [, ...lines] = readFileSync(file, 'utf8').trimEnd().split('\n');
	return lines.map(line => {
		const [date = '', commit = '', format = '', ...numbers] = line.split('\t');
		const [firstSeed = 0, lastSeed = 0, cases = 0, failures = 0] = numbers.map(Number);
		return {date, commit, format, firstSeed, lastSeed, cases, failures};
	});
}

/** Adds a round to the row of its day, commit and format. */
export function addToRecord(round: FuzzRow): void {
	const rows = readRecord();
	const key = ({date, commit, format}: FuzzRow): string => `${date} ${commit} ${format}`;
	const before = rows.find(row => key(row) === key(round));
	const others = rows.filter(row => row !== before);
	const row =
		before === undefined
			? round
			: {
					...round,
					firstSeed: Math.min(before.firstSeed, round.firstSeed),
					lastSeed: Math.max(before.lastSeed, round.lastSeed),
					cases: before.cases + round.cases,
					failures: before.failures + round.failures,
				};
	const lines = [...others, row]
		.sort((a, b) => key(a).localeCompare(key(b)))
		.map(({date, commit, format, firstSeed, lastSeed, cases, failures}) =>
			[date, commit, format, firstSeed, lastSeed, cases, failures].join('\t'),
		);
	writeFileSync(file, [columns, ...lines, ''].join('\n'));
}
