import {mkdir, readFile, writeFile} from 'node:fs/promises';
import {once} from 'node:events';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {withScriptArguments} from '../../src/cli/script-arguments.js';
import {listLabs} from '../../src/lab/index.js';
import {cliCommand, skep} from '../helpers/cli.js';
import {kernelTest} from '../helpers/kernel.js';
import {start, until} from '../helpers/run.js';
import {makeTempFolder} from '../helpers/temp.js';

// One after the other: each makes a compiler ready, which is a second of a processor's time.
const kernel = kernelTest({
	feature: 'network namespaces and cgroup v2',
	since: '5.3',
	serial: true,
});

/** Files in a folder that knows nothing of skep; the path of the first. */
async function script(t: ExecutionContext, files: Readonly<Record<string, string>>) {
	const folder = await makeTempFolder(t);
	for (const [name, text] of Object.entries(files)) {
		await mkdir(join(folder, name, '..'), {recursive: true});
		await writeFile(join(folder, name), text);
	}

	return join(folder, Object.keys(files)[0] ?? '');
}

test.serial('a TypeScript file runs as it is, with all that belongs to types', async t => {
	const path = await script(t, {
		'main.ts': `
			import {sizes, type Size} from './lib/sizes.js';
			import {Kind} from './lib/kind.ts';
			interface Row { readonly size: Size; kind: Kind }
			class Holder {
				constructor(private readonly row: Row) {}
				[Symbol.dispose](): void { console.log('held', JSON.stringify(this.row)); }
			}
			namespace Names { export const first = 'first'; }
			const row = {size: sizes[1]!, kind: Kind.Array} satisfies Row as Row;
			{ using holder = new Holder(row); }
			await new Promise<void>(resolve => setTimeout(resolve, 1));
			console.log(Names.first, Kind[row.kind], process.argv.slice(2), import.meta.url);
		`,
		'lib/sizes.ts': 'export type Size = number; export const sizes: Size[] = [1, 2];',
		'lib/kind.ts': 'export enum Kind { Hash = 1, Array }',
	});
	t.deepEqual(await skep('lab', 'run', path, '--repeat', '3', '-h', '--', 'x'), {
		code: 0,
		out: `held {"size":2,"kind":2}\nfirst Array [ '--repeat', '3', '-h', '--', 'x' ] file://${path}\n`,
		err: '',
	});
});

test.serial('skep and skep/lab are this package wherever the file lies', async t => {
	const path = await script(t, {
		'main.mts': `
			import {experiment, type Measurement} from 'skep/lab';
			import {createMap} from 'skep';
			const {measurements} = await experiment(
				{name: 'x', parameters: {a: [1, 2]}, repeat: 1, folder: import.meta.dirname + '/out'},
				({a}) => ({b: a * 2}),
			);
			const values: Measurement['values'][] = measurements.map(one => one.values);
			console.log(values.length, typeof createMap);
		`,
	});
	const {code, out, err} = await skep('lab', 'run', path);
	t.is(code, 0, err);
	t.regex(out, /\nb\na {2}median {2}± mad {5}q1 {5}q3 {2}n\n1 {3}2\.000/);
	t.regex(out, /2 function\n$/);
	t.regex(err, /^x {2}2\/2 {2}100%\nx: written to .*x\.html\n$/);
	const report = await readFile(join(path, '../out/x.html'), 'utf8');
	t.regex(report, /<script type="application\/json" id="data">/);
});

test.serial('what is thrown is told with its place in the TypeScript', async t => {
	const path = await script(t, {
		'main.ts': `import {fail} from './fail.js';
interface Long {
	readonly a: number;
	readonly b: number;
}

const call = (one: Long): void => fail(one.a);
call({a: 1, b: 2});
`,
		'fail.ts': `type Kind =
	| 'one'
	| 'two';
export function fail(value: number, kind?: Kind): never {
	throw new TypeError(\`bad \${value} \${kind}\`);
}
`,
	});
	const {code, err} = await skep('lab', 'run', path);
	t.is(code, 1);
	t.regex(
		err,
		/TypeError: bad 1 undefined\n {4}at .*\/fail\.ts:5:8\)\n {4}at .*\/main\.ts:7:35\)/,
	);
	t.regex(err, /at <?\w.*main\.ts:8:1/);
});

