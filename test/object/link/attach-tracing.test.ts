import {lchownSync, readFileSync} from 'node:fs';
import type {ExecutionContext} from 'ava';
import {attachFreplace, attachLsm, attachTracing} from '../../../src/object/link/attach-tracing.js';
import {attachIterator} from '../../../src/object/link/attach-iterator.js';
import {attachRawTracepoint} from '../../../src/object/link/attach-raw-tracepoint.js';
import {loadCollection} from '../../../src/object/collection/load-collection.js';
import type {Collection} from '../../../src/object/collection/collection.js';
import {readObject} from '../../../src/spec/read.js';
import {makeBpffs} from '../../helpers/bpffs.js';
import {makeCgroup} from '../../helpers/cgroup.js';
import {fixtureObject} from '../../helpers/compile.js';
import {kernelTest} from '../../helpers/kernel.js';
import {loadFixture} from '../../helpers/load.js';
import {trampolineTest} from '../../helpers/trampoline.js';
import {showLink} from '../../helpers/show-link.js';

const kernel = kernelTest({feature: 'tracing programs with cookies', since: '6.10'});
const trampoline = trampolineTest({feature: 'tracing programs with cookies', since: '6.10'});
/** lchown(2), which nothing else calls here, by its number on this machine. */
const lchown = process.arch === 'x64' ? 94 : 54;
const own = {only_pid: process.pid, only_call: lchown};

const load = async (t: ExecutionContext, ...programs: string[]) =>
	loadFixture(t, 'kernel/links', {programs}, own);

const hits = (collection: Collection, index: number): number =>
	Number(collection.map<number, bigint>('hits').get(index) ?? 0n);

/** Calls lchown(2) once, by this process, and changes nothing. */
function chownNothing(): void {
	try {
		lchownSync('/no/such', 0, 0);
	} catch {
		// There is no such file.
	}
}

/** The kernel's own test functions run when a program of type tracing is run by hand. */
async function traced(t: ExecutionContext, name: string, index: number, cookie?: bigint) {
	const collection = await load(t, name);
	const program = collection.program(name);
	using link = attachTracing(program, cookie === undefined ? {} : {cookie});
	const before = hits(collection, index);
	program.run();
	const count = hits(collection, index) - before;
	return {count, info: link.info(), shown: await showLink(link)};
}

trampoline('fentry and fexit programs run at a function', async t => {
	const enter = await traced(t, 'enter_test1', 9);
	t.true(enter.count >= 1);
	t.like(enter.info, {type: 'tracing', attachType: 'trace_fentry'});
	t.like(enter.shown, {
		...{type: 'tracing', attach_type: 'trace_fentry'},
		...{target_obj_id: enter.info.targetObjectId, target_btf_id: enter.info.targetBtfId},
	});
	const exit = await traced(t, 'exit_test1', 10);
	t.true(exit.count >= 1);
	t.is(exit.info.attachType, 'trace_fexit');
});

trampoline('a tracing program reads its cookie', async t => {
	const {count, info} = await traced(t, 'enter_test1', 9, 1000n);
	t.true(count >= 1000 && count % 1000 === 0);
	t.is(info.cookie, 1000n);
});

trampoline('a fmod_ret program runs at a function that can be modified', async t => {
	const collection = await load(t, 'modify_test');
	const program = collection.program('modify_test');
	using link = attachTracing(program);
	program.run();
	t.true(hits(collection, 11) >= 1);
	t.is(link.info().attachType, 'modify_return');
});

kernel('a tp_btf program runs at its tracepoint', async t => {
	const collection = await load(t, 'test_finish');
	const program = collection.program('test_finish');
	using link = attachTracing(program);
	const other = await loadFixture(t, 'kernel/replaceable');
	other.program('ask').run();
	t.true(hits(collection, 12) >= 1);
	t.like(link.info(), {type: 'raw_tracepoint', targetName: 'bpf_test_finish'});
});

trampoline('security hooks run their programs, those of a cgroup for its processes', async t => {
	const collection = await load(t, 'guard_umount', 'guard_bind');
	const cgroup = await makeCgroup(t);
	using hook = attachLsm(collection.program('guard_umount'));
	t.is(hook.info().attachType, 'lsm_mac');
	using bind = attachLsm(collection.program('guard_bind'), {cgroup: cgroup.path});
	t.is(bind.info().type, 'cgroup');
	await cgroup.run(
		process.execPath,
		'-e',
		"require('dgram').createSocket('udp4').bind(0,'127.0.0.1',function(){this.close()})",
	);
	t.true(hits(collection, 13) >= 1);
	t.throws(() => attachLsm(collection.program('guard_bind')), {code: 'ERR_USAGE'});
});

