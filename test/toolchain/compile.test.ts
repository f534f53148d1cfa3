import {chmod, mkdir, readdir, readFile, stat, writeFile} from 'node:fs/promises';
import {watch} from 'node:fs';
import {basename, join} from 'node:path';
import test from 'ava';
import {UsageError} from '../../src/base/errors.js';
import {ClangError} from '../../src/toolchain/clang-error.js';
import {CompileError} from '../../src/toolchain/compile-error.js';
import {compileObject, type CompileOptions} from '../../src/toolchain/compile.js';
import {makeTempFolder} from '../helpers/temp.js';

const program = `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include "limit.h"

SEC("xdp") int entry(struct xdp_md *ctx)
{
	return ctx->rx_queue_index > LIMIT ? XDP_DROP : XDP_PASS;
}

char _license[] SEC("license") = "GPL";
`;

async function writeSource(folder: string, text: string): Promise<string> {
	const source = join(folder, 'x.bpf.c');
	await writeFile(source, text);
	await writeFile(join(folder, 'limit.h'), '#define LIMIT 3\n');
	return source;
}

test('an object comes with BTF, without DWARF, beside its source', async t => {
	const folder = await makeTempFolder(t);
	const source = await writeSource(folder, program);
	const result = await compileObject(source);

	t.is(result.output, join(folder, 'x.bpf.o'));
	t.deepEqual(result.warnings, []);
	t.true(result.stripped);
	t.true(result.clang.major >= 14);
	t.deepEqual(result.dependencies.slice(0, 2), [source, '/usr/include/linux/bpf.h']);
	t.true(result.dependencies.includes(join(folder, 'limit.h')));
	const object = await readFile(result.output);
	t.is(object.readUInt16LE(18), 247, 'an object for BPF');
	t.true(object.includes('.BTF.ext'));
	t.false(object.includes('.debug_info'));
	t.deepEqual((await readdir(folder)).sort(), ['limit.h', 'x.bpf.c', 'x.bpf.o']);
});

test('DWARF stays when asked for', async t => {
	const source = await writeSource(await makeTempFolder(t), program);
	const {output, stripped} = await compileObject(source, {debug: true});
	t.true((await readFile(output)).includes('.debug_info'));
	t.false(stripped);
});

test('output, include, define and flags reach clang', async t => {
	const folder = await makeTempFolder(t);
	await mkdir(join(folder, 'headers'));
	await writeFile(join(folder, 'headers/value.h'), '#define VALUE 1\n');
	const text =
		'#include "value.h"\n#if VALUE + A + B != 7 || C\n#error no\n#endif\nint a = VALUE;\n';
	const source = await writeSource(folder, text);
	const output = join(folder, 'other name.o');
	const options = {
		output,
		include: [join(folder, 'headers')],
		define: {A: '2', B: 4, D: true},
		flags: ['-DC=0'],
	} as const;
	t.is((await compileObject(source, options)).output, output);
	t.true((await stat(output)).size > 0);
});

test('the same source gives the same bytes in another folder', async t => {
	const objects = await Promise.all(
		[0, 1].map(async () => {
			const folder = await makeTempFolder(t);
			const source = await writeSource(folder, program);
			const flags = [`-fdebug-prefix-map=${folder}=.`];
			return readFile((await compileObject(source, {flags})).output);
		}),
	);
	t.deepEqual(objects[0], objects[1]);
	t.is(objects[0]?.includes(process.cwd()), false);
});

test('warnings are reported and do not fail', async t => {
	const source = await writeSource(
		await makeTempFolder(t),
		'int f(void) { int unused; return 1; }\n',
	);
	const {warnings} = await compileObject(source, {flags: ['-Wall']});
	t.deepEqual(warnings, [
		{
			severity: 'warning',
			file: source,
			line: 1,
			column: 19,
			message: "unused variable 'unused'",
			flag: '-Wunused-variable',
		},
	]);
});

test('a syntax error is one line, with all diagnostics and the text as fields', async t => {
	const folder = await makeTempFolder(t);
	const source = await writeSource(
		folder,
		'int f(void)\n{\n\treturn y;\n}\nint g(void) { return z; }\n',
	);
	const error = await t.throwsAsync(compileObject(source), {
		instanceOf: CompileError,
		code: 'ERR_COMPILE',
		message: `compile "${source}": ${source}:3:9: use of undeclared identifier 'y'`,
	});
	t.is(error.source, source);
	t.is(error.diagnostics.length, 2);
	t.deepEqual(error.diagnostics[1]?.line, 5);
	t.true(error.text.includes('return y;'));
	t.false((await readdir(folder)).includes('x.bpf.o'));
	t.deepEqual((await readdir(folder)).sort(), ['limit.h', 'x.bpf.c']);
});

