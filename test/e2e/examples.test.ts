import {existsSync, readdirSync, readFileSync} from 'node:fs';
import {symlink} from 'node:fs/promises';
import {fileURLToPath} from 'node:url';
import test from 'ava';
import {createMap} from '../../src/object/map/create-map.js';
import {makeBpffs} from '../helpers/bpffs.js';
import {makeCgroup} from '../helpers/cgroup.js';
import {cliCommand, skep} from '../helpers/cli.js';
import {kernelTest} from '../helpers/kernel.js';
import {loadFixture} from '../helpers/load.js';
import {connect, makeNamespace} from '../helpers/netns.js';
import {run, start, until} from '../helpers/run.js';
import {makeTempFolder} from '../helpers/temp.js';

const kernel = kernelTest({feature: 'tcx links', since: '6.6'});

function example(name: string): string {
	return fileURLToPath(new URL(`../../examples/${name}.js`, import.meta.url));
}

/** Runs an example inside a namespace while `work` makes traffic; what it printed to its end. */
async function during(
	t: Parameters<typeof start>[0],
	command: [string, ...string[]],
	work: (child: ReturnType<typeof start>) => Promise<unknown>,
): Promise<string> {
	const child = start(t, ...command);
	let text = '';
	child.stdout?.on('data', (piece: Buffer) => (text += piece.toString()));
	await until('the example attaches', () => text.includes('attached'));
	await work(child);
	await until('the example ends', () => child.exitCode !== null, 30_000);
	t.is(child.exitCode, 0);
	return text;
}

async function pair(t: Parameters<typeof makeNamespace>[0]) {
	const [left, right] = [await makeNamespace(t), await makeNamespace(t)];
	const [, end] = await connect(left, right);
	const ping = async (address: string) =>
		left.run('ping', '-c', '3', '-i', '0.01', '-W', '5', address);
	return {right, end, ping};
}

kernel('xdp-attach counts packets', async t => {
	const {right, end, ping} = await pair(t);
	const command = right.wrap(process.execPath, example('xdp-attach'), end.name, '5');
	const text = await during(t, command, async () => ping(end.ipv4));
	t.regex(text, /^attached to veth0, native, as link \d+\n(?:\d+ packets\n){5}$/);
	t.true(Number(/(\d+) packets\n$/.exec(text)?.[1]) >= 3);
});

kernel('tc-counter prints flows of both directions', async t => {
	const {right, end, ping} = await pair(t);
	const command = right.wrap(process.execPath, example('tc-counter'), end.name, '60');
	const text = await during(t, command, async child => {
		await ping(end.ipv4);
		child.kill('SIGINT');
	});
	t.regex(
		text,
		/in ::ffff:192\.0\.2\.1 port 0 -> ::ffff:192\.0\.2\.2 port 0: 3 packets, 294 bytes/,
	);
	t.regex(
		text,
		/out ::ffff:192\.0\.2\.2 port 0 -> ::ffff:192\.0\.2\.1 port 0: 3 packets, 294 bytes/,
	);
});

kernel('sockops-logger logs a connection of the cgroup', async t => {
	const cgroup = await makeCgroup(t);
	const logger = start(t, process.execPath, example('sockops-logger'), cgroup.path, '60');
	let text = '';
	logger.stdout?.on('data', (piece: Buffer) => (text += piece.toString()));
	await until('the example attaches', () => text.includes('attached'));
	// One connection, opened and closed.
	const talk = `const net=require('net');const s=net.createServer(c=>c.resume());s.listen(0,'::1',()=>net.connect(s.address().port,'::1').end('x'))`;
	start(t, ...cgroup.wrap(process.execPath, '-e', talk));
	const logged = [
		/::1 port \d+ -> ::1 port \d+: round trip \d+ us/,
		/::1 port \d+ <- ::1 port \d+: round trip \d+ us/,
	];
	await until('both ends are logged', () => logged.every(line => line.test(text)), 20_000);
	t.true(logged.every(line => line.test(text)));
});

kernel('exec-events prints programs that are started', async t => {
	const source = fileURLToPath(new URL('../../../examples/exec-events.ts', import.meta.url));
	// Nobody else's program has this name.
	const name = `skep-${process.pid}`;
	const own = `${await makeTempFolder(t)}/${name}`;
	await symlink('/bin/true', own);
	const tracer = start(t, ...cliCommand('lab', 'run', source, '300'));
	let text = '';
	tracer.stdout?.on('data', (piece: Buffer) => (text += piece.toString()));
	await until('the example attaches', () => text.includes('attached'), 90_000);
	await run(own);
	const line = new RegExp(`^${name} \\(pid \\d+, uid 0\\)$`, 'm');
	await until('the program is told of', () => line.test(text));
	t.regex(text, /^attached, link \d+\n/);
});

