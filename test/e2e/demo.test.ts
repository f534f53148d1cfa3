import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {existsSync, readdirSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import test from 'ava';
import {listLabs} from '../../src/lab/index.js';
import {cgroupRoot} from '../../src/kernel/host/cgroup.js';
import {kernelTest} from '../helpers/kernel.js';

const kernel = kernelTest({feature: 'tcx links', since: '6.6', serial: true});
const demo = fileURLToPath(new URL('../../examples/demo/main.js', import.meta.url));

/** Runs the demo; `interrupt` is called with each piece of output. */
async function runDemo(onText: (text: string, kill: (signal: NodeJS.Signals) => void) => void) {
	const child = spawn(process.execPath, [demo], {stdio: ['ignore', 'pipe', 'pipe']});
	let text = '';
	let errors = '';
	child.stdout.on('data', (piece: Buffer) => {
		text += piece.toString();
		onText(text, signal => child.kill(signal));
	});
	child.stderr.on('data', (piece: Buffer) => (errors += piece.toString()));
	const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
	return {code, signal, text, errors, pid: child.pid ?? 0};
}

/** Everything that this run of the demo made and that is still there. */
function leftBehind(pid: number): string[] {
	const name = `skep-demo-${pid}`;
	const folders = ['/run', '/run/netns', tmpdir(), cgroupRoot()].filter(folder =>
		existsSync(folder),
	);
	const labs = listLabs().filter(lab => lab.pid === pid);
	const entries = folders.flatMap(folder =>
		readdirSync(folder)
			.filter(entry => entry.startsWith(name))
			.map(entry => join(folder, entry)),
	);
	return [...labs.map(lab => `lab ${lab.name}`), ...entries];
}

kernel('the demo does the whole job and loses no packet', async t => {
	const {code, text, errors, pid} = await runDemo(() => undefined);
	t.is(errors, '');
	t.is(code, 0);
	t.deepEqual(
		text.split('\n').filter(line => line.length > 80),
		[],
	);
	for (const expected of [
		/bpf\/xdp_count\.bpf\.c {2}xdp_count \(xdp\)/,
		/with clang \d+/,
		/xdp native +veth-right +xdp_count +\d+ +\d+/,
		/tcx_ingress +veth-right +flows_ingress/,
		/tcx_egress +veth-right +flows_egress/,
		/cgroup_sock_ops +skep-demo-\d+ +sock_connections/,
		/1 {2}ipv4 +icmp +pass +100 +9800/,
		/1 {2}ipv6 +tcp +pass/,
		/in +tcp +192\.0\.2\.1:\d+ +192\.0\.2\.2:\d+/,
		/out +tcp +\[2001:db8::2\]:\d+ +\[2001:db8::1\]:\d+/,
		/us +192\.0\.2\.1:\d+ +192\.0\.2\.2:\d+ +1048578/,
		/peer +\[2001:db8::2\]:\d+ +\[2001:db8::1\]:\d+ +7 +1048577/,
		/replaced \d+ times while 20000 pings were sent/,
		/answered: 20000, lost: 0/,
		/1 +\d+ +app=red +\d+\.\d+\.\d+\.\d+ +[\da-f:]+\n/,
		/3 +\d+ +app=green +\d+\.\d+\.\d+\.\d+ +[\da-f:]+\n/,
		/app=blue takes connections of app=red to port 80, and no others/,
		/connected to \d+\.\d+\.\d+\.\d+ port 80\n/,
		/connected to [\da-f:]+ port 80\n/,
		/Policy denied +\d+ +\d+ +\d+\.\d+\.\d+\.\d+:\d+ +\d+\.\d+\.\d+\.\d+:81\n/,
		/Policy denied +\d+ +\d+ +\[[\da-f:]+\]:\d+ +\[[\da-f:]+\]:81\n/,
		/tcp +in +\d+\.\d+\.\d+\.\d+:\d+ +\d+\.\d+\.\d+\.\d+:80 /,
		/tcp +in +\[[\da-f:]+\]:\d+ +\[[\da-f:]+\]:80 /,
		/10\.96\.0\.1 +80 +\d+\.\d+\.\d+\.\d+, \d+\.\d+\.\d+\.\d+\n/,
		/fd00:96::1 +80 +[\da-f:]+, [\da-f:]+\n/,
		/both active +[3-9]\d\d +[1-9]\d* +[1-9]\d* +0\n/,
		/blue drained +([3-9]\d\d) +0 +\1 +0\n/,
		/blue active again +[3-9]\d\d +[1-9]\d* +[1-9]\d* +0\n/,
		/connections kept open: 16, of which \d+ to blue; broken or moved: 0\n/,
		/Nothing is left behind\./,
	]) {
		t.regex(text, expected);
	}

	t.deepEqual(leftBehind(pid), []);
});

const interrupted = test.macro({
	async exec(t, signal: NodeJS.Signals, when: string, exitCode: number) {
		let sent = false;
		const result = await runDemo((text, kill) => {
			if (sent || !text.includes(when)) return;
			sent = true;
			kill(signal);
		});
		t.true(sent);
		t.is(result.code, exitCode);
		t.is(result.errors, 'demo: interrupted; nothing is left behind\n');
		t.deepEqual(leftBehind(result.pid), []);
	},
	title: (_, signal, when) => `the demo leaves nothing when ${signal} comes at "${when}"`,
});

kernel(interrupted, 'SIGINT', 'Compile', 130);
kernel(interrupted, 'SIGTERM', 'Traffic', 143);
kernel(interrupted, 'SIGINT', 'Replace', 130);
kernel(interrupted, 'SIGINT', 'Datapath', 130);
kernel(interrupted, 'SIGTERM', 'connected to', 143);
kernel(interrupted, 'SIGINT', 'fd00:96::1', 130);

kernel('a demo that was killed is cleaned up by the next one', async t => {
	let sent = false;
	const killed = await runDemo((text, kill) => {
		if (sent || !text.includes('Traffic')) return;
		sent = true;
		kill('SIGKILL');
	});
	t.is(killed.signal, 'SIGKILL');
	t.not(leftBehind(killed.pid).length, 0);
	const next = await runDemo(() => undefined);
	t.is(next.code, 0);
	t.deepEqual([...leftBehind(killed.pid), ...leftBehind(next.pid)], []);
});
