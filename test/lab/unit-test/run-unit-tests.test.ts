import {copyFile, mkdir, readdir, writeFile} from 'node:fs/promises';
import {readdirSync, readlinkSync} from 'node:fs';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {
	runUnitTests,
	type UnitTestCase,
	type SuiteReport,
	type UnitTestOptions,
} from '../../../src/lab/index.js';
import {kernelTest} from '../../helpers/kernel.js';
import {makeTempFolder} from '../../helpers/temp.js';
import {unitTestObject, unitTestSource} from '../../helpers/unit-test-object.js';

const kernel = kernelTest({feature: 'test runs with a context', since: '5.2'});
const loadBytes = kernelTest({feature: 'bpf_xdp_load_bytes', since: '5.18'});

async function runOne(file: string, options: UnitTestOptions = {}): Promise<SuiteReport> {
	const {suites} = await runUnitTests([file], options);
	if (suites[0] === undefined) throw new Error('nothing was run');
	return suites[0];
}

const caseOf = ({cases}: SuiteReport, name: string): UnitTestCase => {
	const found = cases.find(each => each.name === name);
	if (found === undefined) throw new Error(`no case ${name}`);
	return found;
};

kernel('each case ends as its programs say', async t => {
	const report = await runUnitTests([await unitTestObject(t, 'outcomes')]);
	const [suite] = report.suites;

	t.deepEqual(
		suite?.cases.map(({name, status}) => [name, status]),
		[
			['a_passes', 'pass'],
			['b_fails', 'fail'],
			['c_is_skipped', 'skip'],
			['d_errs', 'error'],
			['e_says_nothing', 'fail'],
			['f_leaves_early', 'error'],
			['g_returns_a_verdict', 'error'],
			['h_sees_maps_persist', 'pass'],
			['i_fails_to_set_up', 'fail'],
		],
	);
	t.is(suite?.status, 'error');
	t.deepEqual(report.counts, {pass: 2, fail: 3, skip: 1, error: 3});
	t.false(report.passed);
});

kernel('a case tells why, what it logged, and the line that failed', async t => {
	const suite = await runOne(await unitTestObject(t, 'outcomes'));
	const passes = caseOf(suite, 'a_passes');
	t.deepEqual(passes.logs, ['seen -2 of 40, flags 0xbeef, z']);
	t.deepEqual(passes.results, [{name: 'inner', status: 'pass', logs: ['in 0x7: -1']}]);
	t.is(passes.reason, undefined);

	const fails = caseOf(suite, 'b_fails');
	t.is(fails.reason, '"breaks" failed');
	t.deepEqual(
		fails.results.map(({name, status}) => [name, status]),
		[
			['holds', 'pass'],
			['breaks', 'fail'],
			['runs all the same', 'fail'],
		],
	);
	const [, breaks, runs] = fails.results;
	t.regex(breaks?.logs.join('\n') ?? '', /^\S+outcomes.bpf.c:26: ctx->len % 7 is 6 .*$/);
	t.is(breaks?.place?.line, 26);
	t.is(breaks?.place?.text, 'assert_equal(ctx->len % 7, 1);');
	t.is(runs?.place?.text, 'expect(ctx->len == 1);');
	t.is(runs?.logs.length, 1);

	t.is(caseOf(suite, 'd_errs').results[0]?.place?.line, 48);
	t.is(caseOf(suite, 'e_says_nothing').place?.text, 'return TEST_FAIL;');
	t.regex(caseOf(suite, 'f_leaves_early').results[0]?.logs.join() ?? '', /^before,no result/);
	t.is(caseOf(suite, 'g_returns_a_verdict').reason, 'check returned 0, which is no test status');
	const setUp = caseOf(suite, 'i_fails_to_set_up');
	t.is(setUp.reason, 'setup returned 102 (fail)');
	t.is(setUp.place?.text, 'test_fail("no map, no test");');
	t.deepEqual(
		setUp.stages.map(({stage}) => stage),
		['setup'],
	);
});

