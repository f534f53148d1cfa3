import {readdirSync, readFileSync} from 'node:fs';
import test from 'ava';
import fc from 'fast-check';
import {parseStatistics} from '../../../src/format/log/statistics.js';
import {VerifierError} from '../../../src/format/log/verifier-error.js';
import {explainRefusal, rawLines, splitLog} from '../../../src/format/log/verifier-log.js';

const folder = new URL('../../../../test/fixtures/toolchain/verifier/', import.meta.url);

function fixture(name: string): string {
	return readFileSync(new URL(`${name}.log`, folder), 'utf8');
}

const all = readdirSync(folder).filter(file => file.endsWith('.log'));

function explanationOf(name: string): string {
	return `== ${name}\n${new VerifierError(name, fixture(name), new Error('refused')).explain()}\n`;
}

const explains = test.macro({
	exec(t, name: string, reason: string, slot?: number, line?: number) {
		const refusal = explainRefusal(fixture(name));
		t.is(refusal.reason, reason);
		t.is(refusal.instruction?.slot, slot);
		t.is(refusal.source?.line, line);
		if (line !== undefined) t.is(refusal.source?.file, `${name.split('.')[0]}.bpf.c`);
		t.true(refusal.excerpt.includes(reason));
		t.true(refusal.excerpt.length <= 12);
	},
	title: (_, name: string) => `explains ${name}`,
});

test(explains, 'above-stack', 'invalid read from stack R10 off=8 size=8', 0, 5);
test(
	explains,
	'bad-return-value',
	'At program exit the register R0 has smin=5 smax=5 should have been in [0, 1]',
	1,
	5,
);
test(explains, 'beyond-buffer', 'R4 invalid zero-sized read: u64=[0,64]', 7, 10);
test(explains, 'beyond-stack', 'invalid write to stack R10 off=-520 size=8', 1, 5);
test(explains, 'clobbered-register', 'R1 !read_ok', 2, 5);
test(explains, 'combined-stack', 'combined stack size of 2 calls is 704. Too large');
test(explains, 'context-access', 'invalid bpf_context access off=200 size=4', 0, 5);
test(explains, 'frame-pointer', 'frame pointer is read only', 0, 5);
test(explains, 'global-function', "R1 invalid mem access 'mem_or_null'", 6, 5);
test(
	explains,
	'helper-not-allowed',
	'program of this type cannot use helper bpf_skb_pull_data#39',
	1,
	5,
);
test(explains, 'infinite-loop', 'infinite loop detected at insn 1', 1, 5);
test(explains, 'jump-outside', 'jump out of range from insn 1 to 102', 1);
test(
	explains,
	'leaked-reference',
	'BPF_EXIT instruction in main prog would lead to reference leak',
	17,
	8,
);
test(explains, 'misaligned-stack', 'misaligned stack access off 0+0+-12 size 8', 1, 5);
test(explains, 'missing-null-check', "R0 invalid mem access 'map_value_or_null'", 7, 15);
test(explains, 'missing-null-check.level-7', "R0 invalid mem access 'map_value_or_null'", 7, 15);
test(explains, 'no-exit', 'last insn is not an exit or jmp');
test(
	explains,
	'not-gpl',
	'cannot call GPL-restricted function from non-GPL compatible program',
	3,
	6,
);
test(explains, 'outside-map-value', 'R0 max value is outside of the allowed memory range', 13, 17);
test(explains, 'outside-packet', 'R1 offset is outside of the packet', 1, 7);
test(explains, 'pointer-arithmetic', 'R1 pointer arithmetic with *= operator prohibited', 0, 5);
test(
	explains,
	'pointer-returned',
	'At program exit the register R0 is not a known value (ctx)',
	1,
	5,
);
test(explains, 'read-only-data', 'write into map forbidden, value_size=4 off=0 size=4', 3, 7);
test(explains, 'recursion', 'the call stack of 9 frames is too deep', 7, 12);
test(explains, 'released-twice', "R6 invalid mem access 'scalar'", 12, 15);
test(explains, 'scalar-dereference', "R1 invalid mem access 'scalar'", 1, 5);
test(
	explains,
	'spin-lock-held',
	'BPF_EXIT instruction in main prog cannot be used inside bpf_spin_lock-ed region',
	15,
	25,
);
test(explains, 'too-complex', 'BPF program is too large. Processed 1000001 insn', 9, 7);
test(
	explains,
	'unbounded-length',
	"R3 min value is negative, either use unsigned or 'var &= const'",
	17,
	12,
);
test(explains, 'uninitialised-r0', 'R0 !read_ok', 0, 5);
test(explains, 'unknown-helper', 'invalid func unknown#9999', 0, 7);
test(explains, 'unnamed-argument', '[7] FUNC refused type_id=1 Invalid arg#1');
test(explains, 'unreachable', 'unreachable insn 2', 2);
test(explains, 'unreachable.level-7', 'unreachable insn 2', 2);
test(
	explains,
	'wrong-argument',
	'R2 type=scalar expected=fp, pkt, pkt_meta, map_key, map_value, mem, ringbuf_mem, buf, trusted_ptr_',
	3,
	12,
);
test(explains, 'wrong-global-argument', 'R1 type=scalar expected=fp', 1, 10);

