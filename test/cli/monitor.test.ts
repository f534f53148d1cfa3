import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {readFile} from 'node:fs/promises';
import {join} from 'node:path';

import {readPcap, tcp} from '../../src/lab/index.js';
import {makeBpffs} from '../helpers/bpffs.js';
import {cliCommand, skep} from '../helpers/cli.js';
import {guardEndpoint, sent} from '../helpers/guarded-endpoint.js';
import {kernelTest} from '../helpers/kernel.js';
import {loadFixture} from '../helpers/load.js';
import {makeTempFolder} from '../helpers/temp.js';

const kernel = kernelTest({feature: 'events of the datapath', since: '5.15'});
const syn = tcp({sourcePort: 4000, destinationPort: 443, flags: 'S'});
const enforceEgress = 2;

/** Runs `skep monitor`, and does the work once it listens; what it printed. */
async function monitored(work: () => void, ...words: string[]): Promise<string> {
	return (await outputs(work, ...words)).out;
}

async function outputs(
	work: () => void,
	...words: string[]
): Promise<{readonly out: string; readonly err: string}> {
	const [command, ...args] = cliCommand('monitor', ...words);
	const child = spawn(command, args, {stdio: ['ignore', 'pipe', 'pipe']});
	const out: Buffer[] = [];
	child.stdout.on('data', (piece: Buffer) => out.push(piece));
	const ended = once(child, 'close');
	const listens = once(child.stderr, 'data');
	const errors: Buffer[] = [];
	child.stderr.on('data', (piece: Buffer) => errors.push(piece));
	await Promise.race([listens, ended]);
	work();
	await ended;
	return {out: Buffer.concat(out).toString(), err: Buffer.concat(errors).toString()};
}

kernel('a drop and a verdict are a line each', async t => {
	const node = await guardEndpoint(t, {}, enforceEgress);
	const {root} = node;
	const work = (): void => {
		node.fromEndpoint.run({data: sent('ipv4', syn)});
		node.fromEndpoint.run({data: sent('ipv6', syn)});
	};
	const file = join(await makeTempFolder(t), 'seen.pcap');
	const out = await monitored(work, '--root', root, '--count', '4', '--pcap', file);
	const lines = out.trimEnd().split('\n');
	t.is(lines.length, 4);
	t.regex(
		lines[0] ?? '',
		/^-- policy deny egress ep 42 remote id 9 match none: 10\.0\.0\.1:4000 > 192\.0\.2\.9:443 tcp/,
	);
	t.regex(
		lines[1] ?? '',
		/^xx drop \(Policy denied\) ep 42 policy\.h:\d+ id 1000->9: 10\.0\.0\.1:4000 > 192\.0\.2\.9:443 tcp/,
	);
	t.true(lines.slice(0, 2).every(line => line.length <= 100));
	t.regex(lines[3] ?? '', /2001:db8::1.*4000 > .*2001:db8:9::9.*443 tcp/);
	const packets = [...readPcap(await readFile(file))];
	t.deepEqual(
		packets.map(({bytes}) => Uint8Array.from(bytes)),
		[sent('ipv4', syn), sent('ipv4', syn), sent('ipv6', syn), sent('ipv6', syn)],
	);

	const json = await monitored(
		work,
		...['--root', root, '--type', 'drop', '--ip', '2001:db8::/32', '--count', '1'],
		...['--reason', 'policy denied', '-o', 'json'],
	);
	t.like(JSON.parse(json), {
		kind: 'drop',
		reasonText: 'Policy denied',
		source: 42,
		flow: {source: '2001:db8::1', destinationPort: 443},
	});

	const verbose = await monitored(work, '--root', root, '-v', '--type', 'drop', '--count', '1');
	t.regex(verbose, / {3}dropped at policy\.h:\d+, ifindex 1\n/);
	t.regex(verbose, / {3}0000 {2}[\da-f]{2} /);

	const listed = await skep('metrics', 'list', '--root', root);
	t.regex(listed.out, /^REASON +DIRECTION +PACKETS +BYTES +LINE +FILE\n/);
	t.regex(listed.out, /\nPolicy denied +EGRESS +6 +\d+ +\d+ +policy\.h\n/);

	const flushed = await skep('metrics', 'flush', '--root', root);
	t.is(flushed.out, 'deleted  1\n', flushed.err);
	t.is((await skep('metrics', 'list', '--root', root)).out, '');
	const foreign = await skep('metrics', 'flush', '--root', root, '--prefix', 'cilium_');
	t.is(foreign.code, 2);
	t.regex(foreign.err, /kept by another datapath's agent; --force/);

	const wrong = await skep('monitor', '--root', root, '--reason', 'polcy denied');
	t.is(wrong.code, 2);
	t.regex(wrong.err, /did you mean "Policy denied"/);
});

kernel("a Cilium node's events of unknown form are bytes, with a warning", async t => {
	const root = await makeBpffs(t);
	const node = await loadFixture(t, 'kernel/cilium-events');
	node.map('cilium_events').pin(join(root, 'cilium_events'));
	const work = (): void => {
		node.variable('header').set(Uint8Array.from({length: 64}, (_, i) => [1, 133, 7][i] ?? 0));
		node.variable('header_size').set(16);
		for (let i = 0; i < 2; i++) node.program('send_event').run({data: sent('ipv6', syn)});
	};
	const {out, err} = await outputs(
		work,
		...['--root', root, '--prefix', 'cilium_', '--count', '2'],
	);
	t.regex(out, /^(\?\? event of type 1, \d+ bytes: 018507(00)+\n){2}$/);
	t.is(err.match(/warning: no known version has events of type 1/g)?.length, 1);
});
