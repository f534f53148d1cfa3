import {constants} from 'node:os';
import test from 'ava';
import {perfEventOpen, perfEventSetProgram} from '../../../src/kernel/sys/perf-event.js';
import {SyscallError} from '../../../src/kernel/sys/syscall-error.js';
import {programTypeNumber} from '../../../src/uapi/program-types.js';
import {addon, makeProgram} from '../../native/support.js';
import {kernelTest} from '../../helpers/kernel.js';
import {programLoad} from '../../../src/kernel/sys/program.js';

const kernel = kernelTest({feature: 'programs of perf events', since: '4.9'});

/** PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_CLOCK, ten times a second. */
const clock = {type: 1, config: 0n, samplePeriod: 10n, frequency: true, cpu: 0};

kernel('an event takes a program of its type', t => {
	const event = perfEventOpen(clock);
	t.teardown(() => addon.closeFd(event));
	t.is(addon.fdKind(event), 'other');
	const instructions = Uint8Array.of(0xb7, 0, 0, 0, 0, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0);
	const {result} = programLoad({
		type: programTypeNumber('perf_event'),
		instructions,
		license: 'GPL',
		name: 'skep_event',
		flags: 0,
		attachType: 0,
		logLevel: 0,
	});
	t.teardown(() => addon.closeFd(result));
	t.notThrows(() => perfEventSetProgram(event, result));
	t.is(addon.perfEventEnable(event, 0), 0);
	t.is(addon.perfEventEnable(event, 1), 0);
});

kernel('a program of another type is refused', t => {
	const event = perfEventOpen(clock);
	t.teardown(() => addon.closeFd(event));
	t.throws(() => perfEventSetProgram(event, makeProgram(t)), {
		code: 'ERR_SYSCALL',
		message: /^perf_event_set_bpf: .*EINVAL/,
	});
});

test('an event that does not exist is refused by errno', t => {
	const error = t.throws<SyscallError>(() => perfEventOpen({...clock, type: 0xff_ff}), {
		instanceOf: SyscallError,
	});
	t.true([constants.errno.ENOENT, constants.errno.EACCES].includes(error.errno));
});
