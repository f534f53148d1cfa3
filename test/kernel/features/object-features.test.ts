import {readFileSync} from 'node:fs';
import {arch} from 'node:os';
import test from 'ava';
import {
	haveAttachCookie,
	haveSyscallWrapper,
} from '../../../src/kernel/features/object-features.js';
import {kernelTest} from '../../helpers/kernel.js';

const kernel = kernelTest({feature: 'attach cookies', since: '5.15'});

kernel('probes can tell what they were attached for', t => {
	t.true(haveAttachCookie());
});

const wrapped = arch() === 'x64' || arch() === 'arm64' ? test : test.skip;
wrapped('system calls have a wrapper where the kernel lists one', t => {
	const listed = /^\w+ T __(x64|arm64)_sys_bpf$/m.test(readFileSync('/proc/kallsyms', 'latin1'));
	t.is(haveSyscallWrapper(), listed);
});
