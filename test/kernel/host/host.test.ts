import {execFileSync} from 'node:child_process';
import {fileURLToPath} from 'node:url';
import test from 'ava';
import {UnsupportedError} from '../../../src/kernel/features/unsupported-error.js';
import {isBpffs, prepareBpffs} from '../../../src/kernel/host/bpffs.js';
import {kernelBtf} from '../../../src/kernel/host/kernel-btf.js';
import {kernelAtLeast, kernelRelease} from '../../../src/kernel/host/kernel-version.js';
import {mountsOf} from '../../../src/kernel/host/mounts.js';
import {explainPermission, hasCapability} from '../../../src/kernel/host/permission.js';
import {makeBpffs} from '../../helpers/bpffs.js';
import {kernelTest} from '../../helpers/kernel.js';

const atLeast = test.macro({
	exec(t, version: string, running: string, expected: boolean) {
		t.is(kernelAtLeast(version, running), expected);
	},
	title: (_, version: string, running: string, expected: boolean) =>
		`${running} is ${expected ? '' : 'not '}at least ${version}`,
});

test(atLeast, '6.6', '6.18.44-fc', true);
test(atLeast, '6.6', '6.6.0', true);
test(atLeast, '6.6', '6.5.13-generic', false);
test(atLeast, '5.9', '6.1.0-18-amd64', true);
test(atLeast, '5.9', '4.19.0', false);
test(atLeast, '5.10', '5.9', false);

test('what a kernel lacks is told with the version that has it', t => {
	const error = new UnsupportedError('attach x', 'tcx links', '6.6', {errno: 22});
	t.is(error.message, `attach x: needs kernel 6.6 for tcx links (this is ${kernelRelease})`);
	t.is(error.code, 'ERR_UNSUPPORTED');
	t.is(error.errno, 22);
	t.regex(new UnsupportedError('a', 'b', undefined).message, /^a: this kernel has no b/);
});

const kernel = kernelTest({feature: 'bpf filesystem', since: '4.4'});

kernel('a bpf filesystem is told from others, and folders are made in it', async t => {
	const folder = await makeBpffs(t);
	t.true(isBpffs(folder));
	t.false(isBpffs('/'));
	t.false(isBpffs('/no/such/folder'));
	t.true(mountsOf('bpf').some(mount => mount.path === folder));
	prepareBpffs(`${folder}/a/b/pin`);
	t.true(isBpffs(`${folder}/a/b`));
	t.throws(
		() => {
			prepareBpffs(`${folder}/a.b/pin`);
		},
		{
			code: 'ERR_BPFFS',
			message: `use pin path "${folder}/a.b/pin": the kernel refuses names with a dot: "a.b"`,
		},
	);
	t.throws(
		() => {
			prepareBpffs('/tmp/pin');
		},
		{code: 'ERR_BPFFS'},
	);
});

kernel('a missing capability is named', t => {
	t.true(hasCapability('bpf'));
	t.regex(explainPermission('bpf'), /a security module may not$/);
	// A child without the capability says which one it lacks.
	const module = fileURLToPath(
		new URL('../../../src/kernel/host/permission.js', import.meta.url),
	);
	const script = `import('${module}').then(m => console.log(m.explainPermission('bpf', 'net_admin')))`;
	const text = execFileSync('setpriv', [
		'--bounding-set=-bpf,-sys_admin',
		'--inh-caps=-bpf,-sys_admin',
		process.execPath,
		'-e',
		script,
	]).toString();
	t.is(text, 'this process lacks CAP_BPF; run it as root or grant the capability\n');
});

const btf = kernelTest({feature: "the kernel's types", since: '5.4'});

btf("the kernel's types are read once and shared", t => {
	const types = kernelBtf();
	t.is(kernelBtf(), types);
	const task = types.find('task_struct', 'struct');
	t.true((task?.size ?? 0) > 1000);
	t.true(task?.members.some(({name}) => name === 'pid'));
	t.is(types.find('no_such_type_at_all'), undefined);
});

test('a kernel without types says so', t => {
	t.throws(() => kernelBtf('/no/such/file'), {code: 'ERR_KERNEL_BTF'});
});
