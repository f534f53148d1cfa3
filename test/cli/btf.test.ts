import {writeFile} from 'node:fs/promises';
import test from 'ava';
import {skep} from '../helpers/cli.js';
import {compile, fixtureObject} from '../helpers/compile.js';
import {kernelTest} from '../helpers/kernel.js';
import {run} from '../helpers/run.js';
import {makeTempFolder} from '../helpers/temp.js';

const kernel = kernelTest({feature: 'BTF of the kernel', since: '5.4'});

test('btf dump --format c prints what clang takes', async t => {
	const folder = await makeTempFolder(t);
	const {code, out} = await skep(
		'btf',
		'dump',
		await fixtureObject('btf/types'),
		'--format',
		'c',
	);
	t.is(code, 0);
	await writeFile(`${folder}/types.h`, out);
	await run(
		'clang',
		'-target',
		'bpf',
		'-Wall',
		'-Werror',
		'-c',
		`${folder}/types.h`,
		'-o',
		'/dev/null',
	);
});

test('btf dump --format json and raw print a type a line', async t => {
	const object = await fixtureObject('btf/types');
	const json = await skep('btf', 'dump', object, '--format', 'json', '--name', 'tuple');
	t.like(JSON.parse(json.out.split('\n')[0] ?? ''), {kind: 'struct', name: 'tuple'});
	const raw = await skep('btf', 'dump', object, '--name', 'tuple');
	t.regex(raw.out, /^\[\d+\] struct struct tuple, \d+ bytes\n/);
	const none = await skep('btf', 'dump', object, '--name', 'nothing');
	t.deepEqual([none.code, none.err], [2, 'skep: find type "nothing": there is no such type\n']);
});

kernel('btf find says where a type is', async t => {
	const {code, out} = await skep('btf', 'find', 'task_struc?', '--kind', 'struct', '-o', 'json');
	t.is(code, 0);
	t.like(JSON.parse(out.split('\n')[0] ?? ''), {
		name: 'task_struct',
		kind: 'struct',
		in: 'kernel',
	});
	const none = await skep('btf', 'find', 'skep_no_such_type');
	t.is(none.code, 2);
});

test('btf diff tells what moved, and says by its exit code whether anything did', async t => {
	const before = await compile('struct flow { int port; char proto; } f;');
	const after = await compile('struct flow { char proto; long bytes; } f;');
	const {code, out} = await skep('btf', 'diff', before, after, '--name', 'flow');
	t.is(code, 1);
	t.is(
		out,
		'~ struct flow, 8 → 16 bytes\n' +
			'    removed int port at 0\n' +
			'    moved char proto at 4 → char proto at 0\n' +
			'    added long bytes at 8\n',
	);
	const same = await skep('btf', 'diff', after, after);
	t.deepEqual([same.code, same.out], [0, '']);
	const json = await skep('btf', 'diff', before, after, '--name', 'flow', '-o', 'json');
	t.like(JSON.parse(json.out), {how: 'changed', name: 'flow', sizeAfter: 16});
});

test('a source that is nothing is named', async t => {
	const {code, err} = await skep('btf', 'dump', 'skep_no_module');
	t.is(code, 2);
	t.is(
		err,
		'skep: read types of "skep_no_module": there is no such file, and no loaded module\n',
	);
});