test('an old object survives a compilation that fails', async t => {
	const folder = await makeTempFolder(t);
	const source = await writeSource(folder, '#error no\n');
	await writeFile(join(folder, 'x.bpf.o'), 'old');
	await t.throwsAsync(compileObject(source), {instanceOf: CompileError});
	t.is(await readFile(join(folder, 'x.bpf.o'), 'utf8'), 'old');
});

const fails = test.macro({
	async exec(t, source: string, options: CompileOptions, detail: string) {
		await t.throwsAsync(compileObject(source, options), {
			instanceOf: CompileError,
			message: `compile "${source}": ${detail}`,
		});
	},
	title: (_, source: string, _options, detail: string) =>
		`compiling ${source.slice(0, 40)} fails with ${detail}`,
});

test(fails, '/tmp/skep-nonexistent.bpf.c', {}, 'no such file');
test(fails, '/dev/null', {output: '/nonexistent/x.o'}, 'cannot write "/nonexistent/x.o": ENOENT');
test(fails, '-version.c', {output: '/tmp/skep-never.o'}, 'no such file');
test(
	fails,
	'/dev/null',
	{output: '/tmp/skep-never.o', flags: ['-mcpu=nonsense', '-xc', '-fnonsense']},
	"unknown argument: '-fnonsense'",
);

test('a path without a clang is an error of its own', async t => {
	const source = await writeSource(await makeTempFolder(t), program);
	await t.throwsAsync(compileObject(source, {clang: '/nonexistent/clang'}), {
		instanceOf: ClangError,
	});
});

test('an unknown option is refused, with the one that was meant', async t => {
	await t.throwsAsync(compileObject('x.bpf.c', {defines: {}} as CompileOptions), {
		instanceOf: UsageError,
		message: 'compile "x.bpf.c": no option "defines", did you mean "define"?',
	});
});

test('an abort stops clang and leaves nothing behind', async t => {
	const folder = await makeTempFolder(t);
	const source = await writeSource(folder, program);
	const clang = join(await makeTempFolder(t), 'clang');
	// Answers as clang, then compiles for longer than any test may take, with half an object written.
	await writeFile(
		clang,
		`#!/bin/sh
[ "$1" = --version ] && { echo clang version 14.0.6; exit; }
while [ "$1" != -o ]; do shift; done
echo half > "$2"
echo $$ > "${clang}.number"
mv "${clang}.number" "${clang}.pid"
exec sleep 600
`,
	);
	await chmod(clang, 0o755);

	const controller = new AbortController();
	const reason = new Error('enough');
	const started = watch(join(clang, '..'), (_, file) => {
		if (file === `${basename(clang)}.pid`) controller.abort(reason);
	});
	t.teardown(() => started.close());
	const error = await t.throwsAsync(compileObject(source, {clang, signal: controller.signal}));
	t.is(error, reason);
	t.deepEqual((await readdir(folder)).sort(), ['limit.h', 'x.bpf.c']);
	const pid = Number(await readFile(`${clang}.pid`, 'utf8'));
	t.throws(() => process.kill(pid, 0), {code: 'ESRCH'});
});

test('an abort before the start starts nothing', async t => {
	const folder = await makeTempFolder(t);
	const source = await writeSource(folder, program);
	const signal = AbortSignal.abort(new Error('never mind'));
	await t.throwsAsync(compileObject(source, {signal}), {message: 'never mind'});
	t.deepEqual((await readdir(folder)).sort(), ['limit.h', 'x.bpf.c']);
});

test.serial('the object is kept with its DWARF where llvm-strip is missing', async t => {
	const folder = await makeTempFolder(t);
	const source = await writeSource(folder, program);
	const clang = join(folder, 'clang');
	// A clang of a version that has no llvm-strip of its own, and no PATH to find one in.
	await writeFile(clang, '#!/bin/sh\nexec /usr/bin/clang "$@"\n');
	await chmod(clang, 0o755);
	const path = process.env['PATH'] ?? '';
	process.env['PATH'] = folder;
	t.teardown(() => {
		process.env['PATH'] = path;
	});
	const {stripped, output} = await compileObject(source, {clang});
	t.false(stripped);
	t.true((await readFile(output)).includes('.BTF'));
});
