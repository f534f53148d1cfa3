import {readdirSync} from 'node:fs';
import {openPinnedMap} from '../../src/index.js';
import {attachXdp} from '../../src/object/link/attach-xdp.js';
import {openPinnedProgram} from '../../src/object/program/program.js';
import {makeBpffs} from '../helpers/bpffs.js';
import {skep} from '../helpers/cli.js';
import {compile} from '../helpers/compile.js';
import {kernelTest} from '../helpers/kernel.js';
import {connect, makeNamespace} from '../helpers/netns.js';
import {sourceOf} from '../object/migrate/objects.js';

const kernel = kernelTest({feature: 'xdp links', since: '5.9'});

kernel('object load migrates maps once it has given the links their new programs', async t => {
	const bpffs = await makeBpffs(t);
	const [left, right] = [await makeNamespace(t), await makeNamespace(t)];
	const [, device] = await connect(left, right);
	const [one, two] = [
		await compile(sourceOf({value: '__u32 a;'})),
		await compile(sourceOf({value: '__u64 a;'})),
	];
	const roots = ['--pin-root', `${bpffs}/maps`];
	t.is((await skep('object', 'load', one, `${bpffs}/one`, ...roots)).code, 0);
	{
		using program = openPinnedProgram(`${bpffs}/one/look`);
		using link = attachXdp(program, device.name, {netns: right.path});
		link.pin(`${bpffs}/link`);
		program.unpin(`${bpffs}/one/look`);
		using map = openPinnedMap(`${bpffs}/maps/map`);
		map.set({id: 5}, {a: 7});
	}

	const migrate = [...roots, '--on-mismatch', 'migrate'];
	const early = await skep('object', 'load', two, `${bpffs}/two`, ...migrate);
	t.is(early.code, 1);
	t.regex(early.err, /^skep: migrate map "map" .*: look \(\d+\) still uses the old map/);
	const update = ['--update', `${bpffs}/link=look`];
	const done = await skep('object', 'load', two, `${bpffs}/two`, ...migrate, ...update);
	t.deepEqual([done.code, done.err], [0, '']);
	using map = openPinnedMap(`${bpffs}/maps/map`);
	t.deepEqual([...map.entries()], [[{id: 5}, {a: 7n}]]);
	t.deepEqual(readdirSync(`${bpffs}/maps`), ['map']);
});
