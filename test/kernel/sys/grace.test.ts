import {readdirSync} from 'node:fs';
import {programsEnded} from '../../../src/kernel/sys/grace.js';
import {kernelTest} from '../../helpers/kernel.js';

const kernel = kernelTest({feature: 'maps of maps that wait', since: '5.0', serial: true});

kernel('waiting for programs to end leaves nothing open', async t => {
	await programsEnded();
	const before = readdirSync('/proc/self/fd').length;
	await Promise.all([programsEnded(), programsEnded()]);
	t.is(readdirSync('/proc/self/fd').length, before);
});
