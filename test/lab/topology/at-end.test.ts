import {spawn, type ChildProcess} from 'node:child_process';
import {once} from 'node:events';
import {existsSync} from 'node:fs';
import {createInterface} from 'node:readline';
import {fileURLToPath} from 'node:url';
import test, {type ExecutionContext} from 'ava';
import {cleanLabs, lab, listLabs} from '../../../src/lab/index.js';
import {skep} from '../../helpers/cli.js';
import {fixtureObject} from '../../helpers/compile.js';
import {kernelTest} from '../../helpers/kernel.js';
import {watchLab, type LabTraces} from '../../helpers/lab-traces.js';

const kernel = kernelTest({feature: 'network namespaces, cgroup v2 and BPF links', since: '5.9'});
const script = fileURLToPath(new URL('lab-child.js', import.meta.url));

interface Child {
	readonly process: ChildProcess;
	readonly traces: LabTraces;
	/** Waits until all of its lab is gone, and says what is not. */
	readonly left: (except?: RegExp) => Promise<string[]>;
}

async function startChild(t: ExecutionContext, how: string): Promise<Child> {
	const object = await fixtureObject('kernel/globals');
	const child = spawn(process.execPath, [script, object, how], {
		stdio: ['pipe', 'pipe', 'ignore'],
	});
	t.teardown(async () => {
		if (child.exitCode !== null || child.signalCode !== null) return;
		const closed = once(child, 'close');
		child.kill('SIGKILL');
		await closed;
		await cleanLabs();
	});
	const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
	const traces = JSON.parse(line) as LabTraces;
	return {process: child, traces, left: await watchLab(traces)};
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
		else child.process.stdin?.write('now');
		t.deepEqual(await closed, expected);
		t.deepEqual(await child.left(), []);
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
	// Its own descriptors hold namespaces, programs and maps; the rest is gone.
	const own = /^(?:namespace|program|map|link) /;
	t.deepEqual(await child.left(own), []);
	t.is(child.process.exitCode, null);
});

kernel('what SIGKILL leaves is found and removed, and living labs stay', async t => {
	await using net = await lab({name: 'living', hosts: ['a'], links: []});
	const [child, other] = [await startChild(t, ''), await startChild(t, '')];
	const closed = once(child.process, 'close');
	child.process.kill('SIGKILL');
	await closed;
	const {pid} = child.process;
	t.like(
		listLabs().find(each => each.pid === pid),
		{name: 'child', alive: false, command: ''},
	);
	const {names, cgroups, processes} = child.traces;
	for (const name of names)
		t.true(listLabs().some(({hosts}) => hosts.some(({netns}) => netns.endsWith(name))));
	for (const path of cgroups) t.true(existsSync(path));
	for (const each of processes) t.true(existsSync(`/proc/${each}`));

	const {code, out} = await skep('lab', 'clean', '-o', 'json');
	t.is(code, 0);
	t.regex(out, new RegExp(`"pid":${pid},`));
	t.false(out.includes(`"pid":${other.process.pid},`));
	t.deepEqual(await child.left(), []);
	t.is(listLabs().find(each => each.pid === other.process.pid)?.alive, true);
	for (const path of other.traces.cgroups) t.true(existsSync(path));
	for (const each of other.traces.processes) t.true(existsSync(`/proc/${each}`));
	t.true(existsSync(net.hosts.a.cgroup));
	t.false((await cleanLabs()).some(each => each.pid === pid));
});