kernel('dump-pinned-map prints a map by its types', async t => {
	const bpffs = await makeBpffs(t);
	const collection = await loadFixture(t, 'kernel/maps');
	const map = collection.map('an_lpm_trie');
	map.set(
		{prefixlen: 24, address: 5},
		{packets: 1n, bytes: 2n, balance: -3, window: 4, flags: 5, pad: 0},
	);
	map.pin(`${bpffs}/trie`);
	const text = await run(process.execPath, example('dump-pinned-map'), `${bpffs}/trie`);
	t.regex(text, /^map "an_lpm_trie": lpm_trie, at most 64 entries\n/);
	t.regex(text, /\{ prefixlen: 24, address: 5 \} => \{/);
	t.regex(text, /packets: 1n/);
	t.regex(text, /balance: -3/);
});

kernel('dump-pinned-map prints a map without types as bytes', async t => {
	const bpffs = await makeBpffs(t);
	using map = createMap<Uint8Array, Uint8Array>({
		name: 'untyped',
		type: 'hash',
		keySize: 2,
		valueSize: 3,
		maxEntries: 4,
	});
	map.set(new Uint8Array([1, 2]), new Uint8Array([3, 4, 5]));
	map.pin(`${bpffs}/untyped`);
	const text = await run(process.execPath, example('dump-pinned-map'), `${bpffs}/untyped`);
	t.regex(text, /Uint8Array\(2\) \[ 1, 2 \] => Uint8Array\(3\) \[ 3, 4, 5 \]/);
});

kernel('patch-constant shows what the verifier leaves out', async t => {
	const text = await run(process.execPath, example('patch-constant'), '53');
	const sizes = [
		...text.matchAll(/drop_udp_port = (\d+), \d+ instructions verified, (\d+) left/g),
	];
	t.deepEqual(
		sizes.map(([, port]) => port),
		['0', '53'],
	);
	const [without = 0, dropping = 0] = sizes.map(([, , left]) => Number(left));
	t.true(without < dropping);
});

kernel('test-run runs the program on packets', async t => {
	const text = await run(process.execPath, example('test-run'));
	t.regex(text, /^udp to port 9: drop, \d+ ns\nudp to port 53: pass, \d+ ns\n/);
});

kernel('lab-latency-by-rules measures a list and a trie, and draws them', async t => {
	const folder = await makeTempFolder(t);
	const path = fileURLToPath(
		new URL('../../../examples/lab-latency-by-rules.ts', import.meta.url),
	);
	const {code, out, err} = await skep('lab', 'run', path, '16', '2', folder);
	t.is(code, 0, err);
	t.regex(out, /\nlatency, ns\nrules {2}search {2}median/);
	t.deepEqual(
		[...out.matchAll(/^ +(\d+) {2}(list|trie)\b.* 2$/gm)].map(([, ...row]) => row.join(' ')),
		['1 list', '1 trie', '4 list', '4 trie', '16 list', '16 trie'],
	);
	const page = readFileSync(`${folder}/latency-by-rules.html`, 'utf8');
	t.regex(page, /<div class="chart" id="chart-0">/);
	t.notRegex(page, /class="note"/);
});

kernel('lab-xdp-drop-prefix drops pings from a prefix, and only while it is listed', async t => {
	const text = await run(process.execPath, example('lab-xdp-drop-prefix'));
	const [v4 = [], v6 = []] = ['ipv4', 'ipv6'].map(family =>
		text.split('\n').filter(line => line.startsWith(family)),
	);
	for (const [family, lines] of [
		['ipv4', v4],
		['ipv6', v6],
	] as const) {
		const dropped = Number(/\d+$/.exec(lines[2] ?? '')?.[0]);
		t.true(dropped >= 1, text);
		t.deepEqual(lines, [
			`${family}, not listed: reply`,
			`${family}, listed: no reply`,
			`${family}, dropped: ${dropped}`,
			`${family}, removed: reply`,
		]);
	}
});

kernel('lab-capture writes what tcpdump reads', async t => {
	const path = `${await makeTempFolder(t)}/ping.pcapng`;
	const text = await run(process.execPath, example('lab-capture'), path);
	const [, sent = 0, received = 0] = /^host client: (\d+) out, (\d+) in$/m.exec(text) ?? [];
	t.true(Number(sent) >= 2 && Number(received) >= 2, text);
	for (const line of [
		/^IP [\d.]+ > [\d.]+: ICMP echo request, /m,
		/^IP [\d.]+ > [\d.]+: ICMP echo reply, /m,
		/^IP6 [\da-f:]+ > [\da-f:]+: ICMP6, echo request, /m,
		/^IP6 [\da-f:]+ > [\da-f:]+: ICMP6, echo reply, /m,
	])
		t.regex(text, line);
});

test('every example says what it does and stays short', t => {
	const folder = fileURLToPath(new URL('../../../examples/', import.meta.url));
	t.true(existsSync(folder));
	for (const name of readdirSync(folder).filter(file => file.endsWith('.ts'))) {
		const text = readFileSync(`${folder}/${name}`, 'utf8');
		t.true(text.split('\n').length <= 101, name);
		if (name !== 'objects.ts') t.regex(text, /^\/\*\*\n(?: \*.*\n)+/, name);
	}
});
