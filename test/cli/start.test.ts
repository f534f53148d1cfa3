import {execFile} from 'node:child_process';
import {cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {fileURLToPath} from 'node:url';
import test, {type ExecutionContext} from 'ava';
import {makeTempFolder} from '../helpers/temp.js';

const project = fileURLToPath(new URL('../../..', import.meta.url));

interface Copy {
	readonly cache: string;
	readonly run: (env?: Record<string, string>, ...args: string[]) => Promise<Ended>;
}

interface Ended {
	readonly code: number;
	readonly out: string;
	readonly err: string;
}

/** The command line as it is installed, in a folder of its own, never started before. */
async function install(t: ExecutionContext): Promise<Copy> {
	const folder = await makeTempFolder(t);
	const cli = join(folder, 'dist/cli');
	mkdirSync(dirname(cli), {recursive: true});
	cpSync(join(project, 'dist/cli'), cli, {
		recursive: true,
		filter: path => !path.includes('/cache'),
	});
	cpSync(join(project, 'package.json'), join(folder, 'package.json'));
	symlinkSync(join(project, 'build'), join(folder, 'build'));
	return {
		cache: join(cli, 'cache'),
		run: async (env = {}, ...args) =>
			new Promise(resolve => {
				execFile(
					process.execPath,
					[join(cli, 'skep.cjs'), ...args],
					{env: {...process.env, NODE_V8_COVERAGE: '', ...env}},
					(error, out, err) => {
						resolve({code: Number(error?.code ?? 0), out, err});
					},
				);
			}),
	};
}

const version = (
	JSON.parse(readFileSync(join(project, 'package.json'), 'utf8')) as {version: string}
).version;

test('the first start keeps compiled code, the second finds it', async t => {
	const {run, cache} = await install(t);
	t.deepEqual(await run({}, '--version'), {code: 0, out: `${version}\n`, err: ''});
	const kept = readdirSync(cache);
	t.is(kept.length, 1);
	t.deepEqual(await run({}, '--version'), {code: 0, out: `${version}\n`, err: ''});
	t.deepEqual(readdirSync(cache), kept);
});

test('compiled code that is damaged is made anew', async t => {
	const {run, cache} = await install(t);
	await run({}, '--version');
	const [name = ''] = readdirSync(cache);
	const whole = readFileSync(join(cache, name));
	writeFileSync(join(cache, name), whole.subarray(0, whole.length / 2));
	t.deepEqual(await run({}, '--version'), {code: 0, out: `${version}\n`, err: ''});
	t.true(readFileSync(join(cache, name)).length > whole.length / 2 + 1);
});

test('where nothing can be kept, the command runs all the same', async t => {
	const {run, cache} = await install(t);
	writeFileSync(cache, '');
	t.deepEqual(await run({}, '--version'), {code: 0, out: `${version}\n`, err: ''});
});

test('what fails keeps nothing', async t => {
	const {run, cache} = await install(t);
	t.is((await run({}, 'nonsense')).code, 2);
	t.throws(() => readdirSync(cache), {code: 'ENOENT'});
});

test('debugging shows the lines of the sources', async t => {
	const {run} = await install(t);
	const {code, err} = await run({SKEP_DEBUG: '1'}, 'object', 'inspect', '/etc/passwd');
	t.is(code, 1);
	t.regex(err, /\/src\/spec\/read\.ts:\d+:\d+/);
});
