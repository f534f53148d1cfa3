import {writeFile} from 'node:fs/promises';
import {join} from 'node:path';
import test from 'ava';
import {type BuildEvent, watchBuild} from '../../src/toolchain/watch-build.js';
import {makeTempFolder} from '../helpers/temp.js';

test('changes of sources and headers are built until the signal comes', async t => {
	const folder = await makeTempFolder(t);
	const options = {cache: join(folder, 'cache')};
	for (const name of ['one', 'two']) {
		await writeFile(
			join(folder, `${name}.bpf.c`),
			`#include "${name}.h"\nint limit = LIMIT;\n`,
		);
		await writeFile(join(folder, `${name}.h`), '#define LIMIT 1\n');
	}

	const jobs = ['one', 'two'].map(name => ({source: join(folder, `${name}.bpf.c`), options}));
	const stop = new AbortController();
	const events = watchBuild(jobs, stop.signal);
	const next = async (wanted: (event: BuildEvent) => boolean): Promise<string> => {
		for (;;) {
			const {value, done} = await events.next();
			if (done === true) return 'done';
			if (!wanted(value)) continue;
			const name = value.source.slice(folder.length + 1);
			return 'error' in value ? `${name}: ${value.error.code}` : `${name}: built`;
		}
	};
	const about =
		(name: string, failed = false) =>
		(event: BuildEvent): boolean =>
			event.source.includes(name) && 'error' in event === failed;

	t.is(await next(about('one')), 'one.bpf.c: built');
	t.is(await next(about('two')), 'two.bpf.c: built');
	await writeFile(join(folder, 'two.h'), '#define LIMIT nonsense nonsense\n');
	t.is(await next(about('two', true)), 'two.bpf.c: ERR_COMPILE');
	await writeFile(join(folder, 'two.h'), '#define LIMIT 22\n');
	t.is(await next(about('two')), 'two.bpf.c: built');
	await writeFile(join(folder, 'one.bpf.c'), 'int other;\n');
	t.is(await next(about('one')), 'one.bpf.c: built');
	const last = next(() => true);
	stop.abort();
	t.is(await last, 'done');
});
