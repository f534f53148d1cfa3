/**
 * Runs the core of the suite on Debian's kernel 6.1, in qemu. What that kernel lacks, and tests
 * therefore see, is listed in lacks.tsv with its reason; any other failure is one.
 *
 *     npm run test:6.1
 */

import {spawnSync} from 'node:child_process';
import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';

import {readTap} from '../least/tap.js';

const project = fileURLToPath(new URL('../../..', import.meta.url));

const core = [
	'object/program/load-program',
	'object/link/attach',
	'object/collection/collection',
	'object/map/map',
].map(name => `dist/test/${name}.test.js`);

/** `scripts/second-kernel.sh` exits so where qemu or the kernel cannot be had. */
const notHere = 3;

const {status} = spawnSync('bash', ['scripts/second-kernel.sh', ...core], {
	cwd: project,
	stdio: 'inherit',
});
if (status === notHere) process.exit(0);

const lines = readFileSync(join(project, 'test/second-kernel/lacks.tsv'), 'utf8')
	.trim()
	.split('\n');
const lacks = new Map(lines.slice(1).map(line => line.split('\t') as [string, string]));
const report = readFileSync(join(project, 'build/second-kernel/out/tap'), 'utf8');
for (const line of report.match(/^# +skipped: .*$/gm) ?? []) console.log(line.slice(2).trim());
const results = readTap(report);
let failed = 0;
for (const {ok, title, detail} of results) {
	// The runner says so of each file in which a test fails.
	if (ok || title.endsWith('exited with a non-zero exit code: 1')) continue;
	const reason = lacks.get(title);
	if (reason === undefined) failed += 1;
	console.log(reason === undefined ? `${title}\n${detail}` : `lacks: ${title}: ${reason}`);
}

const passed = results.filter(({ok}) => ok).length;
console.log(`${passed} passed, ${failed} failed`);
if (failed > 0 || passed === 0) process.exitCode = 1;
