import test from 'ava';
import {UnsupportedError} from '../../../src/kernel/features/unsupported-error.js';
import {kernelRelease} from '../../../src/kernel/host/kernel-version.js';

const says = test.macro({
	exec(t, since: string | undefined, message: string) {
		const cause = new Error('refused');
		const error = new UnsupportedError('attach "a"', 'tcx links', since, {cause, errno: 22});

		t.is(error.message, `${message} (this is ${kernelRelease})`);
		t.like(error, {code: 'ERR_UNSUPPORTED', feature: 'tcx links', since, cause, errno: 22});
		t.is(error.name, 'UnsupportedError');
	},
	title: (_, since) => `an unsupported feature says which kernel has it: ${since}`,
});

test(says, '6.6', 'attach "a": needs kernel 6.6 for tcx links');
test(says, undefined, 'attach "a": this kernel has no tcx links');
