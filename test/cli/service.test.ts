import {fileURLToPath} from 'node:url';
import test, {type ExecutionContext} from 'ava';

import {Services, type DatapathMaps} from '../../src/datapath/index.js';
import {skep, type CliResult} from '../helpers/cli.js';
import {kernelTest} from '../helpers/kernel.js';
import {openServiceMaps} from '../helpers/service-maps.js';

const kernel = kernelTest({feature: 'maps of services', since: '5.6'});

interface SetUp {
	readonly maps: DatapathMaps;
	readonly run: (...words: string[]) => Promise<string>;
	readonly fail: (...words: string[]) => Promise<CliResult>;
}

async function setUp(t: ExecutionContext, prefix = ''): Promise<SetUp> {
	const maps = await openServiceMaps(t, {entries: 256, prefix});
	const where = ['--root', maps.root, '--layout-version', 'skep'];
	if (prefix !== '') where.push('--prefix', prefix);
	const fail = async (...words: string[]): Promise<CliResult> => skep(...words, ...where);
	return {
		maps,
		fail,
		async run(...words) {
			const {code, out, err} = await fail(...words);
			t.is(code, 0, err);
			t.is(err, '');
			return out;
		},
	};
}

kernel('services are added, shown and deleted', async t => {
	const {run, fail} = await setUp(t);
	await run(
		'service',
		'add',
		'10.96.0.1:80',
		'10.1.0.1:8080',
		'10.1.0.2:8080',
		'--affinity',
		'60',
	);
	const added = await run(
		'service',
		'add',
		'[fd96::1]:53/udp',
		'[fd01::1]:53',
		'--type',
		'LoadBalancer',
		'--allow',
		'2001:db8::/32',
		'--algorithm',
		'maglev',
		'--table-size',
		'251',
		'--weights',
		'50',
	);
	t.is(
		added,
		`ID  FRONTEND          SERVICE TYPE  BACKEND
 2  [fd96::1]:53/UDP  LoadBalancer  1 => [fd01::1]:53/UDP (active)
`,
	);
	t.is(
		await run('service', 'list'),
		`ID  FRONTEND          SERVICE TYPE  BACKEND
1   10.96.0.1:80/TCP  ClusterIP     1 => 10.1.0.1:8080/TCP (active)
                                    2 => 10.1.0.2:8080/TCP (active)
2   [fd96::1]:53/UDP  LoadBalancer  1 => [fd01::1]:53/UDP (active)
`,
	);
	t.is(
		await run('service', 'list', '--slots'),
		`SERVICE ADDRESS       BACKEND ADDRESS (REVNAT_ID) (SLOT)
10.96.0.1:80/TCP (0)  0.0.0.0:0 (1) (0) [ClusterIP, sessionAffinity, non-routable]
10.96.0.1:80/TCP (1)  10.1.0.1:8080/TCP (1) (1)
10.96.0.1:80/TCP (2)  10.1.0.2:8080/TCP (1) (2)
[fd96::1]:53/UDP (0)  [::]:0 (2) (0) [LoadBalancer, check source-range]
[fd96::1]:53/UDP (1)  [fd01::1]:53/UDP (2) (1)
`,
	);
	t.regex(await run('service', 'list', '--source-ranges'), /^2001:db8::\/32 \(2\) +allow$/m);
	const json = (await run('service', 'list', '-o', 'json')).trim().split('\n');
	t.like(JSON.parse(json[1] ?? ''), {id: 2, type: 'LoadBalancer', algorithm: 'maglev'});
	const one = await run('service', 'get', '1');
	t.regex(one, /^frontend +10\.96\.0\.1:80\/TCP$/m);
	t.regex(one, /^affinity +60 s$/m);
	t.like(JSON.parse(await run('service', 'get', '[fd96::1]:53/udp', '-o', 'json')), {id: 2});

	await run('service', 'delete', '10.96.0.1:80', '2');
	t.is(await run('service', 'list'), '');
	const gone = await fail('service', 'delete', '10.96.0.1:80');
	t.is(gone.code, 1);
	t.regex(gone.err, /there is no such service/);
	const wrong = await fail('service', 'add', '10.96.0.1', '10.1.0.1:1');
	t.is(wrong.code, 2);
	t.regex(wrong.err, /read frontend "10\.96\.0\.1": expected/);
});