/** The ones' complement of the sum of what a checksum covers is 0 where it is right. */
function folded(bytes: Uint8Array, start = 0): number {
	let sum = start;
	for (const [i, byte] of bytes.entries()) sum += i % 2 === 0 ? byte << 8 : byte;
	while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
	return 0xffff - sum;
}

loadBytes('packets go from program to program, with right lengths and checksums', async t => {
	const suite = await runOne(await unitTestObject(t, 'packets'));
	const statuses = suite.cases.map(({name, status}) => `${name}: ${status}`);
	t.deepEqual(statuses, [
		'icmp4: pass',
		'icmp6: fail',
		'tcp4: pass',
		'udp6: pass',
		'unbuilt: pass',
		'unbuilt_skb: pass',
	]);

	const built = (name: string) => caseOf(suite, name).stages[0]?.packetOut ?? new Uint8Array(0);
	const tcp = built('tcp4');
	t.is(tcp.length, 59);
	t.is(folded(tcp.subarray(14, 34)), 0);
	t.is(folded(tcp.subarray(26), 6 + 25), 0);
	t.is(Buffer.from(tcp.subarray(54)).toString(), 'hello');

	const udp = built('udp6');
	t.is(Buffer.from(udp.subarray(12, 18)).toString('hex'), '8100000786dd');
	t.is(folded(udp.subarray(18 + 8), 17 + 16), 0);
	t.is(Buffer.from(udp.subarray(-8)).toString(), 'question');

	t.is(folded(built('icmp4').subarray(34)), 0);
	t.is(folded(built('icmp6').subarray(14 + 8), 58 + 8), 0);

	const stages = caseOf(suite, 'tcp4').stages.map(
		({stage, returnValue, packetIn, packetOut}) =>
			`${stage}=${returnValue} ${packetIn.length}>${packetOut.length}`,
	);
	t.deepEqual(stages, ['pktgen=0 3520>59', 'setup=2 59>59', 'check=101 63>63']);
	t.is(caseOf(suite, 'udp6').stages[0]?.contextIn.length, 0);
	t.is(caseOf(suite, 'tcp4').stages[0]?.contextIn.length, 256);
});

loadBytes('packets that differ are handed over', async t => {
	const suite = await runOne(await unitTestObject(t, 'packets'));
	const one = caseOf(suite, 'icmp6');
	const [comparison] = one.comparisons;

	t.is(one.comparisons.length, 1);
	t.is(comparison?.name, 'an echo request');
	t.is(comparison?.file, 'packets.bpf.c');
	t.is(comparison?.line, one.results[0]?.place?.line);
	t.deepEqual(comparison?.got, one.stages[0]?.packetOut);
	t.is(comparison?.expected.length, 42);
	t.deepEqual(caseOf(suite, 'icmp4').comparisons, []);
});

kernel('objects written without our header run the same', async t => {
	const suite = await runOne(await unitTestObject(t, 'foreign'));

	t.is(suite.error, undefined);
	t.deepEqual(
		suite.cases.map(({name, status}) => [name, status]),
		[
			['10_reports', 'pass'],
			['11_finds_cleared_maps', 'pass'],
			['12_compares', 'fail'],
			['13_runs_actions', 'pass'],
			['9_is_last', 'skip'],
		],
	);
	t.deepEqual(caseOf(suite, '10_reports').results, [
		{name: 'named', status: 'pass', logs: ['log']},
	]);
	t.deepEqual(caseOf(suite, '12_compares').comparisons, [
		{
			name: 'frames',
			file: 'x.test.c',
			line: 12,
			firstLayer: 'Ether',
			got: Uint8Array.of(1, 2, 4),
			expected: Uint8Array.of(1, 2, 3, 4),
		},
	]);
});

