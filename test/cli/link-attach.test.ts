import {queryCgroup, queryTcx} from '../../src/object/net/query.js';
import {openPinnedLink} from '../../src/object/link/link.js';
import {listPins} from '../../src/object/pin/list-pins.js';
import {openPinnedProgram} from '../../src/object/program/program.js';
import {makeBpffs} from '../helpers/bpffs.js';
import {makeCgroup} from '../helpers/cgroup.js';
import {skep} from '../helpers/cli.js';
import {compile, fixtureObject} from '../helpers/compile.js';
import {kernelTest} from '../helpers/kernel.js';
import {connect, makeNamespace} from '../helpers/netns.js';

const kernel = kernelTest({feature: 'tcx links', since: '6.6'});

async function json(...args: readonly string[]): Promise<Record<string, unknown>[]> {
	const {code, out, err} = await skep(...args, '-o', 'json');
	if (code !== 0 || err !== '') throw new Error(`skep ${args.join(' ')}: ${code}: ${err}`);
	return out
		.trim()
		.split('\n')
		.map(line => JSON.parse(line) as Record<string, unknown>);
}

kernel('a pinned program is attached, replaced and updated by its link', async t => {
	const bpffs = await makeBpffs(t);
	const [left, right] = [await makeNamespace(t), await makeNamespace(t)];
	const [, device] = await connect(left, right);
	const object = await fixtureObject('kernel/globals');
	for (const name of ['one', 'two']) await json('object', 'load', object, `${bpffs}/${name}`);
	const pins = ['one', 'two'].map(name => `${bpffs}/${name}/count_packets`);
	const [one = 0, two = 0] = pins.map(path => {
		using program = openPinnedProgram(path);
		return program.info().id;
	});
	const pin = `${bpffs}/link`;
	const attach = (path: string, ...more: string[]) => [
		...['link', 'attach', path, `xdp:${device.name}`, '--netns', right.path, '--pin', pin],
		...more,
	];

	const [made] = await json(...attach(pins[0] ?? ''));
	const link = {mechanism: 'link', link: made?.['link'], pin};
	t.deepEqual(made, {how: 'created', program: one, ...link});
	t.deepEqual(await json(...attach(pins[1] ?? '')), [
		{how: 'replaced', program: two, previous: one, ...link},
	]);
	t.like(await skep(...attach(pins[0] ?? '', '--policy', 'create')), {code: 1, out: ''});

	const update = ['link', 'update', pin, pins[0] ?? ''];
	t.like(await skep(...update, '--expect', String(one)), {code: 1, out: ''});
	t.deepEqual(await skep(...update, '--expect', String(two)), {code: 0, out: '', err: ''});
	using opened = openPinnedLink(pin);
	t.is(opened.info().programId, one);
});

kernel('an object is loaded and attached by one command, wherever its programs belong', async t => {
	const bpffs = await makeBpffs(t);
	const cgroup = await makeCgroup(t);
	const [left, right] = [await makeNamespace(t), await makeNamespace(t)];
	const [, device] = await connect(left, right);
	const object = await compile(`
		#include <linux/bpf.h>
		#include <bpf/bpf_helpers.h>
		SEC("tcx/egress") int out(void *ctx) { return ctx ? -1 : 0; }
		SEC("cgroup/connect4") int connect(void *ctx) { return ctx != 0; }
		SEC("tp_btf/bpf_test_finish") int finished(void *ctx) { return !ctx; }
		char _license[] SEC("license") = "GPL";
	`);
	const words = ['object', 'load', object, `${bpffs}/all`, '--netns', right.path];
	const out = `out=tcx:${device.name}`;
	const connect4 = `connect=cgroup:${cgroup.path}`;
	const refused = await skep(
		...words,
		...['--attach', out, '--attach', connect4, '--attach', 'finished=xdp:none'],
	);
	t.is(refused.code, 1);
	t.regex(refused.err, /^skep: attach program "finished" to xdp of "none": .+\n$/);
	const nothing = () => queryTcx(device.name, 'egress', {netns: right.path}).programs;
	t.deepEqual(nothing(), []);
	t.deepEqual(queryCgroup(cgroup.path, 'cgroup_inet4_connect').programs, []);
	t.deepEqual([...listPins(bpffs)], []);

	const loaded = await json(
		...words,
		...['--attach', out, '--attach', connect4, '--attach', 'finished'],
	);
	const links = loaded.filter(({kind}) => kind === 'link');
	t.deepEqual(
		links.map(({name, pin}) => [name, pin]),
		['out', 'connect', 'finished'].map(name => [name, `${bpffs}/all/links/${name}`]),
	);
	t.deepEqual(
		[nothing()[0]?.linkId, queryCgroup(cgroup.path, 'cgroup_inet4_connect').programs.length],
		[links[0]?.['id'], 1],
	);

	// A pinned program of its kind knows what it was loaded for.
	const again = ['link', 'attach', `${bpffs}/all/finished`, '--pin', `${bpffs}/again`];
	t.like((await json(...again))[0], {how: 'created', mechanism: 'link', pin: `${bpffs}/again`});
});
