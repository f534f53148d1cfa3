/** What the kernel makes of an object is the same whoever loads it: skep, or bpftool by libbpf. */

import {readFile} from 'node:fs/promises';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import {loadCollection} from '../../src/object/collection/load-collection.js';
import type {Collection} from '../../src/object/collection/collection.js';
import {parseObject, readObject} from '../../src/spec/read.js';
import {makeBpffs} from '../helpers/bpffs.js';
import {compile, fixtureObject} from '../helpers/compile.js';
import {kernelTest} from '../helpers/kernel.js';
import {run} from '../helpers/run.js';
import {makeTempFolder} from '../helpers/temp.js';

const kernel = kernelTest({feature: 'kfuncs of tasks', since: '6.2'});

/** The translated code of every program, by name, with numbers of kernel objects taken out. */
type Dumps = Record<string, string>;

const separator = '----';

async function byBpftool(object: string): Promise<Dumps> {
	// Maps that an object wants pinned go to /sys/fs/bpf: one of this call's own.
	const script = `mount -t bpf bpf /sys/fs/bpf && bpftool prog loadall '${object}' /sys/fs/bpf/x >&2 && for pin in /sys/fs/bpf/x/*; do echo "${separator}$(basename "$pin")"; bpftool prog dump xlated pinned "$pin"; done`;
	const text = await run('unshare', '-m', 'sh', '-c', script);
	const dumps: Dumps = {};
	for (const part of text.split(separator).slice(1)) {
		const end = part.indexOf('\n');
		dumps[part.slice(0, end)] = withoutNumbers(part.slice(end));
	}

	return dumps;
}

async function bySkep(collection: Collection): Promise<Dumps> {
	const dumps: Dumps = {};
	for (const [name, program] of Object.entries(collection.programs)) {
		const id = String(program.info().id);
		dumps[name] = withoutNumbers(await run('bpftool', 'prog', 'dump', 'xlated', 'id', id));
	}

	return dumps;
}

/** Maps and subprograms are numbered by the kernel, each time anew; addresses as they come. */
function withoutNumbers(dump: string): string {
	const maps: string[] = [];
	const withMaps = dump.replace(/map\[id:(\d+)\]/g, (_, id: string) => {
		if (!maps.includes(id)) maps.push(id);
		return `map[${maps.indexOf(id)}]`;
	});
	return withMaps.replace(/0x[0-9a-f]{9,}|bpf_prog_[0-9a-f]{16}/g, 'some').trim();
}

async function compare(t: ExecutionContext, object: string): Promise<void> {
	const pinRoot = await makeBpffs(t);
	using collection = loadCollection(await readObject(object), {pinRoot});
	const ours = await bySkep(collection);
	t.deepEqual(ours, await byBpftool(object));
	t.true(Object.values(ours).every(dump => dump.length > 20));
}

const same = test.macro({
	async exec(t, fixture: string) {
		await compare(t, await fixtureObject(fixture));
	},
	title: (_, fixture) => `${fixture} becomes the same programs`,
});

for (const name of ['calls', 'globals', 'maps']) {
	kernel(same, `kernel/${name}`);
}

/** Of kernels since 6.15, libbpf 1.1 takes no function that has or returns a pointer. */
const externs = `
	#include <linux/bpf.h>
	#include <bpf/bpf_helpers.h>
	extern int LINUX_KERNEL_VERSION __kconfig;
	extern unsigned long CONFIG_HZ __kconfig;
	extern _Bool CONFIG_BPF_SYSCALL __kconfig;
	extern char CONFIG_DEFAULT_HOSTNAME[16] __kconfig __weak;
	extern long CONFIG_OF_NO_KERNEL __kconfig __weak;
	extern const void _stext __ksym;
	extern const void of_no_kernel __ksym __weak;
	extern const int typed_of_no_kernel __ksym __weak;
	extern void bpf_rcu_read_lock(void) __ksym;
	extern void bpf_rcu_read_unlock(void) __ksym;
	extern int bpf_of_no_kernel(void) __ksym __weak;
	SEC("tc") long entry(void *skb) {
		long sum = (long)&_stext + (long)&of_no_kernel + (long)&typed_of_no_kernel;
		bpf_rcu_read_lock();
		bpf_rcu_read_unlock();
		if (bpf_of_no_kernel)
			sum += bpf_of_no_kernel();
		return sum + LINUX_KERNEL_VERSION + CONFIG_HZ + CONFIG_BPF_SYSCALL +
		       CONFIG_DEFAULT_HOSTNAME[1] + CONFIG_OF_NO_KERNEL;
	}
	char _license[] SEC("license") = "GPL";
`;

kernel('settings, symbols and functions of the kernel become the same program', async t => {
	await compare(t, await compile(externs));
});

kernel('two files that a linker made one become the same programs', async t => {
	const linked = join(await makeTempFolder(t), 'linked.bpf.o');
	const parts = await Promise.all(
		['linked/uses', 'linked/defines'].map(async name => fixtureObject(name)),
	);
	await run('bpftool', 'gen', 'object', linked, ...parts);
	await compare(t, linked);
	using collection = loadCollection(await readObject(linked));
	// The weak function gave way to the other.
	t.is(collection.program('entry').run({data: new Uint8Array(64)}).returnValue, 5 + 64 * 2);
});

kernel('half of a linked object names what it misses', async t => {
	const bytes = await readFile(await fixtureObject('linked/uses'));
	t.throws(() => parseObject(bytes), {
		message:
			/^link program "entry": instruction \d+ uses extern "common", which nothing defines: neither __kconfig nor __ksym$/,
	});
});
