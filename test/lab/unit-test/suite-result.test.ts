import test from 'ava';
import fc from 'fast-check';
import {readFields} from '../../../src/lab/unit-test/protobuf.js';
import {
	decodeSuiteResult,
	statusOfCode,
	type TestStatus,
} from '../../../src/lab/unit-test/suite-result.js';

const bytes = (field: number, ...contents: readonly number[]): number[] => {
	const {length} = contents;
	return [(field << 3) | 2, (length & 0x7f) | 0x80, length >> 7, ...contents];
};
const text = (field: number, value: string): number[] => bytes(field, ...Buffer.from(value));
const fixed = (value: number): number[] => [0x11, value, 0, 0, 0, 0, 0, 0, 0];
const log = (field: number, format: string, ...args: readonly number[]): number[] =>
	bytes(field, ...text(1, format), ...args.flatMap(fixed));
const part = (name: string, status: number, ...logs: readonly number[]): number[] =>
	bytes(1, ...text(1, name), ...logs, 0x10, status);

const decode = (...message: readonly number[]) => decodeSuiteResult(Uint8Array.from(message));

test('parts and logs are read until the zeros behind them', t => {
	const message = [
		...part('first', 101, ...log(3, 'x is %d', 7)),
		...log(2, 'done'),
		...part('second', 102),
		...Array<number>(64).fill(0),
		...part('never read', 101),
	];

	t.deepEqual(decode(...message), {
		results: [
			{name: 'first', status: 'pass', logs: ['x is 7']},
			{name: 'second', status: 'fail', logs: []},
		],
		logs: ['done'],
	});
});

test('an empty buffer has no results', t => {
	t.deepEqual(decode(...Array<number>(8192).fill(0)), {results: [], logs: []});
	t.deepEqual(decode(), {results: [], logs: []});
});

test('arguments may be packed', t => {
	const packed = bytes(2, ...fixed(4).slice(1), ...fixed(5).slice(1));

	t.deepEqual(decode(...bytes(2, ...text(1, '%d+%d'), ...packed)).logs, ['4+5']);
});

test('a NUL or a newline at the end of a line is not part of it', t => {
	t.deepEqual(decode(...log(2, 'a line\n\0')).logs, ['a line']);
});

const status = test.macro({
	exec(t, code: number, expected: TestStatus) {
		t.is(decode(...part('part', code)).results[0]?.status, expected);
	},
	title: (_, code, expected) => `the status ${code} of a part means ${expected}`,
});

test(status, 100, 'error');
test(status, 101, 'pass');
test(status, 102, 'fail');
test(status, 103, 'skip');
test(status, 0, 'error');
test(status, 1, 'pass');
test(status, 2, 'fail');
test(status, 3, 'skip');
test(status, 4, 'error');
test(status, 104, 'error');

test('a part without a status has no result, and says so', t => {
	const [one] = decode(...bytes(1, ...text(1, 'open'), ...log(3, 'before'))).results;

	t.is(one?.status, 'error');
	t.deepEqual(one?.logs, ['before', 'no result: the program ended before it did']);
});

test('codes that are none of the four mean nothing', t => {
	for (const code of [0n, 99n, 104n, 2n ** 32n - 1n, 2n ** 63n])
		t.is(statusOfCode(code), undefined);
});

const damaged = test.macro({
	exec(t, _: string, message: readonly number[]) {
		const whole = part('whole', 101);
		t.is(decode(...whole, ...message).results.length, 1);
	},
	title: (_, what: string, message: readonly number[]) =>
		`reading stops at ${what} (${message.length} bytes)`,
});

test(damaged, 'a field without a number', [0x02, 0x00]);
test(damaged, 'a length beyond the end', [0x0a, 0x7f, 1, 2, 3]);
test(damaged, 'a length beyond any memory', [0x0a, ...Array<number>(9).fill(0xff), 0x01]);
test(damaged, 'a length without an end', [0x0a, ...Array<number>(20).fill(0x80)]);
test(damaged, 'groups', [0x0b, 0x0c]);
test(damaged, 'a number that is cut off', [0x11, 1, 2, 3]);

test('any bytes are read without an exception, and fields never exceed them', t => {
	fc.assert(
		fc.property(fc.uint8Array({maxLength: 512}), input => {
			decodeSuiteResult(input);
			let sum = 0;
			for (const field of readFields(input)) {
				sum += 'bytes' in field ? field.bytes.length + 2 : 2;
			}

			return sum <= input.length;
		}),
	);
	t.pass();
});

test('what was cut off or changed gives a part of it, never an exception', t => {
	const message = [
		...part('one', 101, ...log(3, '%d %s', 1, 2)),
		...part('two', 102),
		...log(2, 'x'),
	];
	fc.assert(
		fc.property(fc.nat(message.length - 1), fc.nat(255), (at, value) => {
			const changed = Uint8Array.from(message);
			changed[at] = value;
			decodeSuiteResult(changed);
			const {results} = decode(...message.slice(0, at));
			return (
				results.length <= 2 && results.every(({name}) => name === 'one' || name === 'two')
			);
		}),
	);
	t.pass();
});
