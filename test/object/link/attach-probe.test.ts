import {copyFileSync, lchownSync, writeFileSync} from 'node:fs';
import {mkdtemp, rmdir} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {attachKprobe, attachKprobeMulti} from '../../../src/object/link/attach-kprobe.js';
import {attachPerfEvent} from '../../../src/object/link/attach-perf-event.js';
import {attachTracepoint} from '../../../src/object/link/attach-tracepoint.js';
import {attachUprobe, attachUprobeMulti} from '../../../src/object/link/attach-uprobe.js';
import type {Collection} from '../../../src/object/collection/collection.js';
import {kernelTest} from '../../helpers/kernel.js';
import {loadFixture} from '../../helpers/load.js';
import {run, uniqueName, until} from '../../helpers/run.js';
import {showLink} from '../../helpers/show-link.js';
import {makeTempFolder} from '../../helpers/temp.js';

const kernel = kernelTest({feature: 'perf links with cookies', since: '6.6'});

const load = async (t: ExecutionContext, programs: string[], constants = {}) =>
	loadFixture(t, 'kernel/links', {programs}, constants);

const hits = (collection: Collection, index: number): number =>
	Number(collection.map<number, bigint>('hits').get(index) ?? 0n);

/** A small program of its own that nobody else runs: calls `twice` and `thrice` of argv[1] rounds. */
async function makeTarget(t: ExecutionContext): Promise<string> {
	const folder = await makeTempFolder(t);
	writeFileSync(
		join(folder, 'target.c'),
		`#include <stdlib.h>
__attribute__((noinline)) int twice(int n) { __asm__ volatile(""); return 2 * n; }
__attribute__((noinline)) int thrice(int n) { __asm__ volatile(""); return 3 * n; }
int main(int argc, char **argv)
{
	int sum = 0;
	for (int i = atoi(argv[1]); i > 0; i--)
		sum += twice(i) + thrice(i);
	return sum == -1;
}
`,
	);
	const path = join(folder, 'target');
	await run(process.env['CLANG'] ?? 'clang', '-O1', join(folder, 'target.c'), '-o', path);
	return path;
}

kernel('a uprobe runs at a function of a file, at its return, and further in', async t => {
	const path = await makeTarget(t);
	const collection = await load(t, ['probe', 'probe_return']);
	const [probe, atReturn] = [collection.program('probe'), collection.program('probe_return')];
	using link = attachUprobe(probe, path, 'twice', {cookie: 10n});
	using returns = attachUprobe(atReturn, path, 'twice');
	await run(path, '3');
	t.is(hits(collection, 14), 30);
	t.is(hits(collection, 15), 3);
	const info = link.info();
	t.like(info, {type: 'perf_event', eventType: 'uprobe', path, cookie: 10n});
	t.is(returns.info().eventType, 'uretprobe');
	t.like(await showLink(link), {id: info.id, prog_id: probe.info().id});
	link.close();
	await run(path, '3');
	t.is(hits(collection, 14), 30);

	const {offset = 0} = info;
	using byOffset = attachUprobe(probe, path, offset);
	t.is(byOffset.info().offset, offset);
	await run(path, '2');
	t.is(hits(collection, 14), 32);
});

kernel('a uprobe of many places has a cookie for each', async t => {
	const path = await makeTarget(t);
	const collection = await load(t, ['probe_many']);
	const program = collection.program('probe_many');
	const cookies = [100n, 1n];
	using link = attachUprobeMulti(program, path, ['twice', 'thrice'], {cookies});
	await run(path, '2');
	t.is(hits(collection, 16), 202);
	const info = link.info();
	t.like(info, {type: 'uprobe_multi', path, cookies, onReturn: false, pid: 0});
	t.is(info.offsets?.length, 2);
	t.like(await showLink(link), {id: info.id});
});

kernel('a uprobe of one process leaves the others alone', async t => {
	const path = await makeTarget(t);
	const collection = await load(t, ['probe']);
	using link = attachUprobe(collection.program('probe'), path, 'twice', {pid: process.pid});
	await run(path, '2');
	t.is(hits(collection, 14), 0);
	t.is(link.info().eventType, 'uprobe');
});

const refusedUprobe = test.macro({
	async exec(t, place: string | number, message: RegExp, make?: (path: string) => void) {
		const path = await makeTarget(t);
		make?.(path);
		const collection = await load(t, ['probe']);
		const attach = () => attachUprobe(collection.program('probe'), path, place);
		t.throws(attach, {code: place === -1 ? 'ERR_USAGE' : 'ERR_LINK', message});
	},
	title: (_, place, message: RegExp) => `a uprobe at ${place} is refused: ${message.source}`,
});

