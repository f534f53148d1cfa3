/**
 * Runs the core of the suite with CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON alone. A test that needs
 * more has to fail by an error that names the capability, and to be listed in needs.tsv.
 *
 *     npm run test:least -- [--update]
 */

import {execFileSync, spawn} from 'node:child_process';
import {mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {text} from 'node:stream/consumers';
import {fileURLToPath} from 'node:url';
import {parseArgs} from 'node:util';

import {readTap, type TapResult} from './tap.js';

const project = fileURLToPath(new URL('../../..', import.meta.url));
const needsFile = join(project, 'test/least/needs.tsv');

/** Whole folders that find out and attach by what CAP_SYS_ADMIN alone is told are left out. */
const core = [
	'dist/test/spec/**/*.test.js',
	'dist/test/object/{btf,collection,events,list,pin,program}/**/*.test.js',
	'dist/test/object/link/{attach,attach-net,attach-probe,attach-tracing}.test.js',
	'dist/test/object/map/!(reuse-pin).test.js',
];

function preload(): string {
	const folder = join(project, 'dist/.cache');
	mkdirSync(folder, {recursive: true});
	const library = join(folder, 'drop.so');
	const source = join(project, 'test/least/drop.c');
	execFileSync('cc', ['-shared', '-fPIC', '-O2', '-Wall', '-Werror', source, '-o', library]);
	return library;
}

async function runTests(): Promise<TapResult[]> {
	const ava = join(project, 'node_modules/ava/entrypoints/cli.mjs');
	const child = spawn(process.execPath, [ava, '--tap', ...core], {
		cwd: project,
		env: {...process.env, LD_PRELOAD: preload(), SKEP_LEAST: '1'},
		stdio: ['ignore', 'pipe', 'inherit'],
	});
	return readTap(await text(child.stdout));
}

/** Capability by title. */
function readNeeds(): Map<string, string> {
	const lines = readFileSync(needsFile, 'utf8').trimEnd().split('\n').slice(1);
	return new Map(lines.map(line => line.split('\t') as [string, string]));
}

const {values} = parseArgs({options: {update: {type: 'boolean', default: false}}});
const results = await runTests();
const needs = values.update ? new Map<string, string>() : readNeeds();
let failed = 0;
for (const {ok, title, detail} of results) {
	const capability = /CAP_[A-Z_]+/.exec(detail)?.[0];
	// The runner says so of each file in which a test fails.
	if (title.endsWith('exited with a non-zero exit code: 1')) continue;
	if (ok || (capability !== undefined && needs.get(title) === capability)) continue;
	if (values.update && capability !== undefined) {
		needs.set(title, capability);
		continue;
	}

	failed += 1;
	console.log(`${title}\n${detail}`);
}

if (values.update) {
	const lines = [...needs].map(line => line.join('\t')).sort();
	writeFileSync(needsFile, ['test\tneeds', ...lines, ''].join('\n'));
}

const passed = results.filter(({ok}) => ok).length;
console.log(`${results.length - passed - failed} refused for want of a capability, by name`);
console.log(`${passed} passed, ${failed} failed`);
if (failed > 0 || passed === 0) process.exitCode = 1;
