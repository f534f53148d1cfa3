import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {readFileSync} from 'node:fs';
import type {Readable, Writable} from 'node:stream';
import test from 'ava';
import fc from 'fast-check';
import {formatLabId, isAlive, parseLabId, processStart} from '../../../src/lab/topology/lab-id.js';
import {until} from '../../helpers/run.js';

const name = fc.stringMatching(/^[\w-]{1,32}$/);

test('names of labs and hosts are read as they were written', t => {
	const id = fc.record({
		pid: fc.integer({min: 1, max: 4_194_304}),
		start: fc.bigInt({min: 0n, max: 10n ** 15n}).map(String),
		name,
	});
	fc.assert(
		fc.property(id, name, (each, host) => {
			t.deepEqual(parseLabId(formatLabId(each)), each);
			t.deepEqual(parseLabId(formatLabId(each, host)), {...each, host});
		}),
	);
});

for (const other of [
	'skep-1-2',
	'skep-0-2.lab',
	'skep-1-2.',
	'skep-1-2.a.b.c',
	'skep-1-2.a/b',
	'x',
]) {
	test(`"${other}" is not a lab's name`, t => {
		t.is(parseLabId(other), undefined);
	});
}

test('a process is told from a later one of the same number', t => {
	const start = processStart(process.pid);
	t.regex(start ?? '', /^\d+$/);
	t.true(isAlive({pid: process.pid, start: start ?? '', name: 'lab'}));
	t.false(isAlive({pid: process.pid, start: `${Number(start) - 1}`, name: 'lab'}));
});

test('a process that has ended and is not yet waited for is dead', async t => {
	// The shell's child ends, and the program that the shell becomes never waits for it.
	const parent = spawn('sh', ['-c', 'cat <&3 & echo $!; exec 3<&-; exec sleep 60'], {
		stdio: ['ignore', 'pipe', 'ignore', 'pipe'],
	});
	t.teardown(async () => {
		parent.kill('SIGKILL');
		await once(parent, 'close');
	});
	const [line] = (await once(parent.stdio[1] as Readable, 'data')) as [Buffer];
	const pid = Number(line.toString());
	const command = () => readFileSync(`/proc/${parent.pid}/comm`, 'utf8').trim();
	await until('shell to become another program', () => command() === 'sleep');
	(parent.stdio[3] as Writable).end();
	await until('zombie', () => /\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8')));
	t.is(processStart(pid), undefined);
});