test(explains, 'atomic-on-packet', 'BPF_ATOMIC stores into R1 pkt is not allowed', 7, 9);
test(explains, 'beyond-map-value', 'R0 min value is outside of the allowed memory range', 9, 17);
test(
	explains,
	'callback-result',
	'At callback return the register R0 has smin=5 smax=5 should have been in [0, 1]',
	9,
	5,
);
test(explains, 'called-under-lock', 'function calls are not allowed while holding a lock', 11, 23);
test(explains, 'context-write', 'invalid bpf_context access off=16 size=4', 1, 5);
test(explains, 'divided-by-zero', 'div by zero', 1, 5);
test(explains, 'dynptr-not-made', 'Expected an initialized dynptr as arg #2', 9, 8);
test(explains, 'half-pointer', 'invalid size of register fill', 2, 5);
test(explains, 'locked-twice', 'function calls are not allowed while holding a lock', 12, 23);
test(explains, 'modified-context', 'dereference of modified ctx ptr R1 off=4 disallowed', 7, 7);
test(explains, 'packet-after-write', "R6 invalid mem access 'scalar'", 14, 11);
test(explains, 'packet-end-read', "R1 invalid mem access 'pkt_end'", 1, 7);
test(explains, 'packet-read-only', 'cannot write into packet', 6, 9);
test(explains, 'pointer-added', 'R2 pointer += pointer prohibited', 1, 5);
test(
	explains,
	'record-not-sent',
	'BPF_EXIT instruction in main prog would lead to reference leak',
	15,
	15,
);
test(explains, 'shifted-too-far', 'invalid shift 64', 1, 5);
test(explains, 'socket-not-checked', "R0 invalid mem access 'sock_or_null'", 13, 7);
test(explains, 'variable-stack', 'invalid unbounded variable-offset write to stack R2', 8, 7);
test(explains, 'wrong-context', 'R1 type=scalar expected=ctx', 7, 7);
test(explains, 'wrong-map-type', 'cannot pass map_type 1 into func bpf_ringbuf_output#130', 8, 14);
test(explains, 'zero-size', 'R4 invalid zero-sized read: u64=[0,0]', 6, 7);

// As make-verifier-logs.ts writes it, read before it was kept.
const golden = readFileSync(new URL('explanations.txt', folder), 'utf8');

test('every refusal is told in full: what was known, the way, and what mends it', t => {
	const told = all
		.filter(file => file !== 'accepted.level-7.log')
		.map(file => explanationOf(file.slice(0, -'.log'.length)));
	t.is(told.join('\n'), golden);
	t.true(told.every(text => text.includes('\nhint: ')));
	t.true(told.length >= 50);
});

test('an unknown refusal is told by the last lines of the log', t => {
	const error = new VerifierError('p', 'one\ntwo\nno such thing\n', new Error('refused'));
	t.is(error.explain(), 'reason: no such thing\nthe log:\n    one\n    two\n    no such thing');
});

const inWords = test.macro({
	exec(t, log: string, reason: string, slot?: number) {
		const refusal = explainRefusal(log);
		t.is(refusal.reason, reason);
		t.is(refusal.instruction?.slot, slot);
	},
	title: title => `finds the reason ${title}`,
});

test(
	'in words of a kernel 4.19',
	inWords,
	'0: (05) goto pc-1\nback-edge from insn 0 to 0\n',
	'back-edge from insn 0 to 0',
	0,
);
test(
	'behind the arguments of a call',
	inWords,
	'3: (85) call bpf_foo#200\nunknown func bpf_foo#200\n',
	'unknown func bpf_foo#200',
	3,
);
test(
	'after precision tracking',
	inWords,
	'7: (85) call pc+2\nmark_precise: frame0: last_idx 7 first_idx 0 subseq_idx -1 \nmark_precise: frame0: regs=r2 stack= before 6: (bf) r1 = r6\nR2 unbounded memory access\n',
	'R2 unbounded memory access',
	7,
);
test(
	'of a jump with registers behind it',
	inWords,
	'15: (55) if r1 != 0x0 goto pc+1 17: R0=1 R10=fp0\n17: (95) exit\nnope\n',
	'nope',
	17,
);
test(
	'of the whole program, at no instruction',
	inWords,
	fixture('accepted.level-7').replace(
		/verification time[^]*/,
		'combined stack size of 2 calls is 704. Too large\n',
	),
	'combined stack size of 2 calls is 704. Too large',
);
test('not in an accepted program', inWords, fixture('accepted.level-7'), 'no reason in the log');
test(
	'not in a log that is cut off',
	inWords,
	'0: R1=ctx() R10=fp0\n0: (b7) r0 = 0\n',
	'no reason in the log',
);
test('not in an empty log', inWords, '', 'no log');
test('not in padding', inWords, '\0\0\0\0', 'no log');

