import {readFileSync} from 'node:fs';
import test from 'ava';
import {isEbpfError} from '../../../src/base/errors.js';
import {VerifierError} from '../../../src/format/log/verifier-error.js';

const folder = new URL('../../../../test/fixtures/toolchain/verifier/', import.meta.url);

function fixture(name: string): string {
	return readFileSync(new URL(`${name}.log`, folder), 'utf8');
}

function refusal(errno?: number): Error {
	return Object.assign(new Error('permission denied'), errno === undefined ? {} : {errno});
}

const names = test.macro({
	exec(t, name: string, errno: number | undefined, message: string) {
		const cause = refusal(errno);
		const error = new VerifierError('xdp_lb', fixture(name), cause);

		t.is(error.message, `load program "xdp_lb": ${message}`);
		t.is(error.cause, cause);
		t.is(error.code, 'ERR_VERIFIER');
		t.is(error.errno, errno);
		t.is(error.name, 'VerifierError');
		t.true(isEbpfError(error));
	},
	title: (_, name: string, errno) => `VerifierError names the reason in ${name}, errno ${errno}`,
});

test(
	names,
	'uninitialised-r0',
	undefined,
	'permission denied: R0 !read_ok at uninitialised-r0.bpf.c:5',
);
test(names, 'unreachable', 22, 'invalid argument: unreachable insn 2');
test(
	names,
	'missing-null-check',
	13,
	"permission denied: R0 invalid mem access 'map_value_or_null' at missing-null-check.bpf.c:15",
);
test(
	names,
	'too-complex',
	7,
	'too complex: BPF program is too large. Processed 1000001 insn at too-complex.bpf.c:7',
);

test('VerifierError holds the facts as fields', t => {
	const error = new VerifierError('refused', fixture('missing-null-check.level-7'), refusal(13));
	t.is(error.program, 'refused');
	t.is(error.reason, "R0 invalid mem access 'map_value_or_null'");
	t.deepEqual(error.instruction, {slot: 7, text: '(79) r1 = *(u64 *)(r0 +0)'});
	t.deepEqual(error.source, {
		file: 'missing-null-check.bpf.c',
		line: 15,
		text: '*count += 1;',
	});
	t.is(error.statistics?.instructions, 7);
	t.deepEqual(error.statistics?.stackDepths, [8]);
	t.is(error.hint, 'compare the pointer with NULL before using it');
	t.is(error.log[0], 'func#0 @0');
});

test('the excerpt is what matters, or the end of the log with a count of what it omits', t => {
	const error = new VerifierError('refused', fixture('missing-null-check'), refusal(13));
	t.true(error.excerpt().startsWith('; __u64 *count = '));
	t.true(error.excerpt().endsWith("'map_value_or_null'"));
	const last = error.excerpt(2).split('\n');
	t.deepEqual(last, [
		`(${error.log.length - 2} lines omitted)`,
		'7: (79) r1 = *(u64 *)(r0 +0)',
		"R0 invalid mem access 'map_value_or_null'",
	]);
	t.is(error.excerpt(1000), error.log.join('\n'));
	t.is(error.excerpt(0), `(${error.log.length} lines omitted)`);
});

test('a program that is too long gets no log, and the message says that it is too long', t => {
	const error = new VerifierError('big', '', refusal(7));
	t.is(error.message, 'load program "big": too many instructions: no log');
	t.deepEqual(error.log, []);
	t.is(error.statistics, undefined);
});

test('a program with too many maps is told so, with and without a log', t => {
	const limit = 'The total number of maps per program has reached the limit of 64';
	const told = 'load program "big": too many maps: it uses 65, a program may use 64';
	t.is(new VerifierError('big', limit, refusal(7), {maps: 65}).message, `${told}: ${limit}`);
	t.is(new VerifierError('big', '', refusal(7), {maps: 65}).message, `${told}: no log`);
});
