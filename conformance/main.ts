/**
 * Loads real objects by libbpf and by skep, and compares what the kernel then holds with the table
 * of an earlier run. Wants root, bpftool, clang and libbpf; installs packages of sources by apt-get.
 *
 *     npm run conformance -- [--corpus NAME]... [--only REGEXP] [--update] [--verbose]
 */

import {parseArgs} from 'node:util';

import type {Candidate} from './candidate.js';
import {compareFiles} from './compare-files.js';
import {corpora, type Corpus} from './corpora.js';
import type {Comparison} from './outcome.js';
import {buildPeer} from './peer.js';
import {baselineFile, changes, keyOf, readTable, writeTable} from './table.js';
import {judge, type Row} from './verdict.js';

const {values} = parseArgs({
	options: {
		corpus: {type: 'string', multiple: true},
		only: {type: 'string', default: ''},
		update: {type: 'boolean', default: false},
		verbose: {type: 'boolean', default: false},
	},
});

/** Objects that one child loads, one after the other: making network namespaces takes long. */
const together = 8;

async function* rowsOf(corpus: Corpus): AsyncGenerator<Row> {
	const candidates = await corpus.collect(new RegExp(values.only));
	for (let at = 0; at < candidates.length; at += together) {
		yield* batch(corpus, candidates.slice(at, at + together));
	}
}

async function* batch(corpus: Corpus, candidates: readonly Candidate[]): AsyncGenerator<Row> {
	const compiled = candidates.flatMap(({file}) => (file === undefined ? [] : [file]));
	const comparisons = await tryCompare(compiled);
	for (const {object, file, error = ''} of candidates) {
		const nothing = {corpus: corpus.name, object, programs: 0, maps: 0};
		if (file === undefined) {
			yield {...nothing, verdict: 'not compiled', reason: error};
			continue;
		}

		const comparison = comparisons.get(file) ?? (await tryCompare([file])).get(file);
		if (values.verbose) {
			process.stdout.write(`${JSON.stringify({...nothing, ...comparison})}\n`);
		}

		if (comparison !== undefined) yield judge(corpus.name, object, comparison);
		else yield {...nothing, verdict: 'broken', reason: 'took too long, or ended the process'};
	}
}

/** Empty where a child came to no end: then each has another chance, alone. */
async function tryCompare(files: readonly string[]): Promise<Map<string, Comparison>> {
	try {
		return await compareFiles(files);
	} catch (error) {
		process.stderr.write(`conformance: ${error instanceof Error ? error.message : ''}\n`);
		return new Map();
	}
}

function print({corpus, object, verdict, reason}: Row): void {
	const what = `${corpus}/${object}`;
	process.stdout.write(`${verdict.padEnd(18)} ${what}${reason === '' ? '' : `: ${reason}`}\n`);
}

function summarize(rows: readonly Row[]): void {
	const counts = new Map<string, number>();
	for (const {verdict} of rows) counts.set(verdict, (counts.get(verdict) ?? 0) + 1);
	const text = Array.from(counts, ([verdict, count]) => `${count} ${verdict}`).sort();
	process.stdout.write(`${rows.length} objects: ${text.join(', ')}\n`);
}

buildPeer();
const wanted = values.corpus ?? corpora.map(({name}) => name);
const unknown = wanted.filter(name => !corpora.some(corpus => corpus.name === name));
if (unknown.length > 0) throw new TypeError(`there is no corpus "${unknown.join('", "')}"`);

const rows: Row[] = [];
for (const corpus of corpora.filter(({name}) => wanted.includes(name))) {
	for await (const next of rowsOf(corpus)) {
		if (next.verdict !== 'same' && next.verdict !== 'refused') print(next);
		rows.push(next);
	}
}

const before = readTable(baselineFile);
const changed = changes(before, rows);
if (values.update) {
	const seen = new Set(rows.map(keyOf));
	writeTable(baselineFile, [...before.filter(each => !seen.has(keyOf(each))), ...rows]);
} else {
	for (const {row: now, was, worse} of changed) {
		process.stdout.write(
			`${worse ? 'worse' : 'changed'}: ${keyOf(now)} is ${now.verdict} (${now.programs} programs,`,
		);
		process.stdout.write(` ${now.maps} maps), was ${was?.verdict ?? 'not there'}\n`);
	}

	if (changed.some(({worse}) => worse)) process.exitCode = 1;
}

const unexplained = rows.filter(({verdict, reason}) => verdict !== 'same' && reason === '');
for (const each of unexplained) process.stdout.write(`unexplained: ${keyOf(each)}\n`);
if (unexplained.length > 0 || rows.some(({verdict}) => verdict === 'broken')) process.exitCode = 1;

summarize(rows);
