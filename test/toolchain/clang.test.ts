import {chmod, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {ClangError} from '../../src/toolchain/clang-error.js';
import {defaultFlags, findClang, minimumClang} from '../../src/toolchain/clang.js';
import {makeTempFolder} from '../helpers/temp.js';

async function fake(t: ExecutionContext, prints: string): Promise<string> {
	const path = join(await makeTempFolder(t), 'clang');
	await writeFile(path, `#!/bin/sh\ncat <<'END'\n${prints}\nEND\n`);
	await chmod(path, 0o755);
	return path;
}

/** Runs with a changed environment; the tests that do are serial. */
async function withEnvironment(changes: Record<string, string>, run: () => Promise<void>) {
	const before = process.env;
	process.env = {...before, ...changes};
	try {
		await run();
	} finally {
		process.env = before;
	}
}

test.serial("the system's clang is found", async t => {
	const clang = await findClang();
	t.regex(clang.version, /^\d+\.\d+\.\d+/);
	t.true(clang.major >= minimumClang);
	t.is(Number.parseInt(clang.version, 10), clang.major);
});

test.serial('$CLANG is asked before the usual names, and the option before $CLANG', async t => {
	const eighteen = await fake(t, 'Ubuntu clang version 18.1.3 (1ubuntu1)');
	const twenty = await fake(t, 'clang version 20.1.0');
	await withEnvironment({CLANG: eighteen}, async () => {
		t.deepEqual(await findClang(), {path: eighteen, version: '18.1.3', major: 18});
		t.deepEqual(await findClang(twenty), {path: twenty, version: '20.1.0', major: 20});
	});
});

test.serial('the message says what to install when there is no clang', async t => {
	const empty = await makeTempFolder(t);
	await withEnvironment({PATH: empty, CLANG: ''}, async () => {
		const error = await t.throwsAsync(findClang(), {instanceOf: ClangError, code: 'ERR_CLANG'});
		t.is(error.message, 'find clang "clang": not installed: apt-get install clang');
	});
});

test('a clang that is too old is refused by its version', async t => {
	const path = await fake(t, 'Debian clang version 11.0.1-2\nTarget: x86_64-pc-linux-gnu');
	const error = await t.throwsAsync(findClang(path), {instanceOf: ClangError});
	t.is(
		error.message,
		`find clang "${path}": version 11.0.1 is too old, 14 is needed: apt-get install clang`,
	);
	t.is(error.version, '11.0.1');
	t.is(error.clang, path);
});

test('a program that is no clang is refused by what it calls itself', async t => {
	const path = await fake(t, 'gcc (Debian 12.2.0-14) 12.2.0');
	const error = await t.throwsAsync(findClang(path), {instanceOf: ClangError});
	t.is(
		error.message,
		`find clang "${path}": no clang: it calls itself "gcc (Debian 12.2.0-14) 12.2.0"`,
	);
});

test('a path without a program is refused, with the cause', async t => {
	const error = await t.throwsAsync(findClang('/nonexistent/clang'), {instanceOf: ClangError});
	t.is(error.message, 'find clang "/nonexistent/clang": no such program: apt-get install clang');
	t.is((error.cause as NodeJS.ErrnoException).code, 'ENOENT');
});

test('a file that may not be run is refused', async t => {
	const path = await fake(t, '');
	await chmod(path, 0o644);
	const error = await t.throwsAsync(findClang(path), {instanceOf: ClangError});
	t.is(error.message, `find clang "${path}": cannot start: EACCES`);
});

test('the default flags name the machine', t => {
	t.true(defaultFlags('x64').includes('-D__TARGET_ARCH_x86'));
	t.true(defaultFlags('arm64').includes('-D__TARGET_ARCH_arm64'));
	t.true(defaultFlags('s390x').includes('-D__TARGET_ARCH_s390'));
	t.deepEqual(defaultFlags('x64').slice(0, 5), ['-O2', '-g', '-target', 'bpf', '-mcpu=v3']);
});
