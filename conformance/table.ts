/** The table of all objects, a line of tab-separated fields each. */

import {existsSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';

import {project} from './folders.js';
import {isWorse, type Row, type Verdict} from './verdict.js';

export const baselineFile = join(project, 'conformance/baseline.tsv');

const heading = '# corpus\tobject\tverdict\tprograms\tmaps\treason';

export function readTable(file: string): Row[] {
	if (!existsSync(file)) return [];
	return readFileSync(file, 'utf8')
		.split('\n')
		.filter(line => line !== '' && !line.startsWith('#'))
		.map(line => {
			const [corpus = '', object = '', verdict = '', programs, maps, reason = ''] =
				line.split('\t');
			return {
				corpus,
				object,
				verdict: verdict as Verdict,
				programs: Number(programs),
				maps: Number(maps),
				reason,
			};
		});
}

export function writeTable(file: string, rows: readonly Row[]): void {
	const lines = [...rows]
		.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
		.map(({corpus, object, verdict, programs, maps, reason}) =>
			[corpus, object, verdict, programs, maps, reason.replaceAll(/\s+/g, ' ')].join('\t'),
		);
	writeFileSync(file, `${[heading, ...lines].join('\n')}\n`);
}

export const keyOf = ({corpus, object}: Pick<Row, 'corpus' | 'object'>): string =>
	`${corpus}/${object}`;

/** A row that is not as it was. */
export interface Change {
	readonly row: Row;
	/** Undefined where there was none. */
	readonly was: Row | undefined;
	readonly worse: boolean;
}

export function changes(before: readonly Row[], now: readonly Row[]): Change[] {
	const known = new Map(before.map(row => [keyOf(row), row]));
	return now.flatMap(row => {
		const was = known.get(keyOf(row));
		const same =
			was?.verdict === row.verdict && was.programs === row.programs && was.maps === row.maps;
		return same ? [] : [{row, was, worse: isWorse(row.verdict, was?.verdict)}];
	});
}
