import {closeSync, openSync} from 'node:fs';
import test from 'ava';
import {socketAttach, socketDetach} from '../../../src/kernel/sys/socket-program.js';

test('what is not a socket is refused by errno', t => {
	const file = openSync('/dev/null', 'r');
	t.teardown(() => {
		closeSync(file);
	});
	t.throws(
		() => {
			socketAttach('filter', file, 0);
		},
		{code: 'ERR_SYSCALL', message: /^setsockopt: .*ENOTSOCK/},
	);
	t.throws(
		() => {
			socketDetach('reuseport', 0x7f_ff_ff);
		},
		{message: /EBADF/},
	);
});
