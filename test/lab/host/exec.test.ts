import {existsSync, readFileSync} from 'node:fs';
import {once} from 'node:events';
import {lab, ProcessError} from '../../../src/lab/index.js';
import {kernelTest} from '../../helpers/kernel.js';
import {until} from '../../helpers/run.js';

const kernel = kernelTest({feature: 'network namespaces and cgroup v2', since: '5.3'});

kernel('a program has its input, output, status and environment', async t => {
	await using net = await lab({hosts: ['a']});
	const {a} = net.hosts;
	const result = await a.exec('sh', ['-c', 'cat; echo "$WORD" >&2; exit 3'], {
		input: 'given',
		env: {WORD: 'said'},
	});
	t.deepEqual(result, {stdout: 'given', stderr: 'said\n', code: 3, signal: null});
	t.like(await a.exec('sh', ['-c', 'kill -USR1 $$']), {code: null, signal: 'SIGUSR1'});
	t.like(await a.exec('true', [], {input: 'x'.repeat(1 << 20)}), {code: 0});
	t.is((await a.exec('pwd', [], {cwd: '/'})).stdout, '/\n');
});

kernel('a program runs in the namespace and the cgroup of its host', async t => {
	await using net = await lab({hosts: ['a', 'b'], links: [['a', 'b']]});
	for (const host of [net.hosts.a, net.hosts.b]) {
		const {stdout} = await host.exec('sh', ['-c', 'cat /proc/self/cgroup; ip -br address']);
		t.true(stdout.includes(`${host.cgroup.split('/').slice(-2).join('/')}\n`));
		t.true(stdout.includes(host.ipv4));
	}
});

kernel('a program that takes too long is killed with what it started', async t => {
	await using net = await lab({hosts: ['a']});
	const {a} = net.hosts;
	const running = a.exec('sh', ['-c', 'echo begun; sleep 60 & wait'], {timeout: 300});
	const error = await t.throwsAsync(running, {instanceOf: ProcessError});
	t.is(error.code, 'ERR_PROCESS');
	t.is(error.message, 'run "sh" in host "a": not ended within 300 ms');
	t.is(error.stdout, 'begun\n');
	await until('cgroup to empty', () => readFileSync(`${a.cgroup}/cgroup.procs`, 'utf8') === '');
	t.pass();
});

kernel('what a program has left is killed in time, too', async t => {
	const net = await lab({hosts: ['a']});
	const {a} = net.hosts;
	const left = ['-c', 'sleep 600 & exit 0'];
	const error = await t.throwsAsync(a.exec('sh', left, {timeout: 300}));
	t.is(error.message, 'run "sh" in host "a": not ended within 300 ms');

	// It left the group, and holds the output.
	const leaves = a.exec('sh', ['-c', 'setsid sleep 600 & exit 0'], {timeout: 300});
	await t.throwsAsync(leaves, {instanceOf: ProcessError});

	const child = a.spawn('sh', left);
	await once(child, 'exit');
	await net.close();
	t.is(child.exitCode, 0);
});

kernel('a program is killed when its signal is aborted', async t => {
	await using net = await lab({hosts: ['a']});
	const reason = new Error('no longer wanted');
	const controller = new AbortController();
	const running = net.hosts.a.exec('sleep', ['60'], {signal: controller.signal});
	controller.abort(reason);
	t.is(await t.throwsAsync(running), reason);
	const {signal} = controller;
	t.is(await t.throwsAsync(net.hosts.a.exec('sleep', ['60'], {signal})), reason);
});

kernel('a program that is not there is named', async t => {
	await using net = await lab({hosts: ['a']});
	await t.throwsAsync(net.hosts.a.exec('no-such-program'), {
		instanceOf: ProcessError,
		message: 'run "no-such-program" in host "a": there is no program "no-such-program"',
	});
	t.throws(() => net.hosts.a.spawn('/no/such'), {instanceOf: ProcessError});
});

kernel('a program that runs along can be spoken with', async t => {
	const net = await lab({hosts: ['a']});
	const child = net.hosts.a.spawn('cat');
	child.stdin?.write('hello');
	const [answer] = (await once(child.stdout ?? child, 'data')) as [Buffer];
	t.is(answer.toString(), 'hello');
	await net.close();
	t.is(child.signalCode, 'SIGKILL');
	t.false(existsSync(`/proc/${child.pid}`));
});