test('the instruction comes without the registers printed behind it', t => {
	const log = '15: (55) if r1 != 0x0 goto pc+1 17: R0=1 R10=fp0\nnope\n';
	t.is(explainRefusal(log).instruction?.text, '(55) if r1 != 0x0 goto pc+1');
	const padded = '5: (b7) r0 = 2                        ; R0=2\nnope\n';
	t.is(explainRefusal(padded).instruction?.text, '(b7) r0 = 2');
});

test('source lines without a position, as kernels before 6.10 print them, are kept', t => {
	const {source} = explainRefusal('; return *data;\n6: (71) r0 = *(u8 *)(r1 +0)\nnope\n');
	t.deepEqual(source, {text: 'return *data;'});
});

test("the object's own lines say where a bare number is", t => {
	const lines = [
		{slot: 0, file: 'x.c', line: 3, text: 'a'},
		{slot: 2, file: 'x.c', line: 5, text: 'b'},
		{slot: 9, file: 'x.c', line: 7, text: 'c'},
	];
	const refusal = explainRefusal('unreachable insn 4\n', {lines});
	t.deepEqual(refusal.instruction, {slot: 4});
	t.deepEqual(refusal.source, {file: 'x.c', line: 5, text: 'b'});
	t.is(explainRefusal('no such number\n', {lines}).source, undefined);
});

test('the excerpt starts at a source line and leaves the bookkeeping out', t => {
	t.deepEqual(explainRefusal(fixture('missing-null-check.level-7')).excerpt.slice(-3), [
		'; *count += 1; @ missing-null-check.bpf.c:15',
		'7: (79) r1 = *(u64 *)(r0 +0)',
		"R0 invalid mem access 'map_value_or_null'",
	]);
	const {excerpt} = explainRefusal(fixture('recursion'));
	t.true(excerpt[0]?.startsWith('; '));
	t.false(excerpt.some(line => line.startsWith(' ')));
});

test('splitting drops the statistics and the padding', t => {
	t.deepEqual(
		splitLog(
			'a\n\nb\nverification time 5 usec\nstack depth 8\nprocessed 1 insns (limit 2)\n\0\0',
		),
		['a', 'b'],
	);
});

test('statistics are read with and without the parts of level 4', t => {
	t.deepEqual(parseStatistics(rawLines(fixture('too-complex'))), {
		instructions: 1_000_001,
		limit: 1_000_000,
		maxStatesPerInstruction: 4,
		totalStates: 16668,
		peakStates: 16668,
	});
	const {verificationTime, ...rest} =
		parseStatistics(rawLines(fixture('accepted.level-7'))) ?? t.fail();
	t.true(Number.isInteger(verificationTime));
	t.deepEqual(rest, {
		instructions: 17,
		limit: 1_000_000,
		maxStatesPerInstruction: 0,
		totalStates: 1,
		peakStates: 1,
		stackDepths: [8, 8],
	});
	t.is(parseStatistics(['0: (95) exit']), undefined);
	t.is(parseStatistics([]), undefined);
});

const lineParts = fc.constantFrom(
	'0: (95) exit',
	'R0 !read_ok',
	'; x',
	' @ a.c:5',
	'\n',
	'\0',
	'func#0 @0',
	'from 1 to 2: ',
	'processed 1 insns (limit 5)',
	'stack depth 1+',
	'99999999999: (',
	'goto pc+1 5: ',
	' ',
	':',
);

test('any text is explained, and quickly', t => {
	fc.assert(
		fc.property(fc.array(fc.oneof(lineParts, fc.string()), {maxLength: 60}), parts => {
			const log = parts.join('');
			const {reason, excerpt} = explainRefusal(log);
			parseStatistics(rawLines(log));
			return !reason.includes('\n') && excerpt.length <= 20;
		}),
		{numRuns: 1000},
	);

	const started = performance.now();
	for (const piece of ['; a @ b:', '1: (', 'goto pc+1 ', 'regs=', ' ', '; ', "Func#1 ('"]) {
		explainRefusal(piece.repeat(200_000));
		explainRefusal(`${piece}\n`.repeat(200_000));
	}

	t.true(performance.now() - started < 20_000);
});

test('file and line that an older kernel does not tell are those of the object', t => {
	const log = fixture('clobbered-register').replaceAll(/ @ \S+:\d+$/gm, '');
	const {source} = explainRefusal(log);
	t.deepEqual(Object.keys(source ?? {}), ['text']);
	const text = source?.text ?? '';
	const own = {slot: 0, file: '/home/clobbered.bpf.c', line: 5, text};
	t.deepEqual(explainRefusal(log, {lines: [own]}).source, {
		file: 'clobbered.bpf.c',
		line: 5,
		text,
	});
	t.deepEqual(explainRefusal(log, {lines: [{...own, text: 'another'}]}).source, source);
});

test('numbers that are none are passed over', t => {
	const log = (state: string) =>
		`func#0 @0\n0: R1=ctx() R2=${state}\n0: (73) *(u8 *)(r2 +0) = r1\nR2 invalid write\n`;
	for (const state of [
		'fp(off=,smin=0,umax=7)',
		'fp(off=1.5,imm=x,umax=ff)',
		'scalar(umin=-ab)',
	]) {
		const text = new VerifierError('x', log(state), new Error('refused')).explain();
		t.regex(text, /R2 invalid write/);
	}
});
