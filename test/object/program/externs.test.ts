import {readFileSync} from 'node:fs';
import {constants} from 'node:os';
import test from 'ava';
import {Btf} from '../../../src/format/btf/btf.js';
import {VerifierError} from '../../../src/format/log/verifier-error.js';
import {kernelBtf, KernelBtfError} from '../../../src/kernel/host/kernel-btf.js';
import {KernelSymbolError} from '../../../src/kernel/host/kernel-symbols.js';
import {kernelVersionCode} from '../../../src/kernel/host/kernel-version.js';
import {addon} from '../../../src/kernel/sys/addon.js';
import {objectFdById, objectIds} from '../../../src/kernel/sys/object.js';
import {programLoad} from '../../../src/kernel/sys/program.js';
import {SyscallError} from '../../../src/kernel/sys/syscall-error.js';
import type {ModuleTypes} from '../../../src/object/btf/module-types.js';
import {loadCollection} from '../../../src/object/collection/load-collection.js';
import {
	applyExterns,
	ExternResolver,
	type ExternSources,
} from '../../../src/object/program/externs.js';
import {ProgramError} from '../../../src/object/program/program-error.js';
import {loadProgram} from '../../../src/object/program/load-program.js';
import {parseObject} from '../../../src/spec/read.js';
import type {ProgramSpec} from '../../../src/spec/types.js';
import {decodeInstructions} from '../../../src/format/asm/codec.js';
import {Types} from '../../format/btf/types.js';
import {kernelTest} from '../../helpers/kernel.js';
import {loadFixture} from '../../helpers/load.js';
import {object, objectOf} from '../../spec/corpus.js';

const kernel = kernelTest({feature: 'kfuncs of tasks', since: '6.2'});

kernel('settings and symbols of the running kernel arrive in a program', async t => {
	const collection = await loadFixture(t, 'kernel/externs');
	collection.program('settings').run();
	collection.program('symbols').run();
	const value = (name: string): unknown => collection.variable(name).get();
	t.is(value('version'), kernelVersionCode());
	t.is(value('choices'), 1 | (1 << 4) | (0x79 << 8) | (3 << 16));
	t.is(value('hertz'), value('CONFIG_HZ'));
	t.is(value('CONFIG_OF_NO_KERNEL'), 0);
	t.deepEqual(value('compiler'), value('CONFIG_CC_VERSION_TEXT'));
	const address = /^(\w+) \w _stext$/m.exec(readFileSync('/proc/kallsyms', 'latin1'))?.[1];
	t.is(value('text_address'), BigInt(`0x${address}`));
	t.is(value('found'), 32);
});

kernel('a variable of the kernel has the type that the kernel says', async t => {
	const spec = parseObject(await object('externs', [], 'kernel'));
	let collection;
	try {
		collection = loadCollection(spec, {programs: ['variable']});
	} catch (error) {
		// A kernel that keeps addresses of functions only knows its type all the same.
		if (!(error instanceof VerifierError)) throw error;
		t.regex(error.reason, /^ldimm64 failed to find the address for kernel symbol/);
		t.is(
			error.hint,
			'the kernel has no addresses of data: it was built without CONFIG_KALLSYMS_ALL',
		);
		return;
	}

	t.teardown(() => collection.close());
	t.is(collection.program('variable').run().returnValue, 1);
});

kernel('an override goes before what the kernel says', async t => {
	const collection = await loadFixture(t, 'kernel/externs', {
		settings: {CONFIG_HZ: 12, CONFIG_BPF_SYSCALL: false, LINUX_KERNEL_VERSION: 7},
	});
	collection.program('settings').run();
	t.is(collection.variable('hertz').get(), 12n);
	t.is(collection.variable('version').get(), 7);
	t.is((collection.variable('choices').get() as number) & 1, 0);
});