kernel('a raw tracepoint runs a program with its arguments, and has a cookie', async t => {
	const collection = await load(t, 'raw_enter');
	const program = collection.program('raw_enter');
	using link = attachRawTracepoint(program, undefined, {cookie: 77n});
	chownNothing();
	t.is(hits(collection, 6), 1);
	t.like(link.info(), {type: 'raw_tracepoint', targetName: 'sys_enter', cookie: 77n});
	t.like(await showLink(link), {type: 'raw_tracepoint', tp_name: 'sys_enter'});
	t.throws(() => attachRawTracepoint(program, 'skep_none'), {
		message: /the kernel has no such tracepoint$/,
	});
});

kernel('a program that traces what the kernel lacks says what is missing', async t => {
	const spec = await readObject(await fixtureObject('kernel/links'));
	const {enter_test1: program} = spec.programs;
	if (program === undefined) return t.fail();
	const lost = {...spec, programs: {lost: {...program, name: 'lost', attachTarget: 'skep_none'}}};
	t.throws(() => loadCollection(lost, {programs: ['lost']}), {
		code: 'ERR_PROGRAM',
		message: 'load program "lost": the kernel has no func "skep_none" to attach to',
	});
});

trampoline('freplace changes the verdict of a program that runs', async t => {
	const target = (await loadFixture(t, 'kernel/replaceable')).program('ask');
	t.is(target.run().verdict, 'pass');
	const attachTo = {drop: {program: target}};
	const collection = await loadFixture(t, 'kernel/replacement', {attachTo});
	const program = collection.program('drop');
	{
		using link = attachFreplace(program);
		t.is(target.run().verdict, 'drop');
		t.like(link.info(), {type: 'tracing', programId: program.info().id});
	}

	t.is(target.run().verdict, 'pass');

	const other = (await loadFixture(t, 'kernel/replaceable')).program('ask');
	using again = attachFreplace(program, {program: other});
	t.is(again.info().type, 'tracing');
	t.deepEqual([target.run().verdict, other.run().verdict], ['pass', 'drop']);
	t.throws(() => attachFreplace(program, {program: other, function: 'none'}), {
		code: 'ERR_PROGRAM_TARGET',
		message: /program "ask" has no function "none"$/,
	});
});

kernel('freplace without a target says that it needs one', async t => {
	await t.throwsAsync(loadFixture(t, 'kernel/replacement'), {
		message:
			/it replaces a function of another program, which must be given \(option attachTo\)$/,
	});
});

kernel(
	'an iterator prints the elements of the map it is given, as often as it is read',
	async t => {
		const collection = await loadFixture(t, 'kernel/iterators', {programs: ['print_entry']});
		const entries = collection.map<number, bigint>('entries');
		const expected = Array.from({length: 3000}, (_, i) => `${i}=${i * 3}`);
		for (let i = 0; i < 3000; i++) entries.set(i, BigInt(i * 3));
		using link = attachIterator(collection.program('print_entry'), {map: entries});
		const byNumber = (a: string, b: string) => Number.parseInt(a) - Number.parseInt(b);
		const all = link.readAll().toString().trimEnd().split('\n');
		t.deepEqual(all.toSorted(byNumber), expected);
		const lines: string[] = [];
		for await (const line of link.lines()) lines.push(line);
		t.deepEqual(lines.toSorted(byNumber), expected);
		for await (const line of link.lines()) {
			t.regex(line, /^\d+=\d+$/);
			break;
		}

		const mapId = entries.info.id;
		t.like(link.info(), {type: 'iter', targetName: 'bpf_map_elem', mapId});
		t.like(await showLink(link), {type: 'iter', target_name: 'bpf_map_elem', map_id: mapId});

		const bpffs = await makeBpffs(t);
		link.pin(`${bpffs}/entries`);
		t.is(readFileSync(`${bpffs}/entries`, 'utf8').length, link.readAll().length);
		link.unpin(`${bpffs}/entries`);
	},
);

kernel('an iterator over tasks goes over all, or over those of one process', async t => {
	const collection = await loadFixture(t, 'kernel/iterators', {programs: ['count_task']});
	const program = collection.program('count_task');
	using all = attachIterator(program);
	using one = attachIterator(program, {tid: process.pid});
	using process_ = attachIterator(program, {pid: process.pid});
	const count = (link: typeof all) => link.readAll().toString().trimEnd().split('\n').length;
	t.is(count(one), 1);
	t.true(count(process_) > 1);
	t.true(count(all) > count(process_));
	t.like(one.info(), {targetName: 'task', tid: process.pid});
	t.like(process_.info(), {targetName: 'task', pid: process.pid});
	t.like(await showLink(one), {target_name: 'task'});
});

kernel('an iterator without the target it wants, and a program that is none, say so', async t => {
	const collection = await loadFixture(t, 'kernel/iterators', {programs: ['print_entry']});
	t.throws(() => attachIterator(collection.program('print_entry')), {
		message: /this iterator wants a target: a map, a task or a cgroup$/,
	});
	const links = await load(t, 'test_finish');
	t.throws(() => attachIterator(links.program('test_finish')), {code: 'ERR_USAGE'});
	t.throws(() => attachTracing(collection.program('print_entry')), {code: 'ERR_USAGE'});
});