kernel('results of random bytes are read without an exception', async t => {
	const suite = await runOne(await unitTestObject(t, 'hostile'));

	t.is(suite.cases.length, 4);
	t.is(suite.error, undefined);
	for (const {logs, results} of suite.cases) {
		for (const line of [...logs, ...results.flatMap(each => each.logs)]) {
			t.notRegex(line, /[^\P{Cc}\t]/u);
		}
	}
});

const broken = test.macro({
	async exec(t: ExecutionContext, _: string, text: string, reason: RegExp) {
		const bad = await unitTestSource(t, text);
		const good = await unitTestSource(t, simple);
		const {suites, counts, passed} = await runUnitTests([bad, good]);

		t.false(passed);
		t.deepEqual(
			suites.map(({file, status}) => [file, status]),
			[
				[bad, 'error'],
				[good, 'pass'],
			],
		);
		t.regex(suites[0]?.error?.message ?? suites[0]?.cases[0]?.reason ?? '', reason);
		t.deepEqual(counts, {pass: 1, fail: 0, skip: 0, error: 1});
	},
	title: (_, what: string) => `an object is an error of its own where ${what}`,
});

const simple = `#include "lib/test.h"
CHECK("tc", "simple")
int simple(struct __sk_buff *ctx) { return TEST_PASS; }`;

kernel(
	broken,
	'the verifier refuses it',
	`#include "lib/test.h"
CHECK("tc", "crash")
int crash(struct __sk_buff *ctx) { return *(__u32 *)(long)ctx->data; }`,
	/^load program "crash": permission denied: .*source\.bpf\.c:3$/,
);
kernel(
	broken,
	'it has no case',
	`#include "lib/test.h"
SEC("tc") int entry(struct __sk_buff *ctx) { return 0; }`,
	/^test object ".*": it has no test: no section is called HOOK\/test\/NAME\/check$/,
);
kernel(
	broken,
	'a case has no check',
	`#include "lib/test.h"
SETUP("tc", "half") int half(struct __sk_buff *ctx) { return 0; }`,
	/^"half" has a setup and no check$/,
);
kernel(
	broken,
	'a case has two checks',
	`#include "lib/test.h"
CHECK("tc", "twice") int one(struct __sk_buff *ctx) { return TEST_PASS; }
CHECK("xdp", "twice") int two(struct xdp_md *ctx) { return TEST_PASS; }`,
	/^test object ".*": programs "one" and "two" are both the check of "twice"$/,
);
kernel(
	broken,
	'a program makes the kernel refuse its packet',
	`#include "lib/test.h"
PKTGEN("tc", "tiny") int tiny_pktgen(struct __sk_buff *ctx)
{
	bpf_skb_change_tail(ctx, 64, 0);
	return bpf_skb_change_head(ctx, 0, 0) | bpf_skb_adjust_room(ctx, 4000, BPF_ADJ_ROOM_MAC, 0);
}
CHECK("tc", "tiny") int tiny(struct __sk_buff *ctx) { return 7; }`,
	/^run program "tiny_pktgen": |^check returned 7, which is no test status$/,
);

