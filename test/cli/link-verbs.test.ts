import {existsSync} from 'node:fs';
import {attachNetfilter} from '../../src/object/link/attach-netfilter.js';
import {attachNetns} from '../../src/object/link/attach-netns.js';
import {makeBpffs} from '../helpers/bpffs.js';
import {skep} from '../helpers/cli.js';
import {kernelTest} from '../helpers/kernel.js';
import {loadFixture} from '../helpers/load.js';
import {makeNamespace} from '../helpers/netns.js';

const kernel = kernelTest({feature: 'netfilter links', since: '6.4'});

async function ok(...args: readonly string[]): Promise<string> {
	const {code, out, err} = await skep(...args);
	if (code !== 0 || err !== '') throw new Error(`skep ${args.join(' ')}: ${code}: ${err}`);
	return out;
}

kernel('a link is pinned, updated when the expected program is there, and unpinned', async t => {
	const bpffs = await makeBpffs(t);
	const {path: netns} = await makeNamespace(t);
	const programs = ['refuse_port'];
	const [one, two] = [
		(await loadFixture(t, 'kernel/links', {programs})).program('refuse_port'),
		(await loadFixture(t, 'kernel/links', {programs})).program('refuse_port'),
	];
	using link = attachNetns(one, {netns});
	const [first, second, id] = [one, two, link].map(each => String(each.info().id));
	if (first === undefined || second === undefined || id === undefined) return t.fail();
	t.is(await ok('link', 'pin', id, `${bpffs}/lookup`), '');
	const refused = await skep('link', 'update', id, second, '--expected', second);
	t.is(refused.code, 1);
	t.regex(refused.err, /another program than the expected one is attached/);
	t.is(await ok('link', 'update', `${bpffs}/lookup`, second, '--expected', first), '');
	t.is(link.info().programId, Number(second));
	t.is(await ok('link', 'unpin', `${bpffs}/lookup`), '');
	t.false(existsSync(`${bpffs}/lookup`));
	t.is((await skep('link', 'unpin', `${bpffs}/lookup`)).code, 1);
});

kernel('the list says where each kind of link leads', async t => {
	const {path: netns} = await makeNamespace(t);
	const collection = await loadFixture(t, 'kernel/links', {programs: ['count_packet']});
	const program = collection.program('count_packet');
	using link = attachNetfilter(program, {family: 'ipv6', hook: 'output', priority: -9, netns});
	const {id} = link.info();
	const line = new RegExp(`^ *${id} +netfilter +${program.info().id} .*ipv6 output -9`, 'm');
	t.regex(await ok('link', 'list'), line);
	const shown = JSON.parse(await ok('link', 'show', String(id), '-o', 'json')) as object;
	t.like(shown, {
		netfilter: {family: 'ipv6', hook: 'output', priority: -9, defrag: false},
	});
});

kernel('a program runs with fields of its context', async t => {
	const collection = await loadFixture(t, 'kernel/contexts', {programs: ['read_mark']});
	const {id} = collection.program('read_mark').info();
	const out = await ok('prog', 'run', String(id), '--context', '{"mark":41}');
	t.regex(out, /^\S* ?\(41\), \d+ ns a run\n(.*\n)+mark: 42\n/);
	const refused = await skep('prog', 'run', String(id), '--context', '{"no_such":1}');
	t.is(refused.code, 1);
	t.regex(refused.err, /no_such/);
});