kernel(
	'a call of what the kernel does not have is refused by name where it is reached',
	async t => {
		const spec = parseObject(await object('externs', [], 'kernel'));
		const error = t.throws(() => loadCollection(spec, {programs: ['calls_absent']}), {
			instanceOf: VerifierError,
		});
		t.regex(
			error.message,
			/: calls kernel function "bpf_of_no_kernel", which this kernel does not have at .*:\d+$/,
		);
		t.false(error.log.some(line => line.includes('unknown#')));
	},
);

kernel('a program that is loaded by itself finds its externs', async t => {
	const {programs} = parseObject(
		await objectOf(`
			struct task_struct;
			extern struct task_struct *bpf_task_from_pid(int pid) __ksym;
			extern void bpf_task_release(struct task_struct *task) __ksym;
			SEC("tc") int entry(struct __sk_buff *skb) {
				struct task_struct *task = bpf_task_from_pid(2);
				if (!task) return 1;
				bpf_task_release(task);
				return 2;
			}
			char _license[] SEC("license") = "GPL";
		`),
	);
	using program = loadProgram(programs['entry'] as ProgramSpec);
	t.is(program.run().returnValue, 2);
});

const missing = test.macro({
	async exec(t, declaration: string, use: string, detail: string) {
		const {programs} = parseObject(
			await objectOf(`${declaration}; SEC("tc") long entry(void *skb) { return ${use}; }`),
		);
		t.throws(() => loadProgram(programs['entry'] as ProgramSpec), {
			instanceOf: ProgramError,
			message: `load program "entry": it uses kernel ${detail}`,
		});
	},
	title: (_, __, ___, detail: string) => `refused: ${detail}`,
});

kernel(
	missing,
	'extern int bpf_of_no_kernel(void) __ksym',
	'bpf_of_no_kernel()',
	'function "bpf_of_no_kernel": this kernel has no such function',
);
kernel(
	missing,
	'extern int bpf_of_no_kernel(void) __ksym; extern const void of_none __ksym',
	'bpf_of_no_kernel() + (long)&of_none + bpf_of_no_kernel()',
	'function "bpf_of_no_kernel": this kernel has no such function; also missing: "of_none"',
);
kernel(
	missing,
	'extern int bpf_task_from_pid(int pid, int more) __ksym',
	'bpf_task_from_pid(1, 2)',
	'function "bpf_task_from_pid": the kernel\'s has other parameters',
);
kernel(
	missing,
	'extern const int of_no_kernel __ksym',
	'(long)&of_no_kernel',
	'symbol "of_no_kernel": this kernel has no such variable with a type',
);
kernel(
	missing,
	'extern const void of_no_kernel __ksym',
	'(long)&of_no_kernel',
	'symbol "of_no_kernel": this kernel has no such symbol',
);

/** A kernel of one function and one module with another, which this machine may not have. */
function fakeKernel(): {sources: ExternSources; module: ModuleTypes; function: number} {
	const declare = (types: Types, name: string): number => {
		const proto = types.add({
			kind: 'func_proto',
			name: '',
			returnTypeId: types.u32,
			parameters: [],
		});
		return types.add({kind: 'func', name, typeId: proto, linkage: 'global'});
	};
	const base = new Types();
	const id = declare(base, 'in_kernel');
	const btf = base.parse();
	const more = new Types({base: btf});
	declare(more, 'in_module');
	const fd = {number: 77, close: () => undefined};
	const module = {name: 'other', btf: Btf.parse(more.builder.build(), {base: btf}), fd};
	const sources = {kernel: () => btf, modules: () => [module], address: () => undefined};
	return {sources, module, function: id};
}

async function callers(): Promise<ProgramSpec> {
	const {programs} = parseObject(
		await objectOf(`
			extern int in_kernel(void) __ksym;
			extern int in_module(void) __ksym __weak;
			extern int nowhere(void) __ksym __weak;
			SEC("tc") int entry(void *skb) {
				if (!in_module) return 0;
				return in_module() + in_kernel() + nowhere();
			}
		`),
	);
	return programs['entry'] as ProgramSpec;
}