const ends = test.macro({
	async exec(t, text: string, expected: {code: number; err?: RegExp}) {
		const path = await script(t, {'main.ts': text});
		const {code, err} = await skep('lab', 'run', path);
		t.is(code, expected.code, err);
		t.regex(err, expected.err ?? /^$/);
	},
	title: (_, text, {code}: {code: number}) => `exit status ${code} of: ${text}`,
});

test.serial(ends, 'process.exitCode = 3;', {code: 3});
test.serial(ends, 'await null; process.exit(4);', {code: 4});
test.serial(ends, 'await null; process.exit(0);', {code: 0});
test.serial(ends, 'setTimeout(() => process.exit(5), 1);', {code: 5});
test.serial(ends, 'throw new Error("no");', {code: 1, err: /Error: no/});
test.serial(ends, 'setTimeout(() => { throw new Error("late"); }, 1);', {
	code: 1,
	err: /Error: late/,
});
test.serial(ends, 'process.on("uncaughtException", () => process.exit(6)); throw 1;', {code: 6});
test.serial(ends, 'await new Promise(() => undefined);', {
	code: 13,
	err: /^skep: run file ".*main\.ts": it waits for what will never come\n$/,
});
test.serial(ends, 'const a: number = ;', {code: 1, err: /main\.ts:1:19: Expression expected/});
test.serial(ends, 'import "./none.js";', {code: 1, err: /Cannot find module .*none\.js/});
test.serial(ends, 'import "no-such-package";', {
	code: 1,
	err: /Cannot find package 'no-such-package'/,
});

test.serial('a file that is not there is a matter of usage', async t => {
	t.deepEqual(await skep('lab', 'run', '/no/such.ts'), {
		code: 2,
		out: '',
		err: 'skep: run file "/no/such.ts": there is no such file\n',
	});
	t.is((await skep('lab', 'run')).code, 2);
	t.regex((await skep('lab', 'run', '--help')).out, /^Usage: skep lab run/);
});

kernel('a signal tears the lab down, keeps what was measured, and ends the process', async t => {
	const path = await script(t, {
		'main.ts': `
			import {experiment, lab} from 'skep/lab';
			await using net = await lab({name: 'stopped', hosts: ['client']});
			await experiment(
				{name: 'x', parameters: {a: [1, 2]}, repeat: 2, folder: import.meta.dirname},
				async ({a}, {round}) => {
					if (round === 1) {
						console.log('waits');
						await new Promise<void>(resolve => setTimeout(resolve, 60_000));
					}
					return {b: a};
				},
			);
		`,
	});
	const child = start(t, ...cliCommand('lab', 'run', path));
	let out = '';
	child.stdout?.on('data', (piece: Buffer) => (out += piece.toString()));
	await until('it measures', () => out.includes('waits'), 20_000);
	t.true(listLabs().some(({pid}) => pid === child.pid));
	const closed = once(child, 'close');
	child.kill('SIGINT');
	t.deepEqual(await closed, [null, 'SIGINT']);
	t.false(listLabs().some(({pid}) => pid === child.pid));
	const journal = (await readFile(join(path, '../x.ndjson'), 'utf8')).trimEnd().split('\n');
	t.is(journal.length, 3);
	const result = JSON.parse(await readFile(join(path, '../x.json'), 'utf8')) as object;
	t.like(result, {complete: false, failures: []});
});

const separated = test.macro({
	exec: (t, given: string, expected: string) =>
		t.deepEqual(withScriptArguments(given.split(' ')), expected.split(' ')),
	title: (_, given, expected) => `"${given}" is read as "${expected}"`,
});

test(separated, 'lab run x.ts -o json', 'lab run -- x.ts -o json');
test(separated, '-o json lab run x.ts --help', '-o json lab run -- x.ts --help');
test(separated, 'lab run --help', 'lab run --help');
test(separated, 'lab run', 'lab run');
test(separated, 'prog run x', 'prog run x');
