import {readFile, writeFile} from 'node:fs/promises';
import {basename, dirname, join} from 'node:path';
import {fileURLToPath} from 'node:url';
import test, {type ExecutionContext} from 'ava';
import {skep} from '../../helpers/cli.js';
import {kernelTest} from '../../helpers/kernel.js';
import {unitTestObject, unitTestSource} from '../../helpers/unit-test-object.js';

const kernel = kernelTest({feature: 'test runs with a context', since: '5.2'});
const loadBytes = kernelTest({feature: 'bpf_xdp_load_bytes', since: '5.18'});

const good = `#include "lib/test.h"
CHECK("tc", "holds") int holds(struct __sk_buff *ctx) { return TEST_PASS; }`;
const bad = `#include "lib/test.h"
CHECK("tc", "crash")
int crash(struct __sk_buff *ctx)
{
	return *(__u32 *)(long)ctx->data;
}`;

/** Text with the changing parts of paths left out. */
function stable(text: string, file: string): string {
	return text
		.replaceAll(dirname(file), 'FOLDER')
		.replaceAll(/(?:\/[\w.-]+)+(?=\/\w+\.bpf\.c)/g, 'SOURCES');
}

const goldens = fileURLToPath(new URL('../../../../test/fixtures/lab', import.meta.url));

/** `UPDATE_GOLDENS=1 npx ava dist/test/cli/lab/test.test.js` writes them anew. */
async function isGolden(t: ExecutionContext, name: string, text: string): Promise<void> {
	const path = join(goldens, name);
	if (process.env['UPDATE_GOLDENS'] === '1') await writeFile(path, text);
	t.is(text, await readFile(path, 'utf8'));
}

kernel('lab test prints TAP where no terminal is, and exits with 1', async t => {
	const file = await unitTestObject(t, 'outcomes');
	const {code, out, err} = await skep('lab', 'test', file);

	t.is(err, '');
	t.is(code, 1);
	await isGolden(t, 'outcomes.tap', stable(out, file));
});

kernel('lab test prints a tree', async t => {
	const file = await unitTestObject(t, 'outcomes');
	const {code, out, err} = await skep('lab', 'test', file, '--format', 'tree');

	t.is(err, '');
	t.is(code, 1);
	await isGolden(t, 'outcomes.tree', stable(out, file));
});

loadBytes('lab test shows packets that differ, and what each program got and gave', async t => {
	const file = await unitTestObject(t, 'packets');
	const shown = async (...args: readonly string[]) => {
		const {out} = await skep('lab', 'test', file, '--format', 'tree', ...args);
		return stable(out, file).replaceAll(/\d+ ns/g, 'N ns');
	};

	await isGolden(t, 'packet.tree', await shown('--run', 'icmp6'));
	await isGolden(t, 'packet-context.tree', await shown('--run', 'icmp6', '--dump-ctx'));
	await isGolden(t, 'packet-verbose.tree', await shown('--run', 'tcp4', '--verbose'));
});

kernel('lab test tells of a refused object with its source, and tests the others', async t => {
	const files = [await unitTestSource(t, bad), await unitTestSource(t, good)];
	const {code, out} = await skep('lab', 'test', ...files, '--format', 'tree');

	t.is(code, 1);
	t.regex(out, /! load program "crash": .*source\.bpf\.c:5\n/);
	t.regex(out, /source\.bpf\.c:5 \| return \*\(__u32 \*\)\(long\)ctx->data;\n/);
	t.regex(out, /✔ holds\n1 passed, 0 failed, 1 error in 2 objects\n$/);

	const tap = await skep('lab', 'test', ...files, '--format', 'tap');
	t.regex(
		tap.out,
		/\n {4}1\.\.0\nnot ok 1 - \S+\n {2}---\n {2}message: "load program \\"crash\\"/,
	);
	t.regex(tap.out, /\nok 2 - \S+\n1\.\.2\n$/);
});

kernel('lab test exits with 0 where all is well', async t => {
	const file = await unitTestSource(t, good);
	const {code, out, err} = await skep('lab', 'test', file);

	t.is(err, '');
	t.is(code, 0);
	const lines = [
		'TAP version 14',
		`# Subtest: ${file}`,
		'    ok 1 - holds',
		'    1..1',
		`ok 1 - ${file}`,
		'1..1',
		'',
	];
	t.is(out, lines.join('\n'));
});

kernel('lab test -o json prints an object a line', async t => {
	const files = [await unitTestObject(t, 'outcomes'), await unitTestSource(t, bad)];
	const {code, out} = await skep('-o', 'json', 'lab', 'test', ...files);
	interface Line {
		readonly file: string;
		readonly status: string;
		readonly error?: {readonly code: string};
		readonly cases: readonly {readonly name: string; readonly stages?: unknown}[];
	}
	const [first, second] = out
		.trimEnd()
		.split('\n')
		.map(line => JSON.parse(line) as Line);

	t.is(code, 1);
	t.is(first?.cases.length, 9);
	t.is(first?.status, 'error');
	t.is(first?.cases[0]?.stages, undefined);
	t.is(second?.error?.code, 'ERR_VERIFIER');
});

const fails = test.macro({
	async exec(
		t: ExecutionContext,
		_: string,
		args: readonly string[],
		message: RegExp,
		status: number,
	) {
		const file = await unitTestSource(t, good);
		const {code, err} = await skep('lab', 'test', file, ...args);

		t.is(code, status);
		t.regex(err.replaceAll(basename(file), 'FILE'), message);
	},
	title: (_, what: string) => `lab test fails when ${what}`,
});

kernel(
	fails,
	'no case matches',
	['--run', 'x'],
	/^skep: run tests in .*: there is no case that matches x\n$/,
	1,
);
kernel(fails, 'the pattern is none', ['--run', '('], /^skep: read pattern "\(": .*\n$/, 2);
kernel(fails, 'jobs are none', ['--jobs', '0'], /^skep: read jobs "0": .*\n$/, 2);
kernel(fails, 'the format is none', ['--format', 'xml'], /^skep: option .* 'xml' is invalid/, 2);
