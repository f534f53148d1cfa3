import {kernelTest} from '../helpers/kernel.js';
import {skep} from '../helpers/cli.js';
import {families, guardEndpoint, opened} from '../datapath/conntrack/guarded-endpoint.js';

const kernel = kernelTest({feature: 'tcx', since: '6.6'});

kernel('flows are listed, found, forgotten and cleaned up from the command line', async t => {
	// On a slow machine nothing ends on its own meanwhile.
	const constants = {ct_timeout_tcp: 86_430, ct_timeout_any: 86_430};
	const {root, send} = await guardEndpoint(t, {constants});
	for (const family of families) {
		const {forth, back} = opened(family, 'tcp');
		send(forth('S'), back('SA'), forth('A'), opened(family, 'udp').forth());
	}

	const ct = async (...words: readonly string[]): Promise<string> => {
		const {code, out, err} = await skep('ct', ...words, '--root', root);
		t.is(code, 0, err);
		return out;
	};

	const table = (await ct('list')).trimEnd().split('\n');
	t.is(table.length, 5);
	t.regex(table[0] ?? '', /^PROTO +DIR +SOURCE +DESTINATION +STATE +EXPIRES +PACKETS +BYTES/);
	t.regex(
		table[1] ?? '',
		/^TCP +OUT +10\.0\.0\.1:40000 +192\.0\.2\.9:443 +established +\d+h\d+m +3 +\d+ +300 +SeenNonSyn$/,
	);
	t.true(table.some(line => line.includes('[fd00::1]:40000')));

	const long = await ct('list', '--long', '--proto', 'tcp', '--address', '10.0.0.0/8');
	t.regex(
		long,
		/^TCP OUT 10\.0\.0\.1:40000 -> 192\.0\.2\.9:443 expires=\d+ Packets=3 Bytes=\d+ RxFlagsSeen=0x12 LastRxReport=\d+ TxFlagsSeen=0x12 LastTxReport=\d+ Flags=0x0010 \[ SeenNonSyn \] RevNAT=0 SourceSecurityID=300 BackendID=0\n$/,
	);

	const rows = (await ct('list', '-o', 'json', '--state', 'established')).trimEnd().split('\n');
	t.is(rows.length, 2);
	t.like(JSON.parse(rows[0] ?? ''), {protocol: 'tcp', sourcePort: 40_000, packets: 3});
	t.is(
		(await ct('list', '--consistency', 'fast', '--dir', 'out')).trimEnd().split('\n').length,
		5,
	);

	const six = await ct('get', 'tcp', '[fd00::1]:40000', '[2001:db8::9]:443');
	t.regex(six, /^TCP OUT \[fd00::1\]:40000 -> \[2001:db8::9\]:443 expires=/);
	const none = await skep('ct', 'get', 'tcp', '10.0.0.1:1', '10.0.0.2:2', '--root', root);
	t.is(none.code, 1);
	t.is(none.err, 'skep: there is no such flow\n');

	t.is(await ct('top', '--interval', '1', '--by', 'packets'), '');
	t.regex(await ct('gc'), /^MAP +SCANNED +DELETED +SPARED +PLACES\nct4_global +1 +0 +0 +4096\n/);

	const all = await skep('ct', 'flush', '--root', root);
	t.is(all.code, 2);
	t.regex(all.err, /say which, or --all/);
	const foreign = await skep('ct', 'flush', '--all', '--root', root, '--prefix', 'cilium_');
	t.is(foreign.code, 2);
	t.regex(foreign.err, /another datapath's agent/);
	t.is(await ct('flush', '--proto', 'udp'), 'deleted  2\n');
	t.is(await ct('flush', '--all'), 'deleted  2\n');
	t.is(await ct('list'), '');
});