kernel('a proxy and a local redirect are shown', async t => {
	const {run} = await setUp(t);
	await run('service', 'add', '10.96.0.1:80', '--proxy-port', '10001');
	await run(
		...['service', 'add', '[fd96::1]:53/udp', '[fd01::1]:53', '[fd02::1]:53'],
		...['--type', 'LocalRedirect', '--local', '[fd01::1]:53'],
	);
	t.is(
		await run('service', 'list'),
		`ID  FRONTEND          SERVICE TYPE   BACKEND
 1  10.96.0.1:80/TCP  ClusterIP      proxy at port 10001
 2  [fd96::1]:53/UDP  LocalRedirect  1 => [fd01::1]:53/UDP (active)
`,
	);
	const slots = await run('service', 'list', '--slots');
	t.regex(slots, /\[ClusterIP, non-routable, l7-load-balancer\]/);
	t.regex(slots, /\[LocalRedirect, non-routable\]/);
});

kernel('backends are listed and drained', async t => {
	const {run, fail} = await setUp(t);
	await run('service', 'add', '10.96.0.1:80', '10.1.0.1:8080', '10.1.0.2:8080');
	await run('service', 'add', '10.96.0.2:80', '10.1.0.1:8080', '--states', 'active');
	await run('backend', 'drain', '10.1.0.1:8080');
	await run('backend', 'set', '2', 'maintenance');
	t.regex(
		await run('backend', 'list'),
		/^ID {2}BACKEND ADDRESS +STATE +ZONE {2}SERVICES\n 1 {2}10\.1\.0\.1:8080\/TCP {2}terminating +0 {2}1 2\n 2 {2}10\.1\.0\.2:8080\/TCP {2}maintenance +0 {2}1\n/,
	);
	t.regex(await run('backend', 'get', '10.1.0.2:8080/tcp'), /maintenance/);
	t.regex(
		await run('service', 'list', '--slots'),
		/10\.1\.0\.2:8080\/TCP \(1\) \(2\) \[quarantined\]/,
	);
	t.is((await fail('backend', 'drain', '99')).code, 1);
	t.is((await fail('backend', 'set', '1', 'down')).code, 2);
});

kernel('tables are shown, shared out and compared', async t => {
	const {run, fail} = await setUp(t);
	await run(
		'service',
		'add',
		'10.96.0.1:80',
		'10.1.0.1:80',
		'10.1.0.2:80',
		'10.1.0.3:80',
		'--algorithm',
		'maglev',
		'--table-size',
		'251',
	);
	await run('service', 'add', '[fd96::1]:80', '[fd01::1]:80', '[fd01::2]:80');
	t.regex(
		await run('maglev', 'show'),
		/^SVC ID\tBACKEND IDs\n1\[lb4\]\t\[[123]( [123]){250}\]\n$/,
	);
	const [first] = (await run('maglev', 'show', '1', '-o', 'json')).split('\n');
	t.is((JSON.parse(first ?? '') as {backends: number[]}).backends.length, 251);
	t.regex(
		await run('maglev', 'share', '10.96.0.1:80'),
		/^ 1 {2}10\.1\.0\.1:80\/TCP +100 +8\d {2}33\.\d\d %$/m,
	);
	t.regex(await run('maglev', 'share', '[fd96::1]:80', '--size', '1021'), /51\d {2}50\.\d\d %/);
	const moved = JSON.parse(
		await run(
			'maglev',
			'diff',
			'1',
			'--remove',
			'10.1.0.2:80',
			'--add',
			'10.1.0.9:80=100',
			'-o',
			'json',
		),
	) as {size: number; moved: number; ideal: number};
	t.is(moved.size, 251);
	t.true(moved.moved >= moved.ideal && moved.ideal >= 80);
	t.regex(
		await run('maglev', 'diff', '1', '--add', '10.1.0.9:80'),
		/^moved +\d+ of 251 places, /m,
	);
	t.regex(await run('maglev', 'pick', '1', '192.0.2.7:4000'), /^10\.1\.0\.[123]:80\/TCP\n$/);
	t.is((await fail('maglev', 'diff', '1')).code, 2);
	t.regex((await fail('maglev', 'show', '[fd96::1]:80')).err, /the service has none/);
});