kernel(refusedUprobe, 'four_times', /has no function "four_times", or was stripped of names$/);
kernel(refusedUprobe, 'argv', /has no function "argv"/);
kernel(refusedUprobe, -1, /-1 is no offset in a file$/);
kernel(refusedUprobe, 'twice', /does not start with 7f 45 4c 46$/, path => {
	writeFileSync(path, 'x'.repeat(100));
});
kernel('a uprobe in a library is found among its dynamic symbols', async t => {
	const path = await makeTarget(t);
	const library = `${path}.so`;
	writeFileSync(`${path}.c`, 'int exported(int n) { return n + 1; }');
	const clang = process.env['CLANG'] ?? 'clang';
	await run(clang, '-O1', '-shared', '-fPIC', '-s', `${path}.c`, '-o', library);
	copyFileSync(library, `${library}.1`);
	const collection = await load(t, ['probe']);
	using link = attachUprobe(collection.program('probe'), `${library}.1`, 'exported+0');
	t.is(link.info().path, `${library}.1`);
});

kernel('a clock runs a program on a CPU', async t => {
	const collection = await load(t, ['tick']);
	const program = collection.program('tick');
	using link = attachPerfEvent(program, {event: 'cpu_clock', frequency: 1000, cpu: 0});
	await until('a tick', () => hits(collection, 8) > 0);
	t.is(link.info().eventType, 'event');
	using faults = attachPerfEvent(program, {event: 'page_faults', period: 1000, pid: process.pid});
	t.deepEqual(faults.info().event, {type: 1, config: 2n});
	t.like(await showLink(link), {prog_id: program.info().id});
	t.throws(() => attachPerfEvent(program, {event: 'cpu_clock'}), {code: 'ERR_USAGE'});
	t.throws(() => attachPerfEvent(program, {event: 'cpu_clock', period: 0}), {code: 'ERR_USAGE'});
	t.throws(() => attachPerfEvent(program, {event: {type: 9999, config: 0n}, frequency: 1}), {
		message: /this machine has no such event, or no such CPU$/,
	});
});

async function mountTracefs(t: ExecutionContext): Promise<void> {
	const folder = await mkdtemp(join(tmpdir(), `${uniqueName()}-`));
	t.teardown(async () => rmdir(folder));
	await run('mount', '-t', 'tracefs', 'skep', folder);
	t.teardown(async () => {
		await run('umount', folder);
	});
}

kernel('a tracepoint runs its program, with its cookie', async t => {
	await mountTracefs(t);
	const collection = await load(t, ['enter_lchown'], {only_pid: process.pid});
	const program = collection.program('enter_lchown');
	using link = attachTracepoint(program, undefined, {cookie: 5n});
	t.throws(() => {
		lchownSync('/no/such', 0, 0);
	});
	t.is(hits(collection, 7), 5);
	t.like(link.info(), {
		...{type: 'perf_event', eventType: 'tracepoint', targetName: 'sys_enter_lchown'},
		cookie: 5n,
	});
	t.throws(() => attachTracepoint(program, 'syscalls/skep_none'), {
		message: /find tracepoint "syscalls\/skep_none": the kernel has none of this name$/,
	});
	for (const name of ['lchown', 'a/b/c', '/x', 'x/'])
		t.throws(() => attachTracepoint(program, name), {code: 'ERR_USAGE'}, name);
});

kernel('a kprobe runs at its function, or says what the kernel lacks', async t => {
	const collection = await load(t, ['probe_kernel', 'probe_kernel_many', 'tick']);
	const program = collection.program('probe_kernel');
	const missing = (run: () => Disposable): string => {
		try {
			using link = run();
			return link instanceof Object ? '' : 'no link';
		} catch (error) {
			return (error as Error).message;
		}
	};
	const one = missing(() => attachKprobe(program));
	t.regex(one, /^$|find kprobes: the kernel has none \(built without CONFIG_KPROBE_EVENTS/);
	const many = collection.program('probe_kernel_many');
	const all = missing(() => attachKprobeMulti(many, ['bpf_fentry_test1']));
	t.regex(all, /^$|the kernel was built without CONFIG_FPROBE$/);
	t.regex(
		missing(() => attachKprobeMulti(many, ['skep_none'])),
		/the kernel has no "skep_none"$/,
	);
	t.throws(() => attachKprobeMulti(program, ['do_exit']), {code: 'ERR_USAGE'});
	t.throws(() => attachKprobeMulti(many, []), {code: 'ERR_USAGE'});
	t.throws(() => attachKprobe(collection.program('tick'), 'do_exit'), {
		message: /it is of type perf_event, the hook runs kprobe$/,
	});
});
