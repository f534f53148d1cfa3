/** Debian's xdp-tools: real programs that were not written for this loader. */

import {existsSync, readdirSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {loadCollection} from '../../src/object/collection/load-collection.js';
import {coreTarget} from '../../src/object/program/core-target.js';
import {relocateProgram} from '../../src/spec/core-relo/relocate.js';
import {readObject} from '../../src/spec/read.js';
import {makeBpffs} from '../helpers/bpffs.js';
import {kernelTest} from '../helpers/kernel.js';
import {run} from '../helpers/run.js';

const kernel = kernelTest({feature: 'programs with types', since: '5.4'});

const folder = [
	'/usr/lib/x86_64-linux-gnu/bpf',
	'/usr/lib/aarch64-linux-gnu/bpf',
	'/usr/lib/bpf',
].find(path => existsSync(path));
const objects =
	folder === undefined
		? []
		: readdirSync(folder)
				.filter(name => name.endsWith('.o'))
				.map(name => join(folder, name));

/** Types of the programs that bpftool loads from an object; undefined when it refuses. */
async function loadedByBpftool(object: string): Promise<string[] | undefined> {
	// Maps that an object wants pinned go to /sys/fs/bpf: one of this call's own.
	const script = `mount -t bpf bpf /sys/fs/bpf && bpftool prog loadall '${object}' /sys/fs/bpf/x >&2 && for pin in /sys/fs/bpf/x/*; do bpftool -j prog show pinned "$pin"; done`;
	try {
		const text = await run('unshare', '-m', 'sh', '-c', script);
		const shown = text
			.trim()
			.split('\n')
			.map(line => JSON.parse(line) as {type: string; tag: string});
		return shown.map(({type, tag}) => `${type} ${tag}`).sort();
	} catch {
		return undefined;
	}
}

test('the objects of xdp-tools are installed', t => {
	t.true(objects.length >= 15);
});

for (const object of objects) {
	kernel(`${object} loads wherever bpftool loads it`, async t => {
		const pinRoot = await makeBpffs(t);
		const expected = await loadedByBpftool(object);
		const spec = await readObject(object);
		if (expected === undefined) {
			// Programs that trace another program, which is not there yet.
			t.throws(() => loadCollection(spec, {pinRoot}), {
				message: /no func "func" to attach to/,
			});
			for (const program of Object.values(spec.programs)) {
				t.true(program.coreRelocations.length > 0);
				t.deepEqual(relocateProgram(program, coreTarget()).failures, []);
			}

			return;
		}

		using collection = loadCollection(spec, {pinRoot});
		const loaded = Object.values(collection.programs).map(program => {
			const {type, tag} = program.info();
			return `${type} ${tag}`;
		});
		t.deepEqual(loaded.sort(), expected);
	});
}