kernel('clients of services are listed and forgotten', async t => {
	const {maps, run, fail} = await setUp(t);
	await run('service', 'add', '10.96.0.1:80', '10.1.0.1:8080', '--affinity', '60');
	for (const client of ['192.0.2.7', 77n]) {
		maps.require('affinity4').set({client, rev_nat_id: 1}, {last_used: 5n, backend_id: 1});
	}

	const list = await run('affinity', 'list');
	t.regex(list, /^192\.0\.2\.7 +1 +1 {2}10\.1\.0\.1:8080 +5$/m);
	t.regex(list, /^cookie=77 +1 +1 /m);
	t.is((await fail('affinity', 'flush')).code, 2);
	t.is(await run('affinity', 'flush', '--client', 'cookie=77'), 'deleted  1\n');
	t.is(await run('affinity', 'flush', '--service', '1'), 'deleted  1\n');
});

kernel('manifests are applied', async t => {
	const {run, fail} = await setUp(t);
	const file = fileURLToPath(
		new URL('../../../test/fixtures/kubernetes/web.yaml', import.meta.url),
	);
	const apply = [
		'service',
		'apply',
		'-f',
		file,
		'--node-address',
		'192.0.2.1',
		'--node-name',
		'n1',
	];
	t.regex(await run(...apply, '--dry-run', '-o', 'json'), /"type":"NodePort"/);
	t.regex(await run(...apply), /^services +11$/m);
	t.regex(await run(...apply), /^written +0$/m);
	t.regex(
		await run('service', 'list', '--slots'),
		/198\.51\.100\.7:80\/TCP\/i \(2\) +10\.1\.0\.2:8080\/TCP \(\d+\) \(2\) \[quarantined\]/,
	);
	const empty = await fail('service', 'apply', '--prune', '-f', '/dev/null');
	t.is(empty.code, 2);
	t.is(empty.err, 'skep: read services "/dev/null": there is nothing in it\n');
	const none = await fail('service', 'apply', '-f', '/nowhere.yaml');
	t.is(none.code, 2);
	t.regex(none.err, /"\/nowhere\.yaml": there is no such file/);
});

kernel('a Cilium node’s services are read, and changed only when told to', async t => {
	const {maps, run, fail} = await setUp(t, 'cilium_');
	await new Services(maps).upsert({
		frontend: {address: '10.96.0.1', port: 80},
		backends: [{address: '10.1.0.1', port: 8080}],
	});
	t.regex(await run('service', 'list'), /10\.96\.0\.1:80\/TCP/);
	for (const words of [
		['service', 'add', '10.96.0.2:80'],
		['service', 'delete', '10.96.0.1:80'],
		['backend', 'drain', '1'],
		['affinity', 'flush', '--all'],
	]) {
		const {code, err} = await fail(...words);
		t.is(code, 2);
		t.regex(err, /are kept by another datapath's agent; --force/);
	}

	await run('backend', 'drain', '1', '--force');
	t.regex(await run('backend', 'list'), /terminating/);
});

test('a node without services says so', async t => {
	const {code, err} = await skep('service', 'list', '--root', '/nowhere');
	t.is(code, 1);
	t.regex(err, /there is no such directory; "skep datapath up --root \/nowhere" brings one up/);
});
