import {constants} from 'node:os';
import test from 'ava';
import {answerOf, type Answer} from '../../../src/kernel/features/answer.js';

const {EBADF, EINVAL, ENODEV, ENOMEM, EOPNOTSUPP, EPERM} = constants.errno;

const answers = test.macro({
	exec(t, result: number, known: readonly number[], expected: Answer['support']) {
		const {support, reason} = answerOf(result, known);
		t.is(support, expected);
		t.is(reason !== undefined, expected === 'unknown');
	},
	title: (title, result, known: readonly number[], expected) =>
		`${title ?? ''} is ${expected}: ${result} where ${known.join(', ') || 'nothing'} is known`,
});

test('success', answers, 3, [], 'yes');
test('no such device', answers, -ENODEV, [ENODEV], 'yes');
test('no such descriptor', answers, -EBADF, [EBADF], 'yes');
test('a refusal', answers, -EINVAL, [EBADF], 'no');
test('not supported', answers, -EOPNOTSUPP, [], 'no');
test('not supported by the kernel itself', answers, -524, [], 'no');
test('no permission', answers, -EPERM, [EBADF], 'unknown');
test('no memory', answers, -ENOMEM, [], 'unknown');
