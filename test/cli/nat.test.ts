import {once} from 'node:events';

import {cliCommand, skep} from '../helpers/cli.js';
import {kernelTest} from '../helpers/kernel.js';
import {start, until} from '../helpers/run.js';
import {families, fillNat} from '../datapath/nat/filled-nat.js';

const kernel = kernelTest({feature: 'tcx', since: '6.6'});

kernel('translations are listed, counted, purged and forgotten from the command line', async t => {
	const {root, add} = await fillNat(t);
	for (const who of families) {
		add(who, {source: who.red, port: 40_000, to: 50_000});
		add(who, {source: who.blue, port: 40_001, flow: false, needsCt: true});
	}

	const nat = async (...words: readonly string[]): Promise<string> => {
		const {code, out, err} = await skep('nat', ...words, '--root', root);
		t.is(code, 0, err);
		return out;
	};

	const table = (await nat('list')).trimEnd().split('\n');
	t.is(table.length, 9);
	t.regex(table[0] ?? '', /^PROTO +DIR +SOURCE +DESTINATION +BECOMES +TO +AGE +NODE/);
	t.true(
		table.some(line =>
			/^TCP +OUT +10\.0\.0\.1:40000 +192\.0\.2\.9:443 +source +198\.51\.100\.1:50000 +\d+s +-$/.test(
				line,
			),
		),
	);

	t.regex(
		await nat('list', '--long', '--src', '10.0.0.1'),
		/^TCP OUT 10\.0\.0\.1:40000 -> 192\.0\.2\.9:443 XLATE_SRC 198\.51\.100\.1:50000 Created=\d+sec ago NeedsCT=0\n$/,
	);
	t.regex(
		await nat('list', '--long', '--dir', 'in', '--address', 'fd00::2'),
		/^TCP IN \[2001:db8::9\]:443 -> \[2001:db8:1::1\]:40001 XLATE_DST \[fd00::2\]:40001 Created=\d+sec ago NeedsCT=1\n$/,
	);
	const rows = (await nat('list', '-o', 'json', '--proto', 'tcp')).trimEnd().split('\n');
	t.is(rows.length, 8);

	const stats = await nat('stats');
	t.regex(stats, /^FAMILY +ENTRIES +PLACES +PRESSURE +OUT +IN +NODE +UNPAIRED +FAILED\n/);
	t.regex(stats, /\nIPv4 +4 +4096 +0\.1 % +2 +2 +2 +0 +0\n/);
	t.regex(stats, /\nTCP +198\.51\.100\.1 +192\.0\.2\.9:443 +2 +0\.0 %\n/);
	t.like(JSON.parse((await nat('stats', '-o', 'json')).split('\n')[0] ?? ''), {family: 4});
	const ports = await skep('nat', 'stats', '--ports', '5', '--root', root);
	t.is(ports.code, 2);

	t.regex(
		await nat('purge'),
		/^FAMILY +SCANNED +DELETED +SPARED\nIPv4 +4 +2 +0\nIPv6 +4 +2 +0\n/,
	);
	const all = await skep('nat', 'flush', '--root', root);
	t.is(all.code, 2);
	t.regex(all.err, /say which, or --all/);
	const foreign = await skep('nat', 'flush', '--all', '--root', root, '--prefix', 'cilium_');
	t.is(foreign.code, 2);
	t.is(await nat('flush', '--address', '10.0.0.1'), 'deleted  2\n');
	t.is(await nat('flush', '--all'), 'deleted  2\n');
	t.is(await nat('list'), '');
});

kernel('the loop of "ct gc" says how many translations it removed', async t => {
	const {root, add} = await fillNat(t);
	for (const who of families) {
		add(who, {source: who.red, port: 40_000});
		add(who, {source: who.red, port: 40_001, flow: false});
	}

	const [command, ...words] = cliCommand('ct', 'gc', '--loop', '--root', root);
	const loop = start(t, command, ...words);
	let out = '';
	loop.stdout?.on('data', (piece: Buffer) => (out += piece.toString()));
	await until('the first pass', () => out.includes('\n'));
	t.regex(out, /^0 of 2 flows removed, 4 of 8 translations, next in \d+m\d\ds\n$/);
	loop.kill('SIGINT');
	t.deepEqual(await once(loop, 'exit'), [0, null]);
});
