import test from 'ava';
import {diagnose} from '../../../src/kernel/doctor/examine.js';
import {type HostFacts, gatherFacts} from '../../../src/kernel/doctor/host-facts.js';
import {kernelTest} from '../../helpers/kernel.js';

const EPERM = 1;
const ENOSYS = 38;
const all = '000001ffffffffff';
const none = '0000000000000000';

const statusOf = (effective: string, seccomp = 0) =>
	`Name:\tnode\nCapEff:\t${effective}\nSeccomp:\t${seccomp}\n`;
const limitsOf = (limit: string) => `Max locked memory         ${limit}    ${limit}    bytes\n`;

const healthy: HostFacts = {
	status: statusOf(all),
	limits: limitsOf('unlimited'),
	lockdown: '[none] integrity confidentiality\n',
	release: '6.6.0',
	userNamespace: 'user:[4026531837]',
	unprivilegedDisabled: '2',
	jit: '1',
	hasTypes: true,
	bpffs: {path: '/sys/fs/bpf', isWritable: true},
	lendsTokens: false,
	cgroup2: '/sys/fs/cgroup',
	mapErrno: 0,
	packetProgramErrno: 0,
	tracingProgramErrno: 0,
};

const refused = {mapErrno: EPERM, packetProgramErrno: EPERM, tracingProgramErrno: EPERM};

test('on a healthy host nothing stands in the way', t => {
	const {ok, cause, findings} = diagnose(healthy);
	t.true(ok);
	t.is(cause, undefined);
	t.true(findings.every(({status}) => status === 'ok'));
});

const stops = test.macro({
	exec(t, facts: Partial<HostFacts>, check: string, detail: RegExp) {
		const {ok, cause} = diagnose({...healthy, ...facts});
		t.false(ok);
		t.is(cause?.check, check);
		t.regex(cause?.detail ?? '', detail);
	},
	title: title => `the one thing that stops: ${title ?? ''}`,
});

test(
	'a kernel without bpf',
	stops,
	{mapErrno: ENOSYS, packetProgramErrno: ENOSYS},
	'kernel',
	/without bpf\(2\)/,
);
test(
	'no capability',
	stops,
	{...refused, status: statusOf(none)},
	'capabilities',
	/^this process lacks CAP_BPF and CAP_NET_ADMIN$/,
);
test(
	'one capability, also with a filter and little memory',
	stops,
	{...refused, status: statusOf('0000008000000000', 2), release: '5.10.0', limits: limitsOf('1')},
	'capabilities',
	/^this process lacks CAP_NET_ADMIN$/,
);
test(
	'a user namespace',
	stops,
	{...refused, userNamespace: 'user:[4026532999]'},
	'user namespace',
	/capabilities do not count/,
);
test('a filter', stops, {...refused, status: statusOf(all, 2)}, 'seccomp', /may forbid bpf\(2\)/);
test(
	'locked memory on an old kernel',
	stops,
	{...refused, release: '5.10.0', limits: limitsOf('65536')},
	'memlock',
	/limited to 65536 bytes/,
);
test(
	'lockdown',
	stops,
	{...refused, lockdown: 'none integrity [confidentiality]\n'},
	'lockdown',
	/may not read kernel memory/,
);
test('something else', stops, refused, 'load', /^a map is refused \(EPERM\): .*security module/);
test(
	'something else, for programs only',
	stops,
	{packetProgramErrno: 12},
	'load',
	/^an XDP program is refused \(ENOMEM\)/,
);

const limits = test.macro({
	exec(t, facts: Partial<HostFacts>, check: string, mend: RegExp) {
		const {ok, findings} = diagnose({...healthy, ...facts});
		t.true(ok);
		const limited = findings.filter(({status}) => status !== 'ok');
		t.deepEqual(
			limited.map(each => each.check),
			[check],
		);
		t.regex(limited[0]?.mend ?? '', mend);
	},
	title: title => `what only limits: ${title ?? ''}`,
});

test('no bpffs', limits, {bpffs: undefined}, 'bpffs', /mount -t bpf/);
test(
	"somebody else's bpffs",
	limits,
	{bpffs: {path: '/sys/fs/bpf', isWritable: false}},
	'bpffs',
	/chown/,
);
test('no types', limits, {hasTypes: false}, 'BTF', /CONFIG_DEBUG_INFO_BTF/);
test('no compiler', limits, {jit: '0'}, 'JIT', /bpf_jit_enable=1/);
test('no cgroups', limits, {cgroup2: undefined}, 'cgroup2', /mount -t cgroup2/);
test(
	'an old kernel',
	limits,
	{release: '5.4.0', limits: limitsOf('unlimited')},
	'kernel',
	/skep feature/,
);
test(
	'no tracing',
	limits,
	{status: statusOf('0000008000001000'), tracingProgramErrno: EPERM},
	'tracing',
	/CAP_PERFMON/,
);
test(
	'capabilities missing where a token lets it through',
	limits,
	{status: statusOf('0000004000000000')},
	'capabilities',
	/grant it/,
);

const kernel = kernelTest({feature: 'maps and programs', since: '5.15'});

kernel('the facts of this host are read', t => {
	const facts = gatherFacts();
	t.is(facts.mapErrno, 0);
	t.is(facts.packetProgramErrno, 0);
	t.regex(facts.userNamespace ?? '', /^user:\[\d+\]$/);
	t.regex(facts.status, /^CapEff:/m);
});
