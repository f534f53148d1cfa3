/**
 * Runs the core of the suite on Debian's kernel 6.1, in qemu. What that kernel lacks, and tests
 * therefore see, is listed in lacks.tsv with its reason; any other failure is one.
 *
 *     npm run test:6.1 -- [--continue] [PATTERNS OF TEST FILES...]
 *
 * Results are kept in build/second-kernel/out; `--continue` runs the files that have none yet.
 */

import {spawnSync} from 'node:child_process';
import {existsSync, mkdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {parseArgs} from 'node:util';

import {readResults, unfinished} from './results.js';

const project = fileURLToPath(new URL('../../..', import.meta.url));
const out = join(project, 'build/second-kernel/out');
const resultsFile = join(out, 'results');

const core = [
	'bpf/loops',
	'bpf/programs',
	'bpf/datapath/parsing',
	'bpf/datapath/delivery',
	'datapath/datapath',
	'datapath/endpoints/endpoints',
	'datapath/policy/policies',
	'object/program/load-program',
	'object/link/attach',
	'object/hook/attach',
	'object/collection/collection',
	'object/map/map',
	'object/events/ring-buffer',
	'object/net/list-hooks',
	'kernel/netlink/tc',
	'kernel/features/probe-features',
].map(name => `dist/test/${name}.test.js`);

/** `scripts/second-kernel.sh` exits so where qemu or the kernel cannot be had. */
const notHere = 3;

const {values, positionals} = parseArgs({
	options: {continue: {type: 'boolean', default: false}},
	allowPositionals: true,
});
const kept = values.continue ? readResults(resultsFile) : [];
const again = new Set(unfinished(kept));
rmSync(out, {recursive: true, force: true});
mkdirSync(out, {recursive: true});
const lines = kept.filter(({file}) => !again.has(file)).map(result => JSON.stringify(result));
writeFileSync(resultsFile, lines.map(line => `${line}\n`).join(''));

const files = positionals.length > 0 ? positionals : core;
const {status} = spawnSync('bash', ['scripts/second-kernel.sh', ...files], {
	cwd: project,
	stdio: 'inherit',
});
if (status === notHere) process.exit(0);

const rows = readFileSync(join(project, 'test/second-kernel/lacks.tsv'), 'utf8').trim().split('\n');
const reasons = new Map(
	rows.slice(1).map(row => {
		const [file = '', title = '', reason = ''] = row.split('\t');
		return [`${file}\t${title}`, reason];
	}),
);

const counts = {passed: 0, lacking: 0, failed: 0};
for (const {file, title, ok, detail, logs = []} of readResults(resultsFile)) {
	if (title === undefined) continue;
	const name = file.replace(/^dist\/test\/|\.test\.js$/g, '');
	const skipped = logs.find(log => log.startsWith('skipped: '));
	const reason = ok ? skipped?.slice('skipped: '.length) : reasons.get(`${name}\t${title}`);
	if (reason !== undefined) {
		counts.lacking += 1;
		console.log(`lacks: ${name}: ${title}: ${reason}`);
	} else if (ok) {
		counts.passed += 1;
	} else {
		counts.failed += 1;
		console.log(`failed: ${name}: ${title}\n${detail}`);
	}
}

const features = join(out, 'features');
if (existsSync(features)) console.log(`\n${readFileSync(features, 'utf8').trim()}`);
console.log(`${counts.passed} passed, ${counts.lacking} lack something, ${counts.failed} failed`);
// It was ended from outside: `--continue` runs the rest.
if (status !== 0) console.log('it came to no end');
if (status !== 0 || counts.failed > 0 || counts.passed === 0) process.exitCode = 1;
