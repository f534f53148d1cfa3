import {writeFileSync} from 'node:fs';
import {join} from 'node:path';

import {datapathDown} from '../../src/datapath/index.js';
import {lab} from '../../src/lab/index.js';
import {makeBpffs} from '../helpers/bpffs.js';
import {skep} from '../helpers/cli.js';
import {kernelTest} from '../helpers/kernel.js';
import {makeTempFolder} from '../helpers/temp.js';

const kernel = kernelTest({feature: 'frames in several pieces', since: '5.18'});

kernel('sources are denied, listed and let in again from the command line', async t => {
	const root = `${await makeBpffs(t)}/skep`;
	t.teardown(async () => datapathDown({root}));
	const run = async (...words: readonly string[]) => skep(...words, '--root', root);
	const prefilter = async (...words: readonly string[]): Promise<string> => {
		const {code, out, err} = await run('prefilter', ...words);
		t.is(code, 0, err);
		return out;
	};

	t.is((await run('datapath', 'up', '--ct-tcp', '1024', '--ct-any', '1024')).code, 0);
	const off = await run('prefilter', 'add', '10.0.0.1');
	t.is(off.code, 1);
	t.regex(off.err, /skep datapath up --xdp auto/);
	const up = await run('datapath', 'up', '--xdp', 'auto', '--ct-tcp', '1024', '--ct-any', '1024');
	t.is(up.code, 0, up.err);
	t.regex(up.out, /xdp_netdev\(\d+\)/);

	t.is(await prefilter('add', '10.0.0.1', 'fd00::/8'), '2 prefixes denied, revision 1\n');
	const file = join(await makeTempFolder(t), 'denied.txt');
	writeFileSync(file, '# denied\n192.0.2.0/24\n\n  10.0.0.0/8 # a network\n2001:db8::1\n');
	t.is(await prefilter('replace', '-f', file), '3 prefixes denied, revision 2\n');
	t.is(await prefilter('list'), 'revision 2\n10.0.0.0/8\n192.0.2.0/24\n2001:db8::1/128\n');
	t.is(
		await prefilter('delete', '2001:db8::1', '10.0.0.0/8', '10.0.0.0/9', '--revision', '2'),
		'2 prefixes denied no more, revision 3\n',
	);
	t.deepEqual(JSON.parse(await prefilter('list', '-o', 'json')), {
		revision: 3,
		prefixes: ['192.0.2.0/24'],
	});

	const late = await run('prefilter', 'add', '10.0.0.1', '--revision', '2');
	t.is(late.code, 1);
	t.regex(late.err, /its revision is 3, not 2/);
	const nothing = await run('prefilter', 'add');
	t.is(nothing.code, 2);
	t.regex(nothing.err, /--file/);
	const missing = await run('prefilter', 'add', '-f', `${file}.not`);
	t.is(missing.code, 2);
	t.regex(missing.err, /there is no such file/);
	const wrong = await run('prefilter', 'add', '10.0.0.0/33');
	t.is(wrong.code, 2);
	t.regex(wrong.err, /"10\.0\.0\.0\/33"/);
	const foreign = await run('prefilter', 'add', '10.0.0.1', '--prefix', 'cilium_');
	t.is(foreign.code, 2);
});

kernel('services are accelerated from the command line, on devices', async t => {
	const root = `${await makeBpffs(t)}/skep`;
	t.teardown(async () => datapathDown({root}));
	const net = await lab({
		name: 'accelerated',
		hosts: ['outside'],
		routers: ['node'],
		links: [['outside', 'node']],
	});
	t.teardown(async () => net.close());
	const up = async (...words: readonly string[]) =>
		skep(
			...['datapath', 'up', '--root', root, '--netns', net.hosts.node.netns],
			...['--ct-tcp', '1024', '--ct-any', '1024', '--device', 'eth0', ...words],
		);
	const alone = await up('--acceleration');
	t.is(alone.code, 2);
	t.regex(alone.err, /it needs nodePort/);
	const {code, out, err} = await up(
		'--acceleration',
		'--node-port',
		'--nat-address',
		'198.51.100.1',
	);
	t.is(code, 0, err);
	t.regex(out, /xdp native +eth0 +xdp_netdev/);
});
