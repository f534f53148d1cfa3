import {existsSync} from 'node:fs';
import test from 'ava';
import {loadCollection} from '../../../src/object/collection/load-collection.js';
import {attach} from '../../../src/object/hook/attach.js';
import {attachTcx} from '../../../src/object/link/attach-tcx.js';
import {attachXdp} from '../../../src/object/link/attach-xdp.js';
import {listInterfaceHooks} from '../../../src/object/net/list-hooks.js';
import {readDispatcher} from '../../../src/object/xdp-set/dispatcher.js';
import {readLibxdp, readSettings} from '../../../src/object/xdp-set/libxdp.js';
import {joinXdp} from '../../../src/object/xdp-set/xdp-set.js';
import {readObject} from '../../../src/spec/read.js';
import {skep} from '../../helpers/cli.js';
import {fixtureObject} from '../../helpers/compile.js';
import {makeDevice} from '../../helpers/device.js';
import {kernelTest} from '../../helpers/kernel.js';
import {loadFixture} from '../../helpers/load.js';

const kernel = kernelTest({feature: 'xdp links', since: '5.9'});

/** Settings as libxdp lays them out, of two programs. */
function settings(size: number, ...head: readonly number[]): Uint8Array {
	const bytes = new Uint8Array(size);
	bytes.set(head);
	const words = new DataView(bytes.buffer);
	for (const [i, word] of [0b1_00, 0b1010 + 2 ** 31].entries())
		words.setUint32(4 + i * 4, word, true);
	for (const [i, word] of [10, 50].entries()) words.setUint32(44 + i * 4, word, true);
	return bytes;
}

const slots = [
	{priority: 10, chain: ['pass']},
	{priority: 50, chain: ['drop', 'tx']},
];

test('settings of both versions of libxdp are read', t => {
	t.deepEqual(readSettings(settings(84, 2)), {version: 1, slots});
	t.deepEqual(readSettings(settings(124, 236, 2, 2)), {version: 2, slots});
	t.deepEqual(readSettings(settings(128, 236, 3, 2)), {version: 3, slots});
});

for (const bytes of [
	new Uint8Array(0),
	new Uint8Array(83),
	settings(84, 11),
	settings(124, 235, 2, 2),
	settings(124, 236, 2, 255),
	new Uint8Array(4096).fill(255),
])
	test(`${bytes.length} bytes from ${bytes.slice(0, 3).join(' ')} are no settings`, t => {
		t.is(readSettings(bytes), undefined);
	});

const object = [
	'/usr/lib/x86_64-linux-gnu/bpf/xdp-dispatcher.o',
	'/usr/lib/aarch64-linux-gnu/bpf/xdp-dispatcher.o',
	'/usr/lib/bpf/xdp-dispatcher.o',
].find(path => existsSync(path));

kernel('libxdp’s dispatcher is known, listed and left alone', async t => {
	if (object === undefined) return t.fail('xdp-tools is not installed');
	const device = await makeDevice(t);
	const netns = device.namespace.path;
	const spec = await readObject(object);
	const empty = spec.variables['conf']?.get() as Record<string, unknown>;
	spec.variables['conf']?.set({
		...empty,
		magic: 236,
		dispatcher_version: 2,
		num_progs_enabled: 2,
		chain_call_actions: [4, 2 ** 31 + 6, 0, 0, 0, 0, 0, 0, 0, 0],
		run_prios: [10, 50, 0, 0, 0, 0, 0, 0, 0, 0],
	});
	using collection = loadCollection(spec, {programs: ['xdp_dispatcher']});
	const dispatcher = collection.program('xdp_dispatcher');
	using link = attachXdp(dispatcher, device.name, {netns});
	const members = [
		{priority: 10, chain: ['pass']},
		{priority: 50, chain: ['drop', 'pass']},
	];
	t.deepEqual(readLibxdp(dispatcher), {version: 2, members});
	const [hook] = listInterfaceHooks({netns});
	t.deepEqual(hook?.dispatcher, {by: 'libxdp', version: 2, members});

	const mine = await loadFixture(t, 'kernel/globals');
	const member = await readObject(await fixtureObject('kernel/globals'));
	const [target, program] = [{xdp: device.name, netns}, mine.program('count_packets')];
	const count = member.programs['count_packets'];
	if (count === undefined) return t.fail();
	const refused = {
		code: 'ERR_LINK',
		message: /it is the dispatcher of libxdp, whose programs would be lost: see 'xdp-loader/,
	};
	t.throws(() => attach(program, target), refused);
	t.throws(() => attachXdp(program, device.name, {netns}), refused);
	t.throws(() => attachXdp(program, device.name, {netns, mechanism: 'netlink'}), refused);
	t.throws(() => joinXdp({spec: count, maps: mine.maps}, target), refused);
	t.is(link.info().programId, dispatcher.info().id);
});

kernel('a program that only is called like a dispatcher is none', async t => {
	const spec = await readObject(await fixtureObject('kernel/globals'));
	const count = spec.programs['count_packets'];
	if (count === undefined) return t.fail();
	for (const name of ['xdp_dispatcher', 'skep_dispatcher']) {
		using collection = loadCollection({...spec, programs: {[name]: {...count, name}}});
		t.is(readDispatcher(collection.program(name).info().id), undefined);
	}
});

kernel(
	'programs that share an interface are rows of `skep net`, and so are filters of clsact',
	async t => {
		const device = await makeDevice(t);
		const netns = device.namespace.path;
		const mine = await loadFixture(t, 'kernel/globals');
		const {programs} = await readObject(await fixtureObject('kernel/globals'));
		const spec = programs['count_packets'];
		if (spec === undefined) return t.fail();
		const target = {xdp: device.name, netns};
		using one = joinXdp({spec, maps: mine.maps}, target).link;
		const other = {...spec, name: 'other'};
		using two = joinXdp({spec: other, maps: mine.maps}, target, {priority: 7}).link;
		t.is(one.info().id, two.info().id);
		const filter = (await loadFixture(t, 'kernel/tc')).program('either_way');
		const options = {netns, direction: 'egress', mechanism: 'clsact'} as const;
		using clsact = attachTcx(filter, device.name, options);
		const table = await skep('net', '--netns', netns);
		t.is(table.code, 0, table.err);
		t.regex(table.out, /xdp native +1 +skep_dispatcher/);
		t.regex(table.out, /xdp native prio 7 +1\.1 +other/);
		t.regex(table.out, /xdp native prio 50 +1\.2 +count_packets/);
		t.regex(table.out, /clsact egress prio 50 handle 1 +1 +either_way/);
		t.is(clsact.mechanism, 'clsact');
		const {out} = await skep('net', '--netns', netns, '-o', 'json');
		const [, member] = out.split('\n');
		t.like(JSON.parse(member ?? ''), {
			dispatcher: 'skep',
			slot: 1,
			program: 'other',
			priority: 7,
			chain: ['pass'],
		});
	},
);
