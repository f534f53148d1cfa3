import {mkdir, readdir, readFile, rm, utimes, writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {buildObject, type BuildOptions} from '../../src/toolchain/build.js';
import {makeTempFolder} from '../helpers/temp.js';

interface Project {
	readonly folder: string;
	readonly source: string;
	/** Builds and gives the reason, `up to date` where there was none. */
	readonly build: (options?: BuildOptions) => Promise<string>;
}

/** A file of that text which is a minute old, as files are that nobody is writing. */
async function writeOld(path: string, text: string): Promise<void> {
	await writeFile(path, text);
	const then = Date.now() / 1000 - 60;
	await utimes(path, then, then);
}

async function makeProject(t: ExecutionContext): Promise<Project> {
	const folder = await makeTempFolder(t);
	const source = join(folder, 'x.bpf.c');
	await writeOld(source, '#include "limit.h"\nint limit = LIMIT;\n');
	await writeOld(join(folder, 'limit.h'), '#define LIMIT 1\n');
	const build = async (options: BuildOptions = {}): Promise<string> => {
		const {reason} = await buildObject(source, {cache: join(folder, 'cache'), ...options});
		return reason?.replaceAll(`${folder}/`, '') ?? 'up to date';
	};
	return {folder, source, build};
}

test('what is up to date is not compiled', async t => {
	const {build, source} = await makeProject(t);
	t.is(await build(), 'not built yet');
	const first = await readFile(source.replace(/c$/, 'o'));
	t.is(await build(), 'up to date');
	t.deepEqual(await readFile(source.replace(/c$/, 'o')), first);
	t.is(await build({force: true}), 'asked for');
});

const stale = test.macro({
	async exec(
		t,
		expected: string,
		change: (project: Project) => Promise<BuildOptions | undefined>,
	) {
		const project = await makeProject(t);
		await project.build();
		const options = await change(project);
		t.is(await project.build(options), expected);
		t.is(await project.build(options), 'up to date');
	},
	title: (_, expected) => `what is stale is compiled once: ${expected}`,
});

test(stale, 'limit.h changed', async ({folder}) => {
	await writeOld(join(folder, 'limit.h'), '#define LIMIT 23\n');
	return undefined;
});
test(stale, 'x.bpf.c changed', async ({source}) => {
	await writeOld(source, '#include "limit.h"\nint limit = LIMIT + 1;\n');
	return undefined;
});
test(stale, 'the compiler or its flags changed', async () => Promise.resolve({define: {OTHER: 1}}));
test(stale, 'x.bpf.o is not what was built', async ({source}) => {
	await writeFile(source.replace(/c$/, 'o'), 'something else');
	return undefined;
});
test(stale, 'up to date', async ({folder}) => {
	// Touched, but the same.
	await utimes(join(folder, 'limit.h'), 1, 1);
	return undefined;
});

test('an object that is gone is made again', async t => {
	const {build, source} = await makeProject(t);
	await build();
	await rm(source.replace(/c$/, 'o'));
	t.regex(await build(), /is not what was built/);
});

test('a source that changes while it is compiled is compiled again', async t => {
	const {build, folder} = await makeProject(t);
	const soon = Date.now() / 1000 + 60;
	await utimes(join(folder, 'limit.h'), soon, soon);
	t.is(await build(), 'not built yet');
	t.is(await build(), 'not built yet');
});

test('a cache that cannot be written, or was damaged, only costs a compilation', async t => {
	const {build, folder} = await makeProject(t);
	await writeFile(join(folder, 'file'), '');
	t.is(await build({cache: join(folder, 'file')}), 'not built yet');
	await mkdir(join(folder, 'cache'));
	t.is(await build(), 'not built yet');
	const records = await readdir(join(folder, 'cache/build'));
	await writeFile(join(folder, 'cache/build', records[0] ?? ''), '{"format":1,');
	t.is(await build(), 'not built yet');
});