test('functions of modules are called by descriptor and index, those of the kernel without', async t => {
	const spec = await callers();
	const {sources, module, function: id} = fakeKernel();
	const instructions = spec.instructions.slice();
	const descriptors = applyExterns(instructions, spec, new ExternResolver(sources));
	t.deepEqual([...new Int32Array(descriptors?.buffer ?? new ArrayBuffer(0))], [0, 77]);
	const moduleId = module.btf.find('in_module', 'func')?.id;
	const decoded = [...decodeInstructions(instructions)];
	const calls = decoded.filter(({opcode}) => opcode === 0x85);
	t.deepEqual(
		calls.map(({src, offset, imm}) => [src, offset, imm]),
		[
			[2, 1, moduleId],
			[2, 0, id],
			[0, 0, 0x7e_00_00_03],
		],
	);
	const load = decoded.find(({opcode}) => opcode === 0x18);
	t.like(load, {src: 3, imm: moduleId});
});

test('a weak function is absent where modules cannot be read, a strong one says so', async t => {
	const spec = await callers();
	const strong = {
		...spec,
		externs: spec.externs.map(use => ({...use, extern: {...use.extern, weak: false}})),
	};
	const unreadable = {
		...fakeKernel().sources,
		modules: () => {
			throw new SyscallError('btf_get_next_id', constants.errno.EPERM);
		},
	};
	const sources = {
		...fakeKernel().sources,
		kernel: () => {
			throw new KernelBtfError('the kernel has no types');
		},
	};
	const apply = (program: ProgramSpec, from: ExternSources) =>
		applyExterns(program.instructions.slice(), program, new ExternResolver(from));
	t.throws(() => apply(strong, sources), {
		message:
			'load program "entry": it uses kernel function "in_module": the kernel has no types',
	});
	t.throws(() => apply(spec, sources), {message: /"in_kernel": the kernel has no types$/});
	t.notThrows(() => apply(spec, unreadable));
	t.throws(() => apply(strong, unreadable), {
		message:
			/"in_module": this kernel has no such function, and its modules cannot be read \(btf_get_next_id: .*EPERM.*\)/,
	});
});

test('an address that is hidden is absent where it is weak', async t => {
	const {programs} = parseObject(
		await objectOf(`
			extern const void hidden __ksym __weak;
			SEC("tc") long entry(void *skb) { return (long)&hidden; }
		`),
	);
	const spec = programs['entry'] as ProgramSpec;
	const sources = {
		...fakeKernel().sources,
		address: () => {
			throw new KernelSymbolError('addresses are hidden');
		},
	};
	const instructions = spec.instructions.slice();
	applyExterns(instructions, spec, new ExternResolver(sources));
	t.like([...decodeInstructions(instructions)][0], {opcode: 0x18, src: 0, imm: 0});
});

kernel('the kernel reads the descriptors that calls refer to by index', t => {
	const id = objectIds('btf').next().value as number;
	const fd = objectFdById('btf', id);
	t.teardown(() => addon.closeFd(fd));
	const types = kernelBtf();
	const instructions = new Uint8Array(16);
	const view = new DataView(instructions.buffer);
	view.setUint8(0, 0x85);
	view.setUint8(1, 2 << 4);
	view.setInt16(2, 1, true);
	view.setInt32(4, types.find('bpf_task_release', 'func')?.id ?? 0, true);
	view.setUint8(8, 0x95);
	const log = new Uint8Array(4096);
	const load = (count: number) =>
		programLoad({
			type: 3,
			instructions,
			license: 'GPL',
			name: 'test',
			flags: 0,
			attachType: 0,
			logLevel: 1,
			log,
			descriptors: new Uint8Array(Int32Array.from({length: count}, () => fd).buffer),
		});
	t.true(load(2).result < 0);
	t.regex(Buffer.from(log).toString(), /BTF fd for kfunc is not a module BTF/);
	t.throws(() => load(1), {message: /pointer at 120: 4 bytes, the kernel uses 8/});
});
