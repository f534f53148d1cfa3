/** Where an experiment keeps what it measured, and what it makes of it. */

import {createHash} from 'node:crypto';
import {mkdirSync, renameSync, writeFileSync} from 'node:fs';
import {join, resolve} from 'node:path';

import {reportHtml} from './report.js';
import type {ExperimentResult} from './result.js';
import {experimentTable} from './table.js';

/** Paths of the files of an experiment. */
export interface ExperimentFiles {
	/** Each measurement as it came: JSON, a line each. */
	readonly journal: string;
	/** The whole result. */
	readonly json: string;
	/** Medians and spread as text, 80 columns wide. */
	readonly table: string;
	/** A page with charts that needs no network. */
	readonly report: string;
}

/** The files' paths in a folder, which is made where it is missing. */
export function filesOf(experiment: string, folder: string): ExperimentFiles {
	mkdirSync(folder, {recursive: true});
	const base = resolve(join(folder, fileName(experiment)));
	return {
		journal: `${base}.ndjson`,
		json: `${base}.json`,
		table: `${base}.txt`,
		report: `${base}.html`,
	};
}

/** A name that is no good for files is made one, and stays different from all others. */
function fileName(experiment: string): string {
	const clean = experiment.replaceAll(/[^\w-]+/g, '-').slice(0, 80);
	if (clean === experiment) return clean;
	const hash = createHash('sha256').update(experiment).digest('hex').slice(0, 6);
	return `${clean.replaceAll(/^-+|-+$/g, '') || 'experiment'}-${hash}`;
}

/** Writes all but the journal, each file whole or not at all. */
export function writeResult(result: ExperimentResult, files: ExperimentFiles): void {
	write(files.json, `${JSON.stringify(result, undefined, '\t')}\n`);
	write(files.table, experimentTable(result));
	write(files.report, reportHtml(result));
}

function write(path: string, text: string): void {
	const temporary = `${path}.${process.pid}`;
	writeFileSync(temporary, text);
	renameSync(temporary, path);
}