test('a file that is missing, and one that is no object, are errors of their own', async t => {
	const folder = await makeTempFolder(t);
	const text = join(folder, 'text.o');
	await writeFile(text, 'not an object');
	const {suites, passed} = await runUnitTests([join(folder, 'none.o'), text]);

	t.false(passed);
	t.regex(suites[0]?.error?.message ?? '', /none\.o": ENOENT/);
	t.is(suites[1]?.error?.code, 'ERR_SPEC');
});

kernel('a folder stands for its objects, of which some may have no test', async t => {
	const folder = await makeTempFolder(t);
	await mkdir(join(folder, 'deeper.o'));
	await copyFile(await unitTestSource(t, simple), join(folder, 'b.o'));
	await copyFile(await unitTestSource(t, simple), join(folder, 'a.o'));
	const plain = '#include "lib/test.h"\nSEC("tc") int entry(struct __sk_buff *ctx) { return 0; }';
	await copyFile(await unitTestSource(t, plain), join(folder, 'datapath.o'));
	await writeFile(join(folder, 'notes.txt'), 'none of these');
	const heard: string[] = [];
	const {suites, passed} = await runUnitTests([folder], {
		onSuite: ({file}) => heard.push(file),
	});

	t.deepEqual(heard, [join(folder, 'a.o'), join(folder, 'b.o'), join(folder, 'deeper.o')]);
	t.deepEqual(
		suites.map(({file}) => file),
		heard,
	);
	t.regex(suites[2]?.error?.message ?? '', /EISDIR/);
	t.false(passed);
});

kernel('a pattern chooses cases; a run that finds none has not passed', async t => {
	const file = await unitTestObject(t, 'outcomes');
	const chosen = await runOne(file, {run: /^[ah]_/});
	t.deepEqual(
		chosen.cases.map(({name, status}) => [name, status]),
		[
			['a_passes', 'pass'],
			['h_sees_maps_persist', 'pass'],
		],
	);
	t.is(chosen.status, 'pass');

	const none = await runUnitTests([file], {run: /nothing is called this/});
	t.deepEqual(none.suites, []);
	t.false(none.passed);
	t.false((await runUnitTests([await makeTempFolder(t)])).passed);
});

kernel('objects are told of in their order, however many are tested at a time', async t => {
	const slow = await unitTestObject(t, 'outcomes');
	const fast = await unitTestSource(t, simple);
	const files = [slow, fast, slow, fast, fast];
	const heard: string[] = [];
	await runUnitTests(files, {concurrency: 3, onSuite: ({file}) => heard.push(file)});

	t.deepEqual(heard, files);
});

/** Namespaces and kernel objects that this process holds. */
function held(): string[] {
	return readdirSync('/proc/self/fd')
		.map(fd => {
			try {
				return readlinkSync(`/proc/self/fd/${fd}`);
			} catch {
				return '';
			}
		})
		.filter(target => /bpf|btf|^net:/.test(target));
}

kernelTest({feature: 'test runs', since: '5.2', serial: true})(
	'nothing is held after success, failure, refusal and interruption, and nothing pinned',
	async t => {
		const before = held();
		const file = await unitTestObject(t, 'foreign');
		await runUnitTests([file, await unitTestSource(t, simple), '/nonexistent.o']);
		t.deepEqual(held(), before);

		const stop = new AbortController();
		const reason = new Error('enough');
		const options = {signal: stop.signal, onSuite: () => stop.abort(reason)};
		const files = [await unitTestSource(t, simple), file, file];
		await t.throwsAsync(runUnitTests(files, {...options, concurrency: 1}), {is: reason});
		t.deepEqual(held(), before);
		t.deepEqual(await readdir('/sys/fs/bpf'), []);
	},
);

kernel('programs run in a namespace that has nothing but a loopback', async t => {
	const file = await unitTestSource(
		t,
		`#include "lib/test.h"
CHECK("tc", "alone")
int alone(struct __sk_buff *ctx)
{
	struct bpf_fib_lookup lookup = { .family = 2, .ipv4_dst = 0x01010101, .ifindex = 1 };
	assert_equal(ctx->ifindex, 1);
	assert_equal(bpf_redirect_neigh(2, 0, 0, 0), 7);
	assert(bpf_fib_lookup(ctx, &lookup, sizeof(lookup), 0) != 0);
	test_finish();
}`,
	);

	const {cases, error} = await runOne(file);
	t.is(error, undefined);
	t.deepEqual(
		cases.map(({status, logs}) => [status, logs]),
		[['pass', []]],
	);
});

test('options that are none are refused', async t => {
	const options = {pattern: 'x'} as UnitTestOptions;
	await t.throwsAsync(runUnitTests([], options), {
		message: 'run tests: unknown option "pattern"',
	});
	await t.throwsAsync(runUnitTests([], {concurrency: 0}), {code: 'ERR_USAGE'});
});
