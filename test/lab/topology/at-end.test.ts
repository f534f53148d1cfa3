import {spawn, type ChildProcess} from 'node:child_process';
import {once} from 'node:events';
import {existsSync, readdirSync} from 'node:fs';
import {dirname} from 'node:path';
import {fileURLToPath} from 'node:url';
import test, {type ExecutionContext} from 'ava';
import {cleanLabs, lab, listLabs} from '../../../src/lab/index.js';
import {skep} from '../../helpers/cli.js';
import {kernelTest} from '../../helpers/kernel.js';
import {until} from '../../helpers/run.js';

const kernel = kernelTest({feature: 'network namespaces and cgroup v2', since: '5.3'});
const script = fileURLToPath(new URL('lab-child.js', import.meta.url));

interface Child {
	readonly process: ChildProcess;
	/** Of one of its hosts. */
	readonly cgroup: string;
	/** Of a program that runs there. */
	readonly pid: number;
}

async function startChild(t: ExecutionContext, how: string): Promise<Child> {
	const child = spawn(process.execPath, [script, how], {stdio: ['ignore', 'pipe', 'ignore']});
	// Told to end and waited for: killed, it would leave its lab.
	t.teardown(async () => {
		if (child.exitCode !== null || child.signalCode !== null) return;
		const closed = once(child, 'close');
		child.kill('SIGTERM');
		await closed;
	});
	const [line] = (await once(child.stdout, 'data')) as [Buffer];
	return {process: child, ...(JSON.parse(line.toString()) as Omit<Child, 'process'>)};
}

function tracesOf({process: child, cgroup, pid}: Child): string[] {
	const names = readdirSync('/run/netns').filter(name => name.startsWith(`skep-${child.pid}-`));
	const groups = [cgroup, dirname(cgroup)].filter(path => existsSync(path));
	return [...names, ...groups, ...(isRunning(pid) ? [`process ${pid}`] : [])];
}

function isRunning(pid: number): boolean {
	try {
		process.kill(pid, 0);
		return true;
	} catch {
		return false;
	}
}

const ends = test.macro({
	async exec(
		t: ExecutionContext,
		how: string,
		signal: NodeJS.Signals | undefined,
		expected: readonly [code: number | null, signal: string | null],
	) {
		const child = await startChild(t, how);
		const closed = once(child.process, 'close');
		if (signal) child.process.kill(signal);
		t.deepEqual(await closed, expected);
		await until('processes to end', () => !isRunning(child.pid));
		t.deepEqual(tracesOf(child), []);
	},
	title: (_, how: string, signal: string | undefined) =>
		`nothing is left after ${how || signal || ''}`,
});

kernel(ends, '', 'SIGINT', [null, 'SIGINT']);
kernel(ends, '', 'SIGTERM', [null, 'SIGTERM']);
kernel(ends, '', 'SIGHUP', [null, 'SIGHUP']);
kernel(ends, 'throw', undefined, [1, null]);
kernel(ends, 'exit', undefined, [7, null]);

kernel('where others listen for a signal, the process goes on without its labs', async t => {
	const child = await startChild(t, 'handler');
	child.process.kill('SIGINT');
	await until('lab to go', () => tracesOf(child).length === 0);
	t.is(child.process.exitCode, null);
});

kernel('what SIGKILL leaves is found and removed, and living labs stay', async t => {
	await using net = await lab({name: 'living', hosts: ['a'], links: []});
	const [child, other] = [await startChild(t, ''), await startChild(t, '')];
	const closed = once(child.process, 'close');
	child.process.kill('SIGKILL');
	await closed;
	t.true(tracesOf(child).length > 3);
	const dead = listLabs().find(({pid}) => pid === child.process.pid);
	t.like(dead, {name: 'child', alive: false, command: ''});

	const {code, out} = await skep('lab', 'clean', '-o', 'json');
	t.is(code, 0);
	t.regex(out, new RegExp(`"pid":${child.process.pid},`));
	t.false(out.includes(`"pid":${other.process.pid},`));
	await until('processes to end', () => !isRunning(child.pid));
	t.deepEqual(tracesOf(child), []);
	t.true(tracesOf(other).length > 3);
	t.true(existsSync(net.hosts.a.cgroup));
	t.false((await cleanLabs()).some(({pid}) => pid === child.process.pid));
});
