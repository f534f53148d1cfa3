import test from 'ava';
import type {ExecutionContext} from 'ava';
import {makeBpffs} from '../helpers/bpffs.js';
import {cliCommand, skep} from '../helpers/cli.js';
import {compile} from '../helpers/compile.js';
import {kernelTest} from '../helpers/kernel.js';
import {run} from '../helpers/run.js';

const kernel = kernelTest({feature: 'programs with types', since: '5.4'});

const source = `
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 8); __type(key, __u32); __type(value, __u64); } sizes SEC(".maps");
__u64 packets;
const volatile __u32 most = 1500;
static __noinline int record(struct xdp_md *ctx, __u32 size)
{
	__u64 now = bpf_ktime_get_ns();
	if (size > most)
		return bpf_map_update_elem(&sizes, &size, &now, BPF_ANY);
	return ctx->rx_queue_index > 7;
}
static long each(struct bpf_map *map, __u32 *key, __u64 *value, void *ctx)
{
	packets += *value;
	return 0;
}
SEC("xdp") int entry(struct xdp_md *ctx)
{
	__u32 size = ctx->data_end - ctx->data;
	packets++;
	bpf_for_each_map_elem(&sizes, each, 0, 0);
	if (bpf_map_lookup_elem(&sizes, &size))
		return XDP_DROP;
	return record(ctx, size) ? XDP_ABORTED : XDP_PASS;
}
char _license[] SEC("license") = "GPL";
`;

/** The program in the kernel, pinned until the test ends. */
async function pinned(t: ExecutionContext): Promise<string> {
	const bpffs = await makeBpffs(t);
	const {code, err} = await skep('object', 'load', await compile(source), `${bpffs}/own`);
	if (code !== 0) throw new Error(err);
	return `${bpffs}/own/entry`;
}

/** Instructions without what each tool says in its own way: where jumps lead, and which map. */
function instructions(text: string): string[] {
	return text
		.split('\n')
		.filter(line => /^\s*\d+: \(/.test(line))
		.map(line =>
			line
				.trim()
				.replace(/ <[^>]*>$/, '')
				.replace(/#\S+$/, '')
				.replace(/\((85)\) call .*pc\+/, '($1) call pc+')
				.replace(/map\[[^\]]*\]/, 'map[]')
				// Older tools print what is loaded in another way.
				.replace(/subprog\[\+?(-?\d+)\]/, 'func[pc+$1]'),
		);
}

kernel('prog disasm prints translated instructions as bpftool does', async t => {
	const pin = await pinned(t);
	const {code, out} = await skep('prog', 'disasm', pin);
	t.is(code, 0);
	const theirs = await run('bpftool', 'prog', 'dump', 'xlated', 'pinned', pin);
	t.true(instructions(out).length > 30);
	t.deepEqual(instructions(out), instructions(theirs));
});

kernel('prog disasm names functions, maps, helpers and source lines', async t => {
	const {out} = await skep('prog', 'disasm', await pinned(t));
	for (const pattern of [
		/^entry:$/m,
		/^record:$/m,
		/^each:$/m,
		/^; packets\+\+;$/m,
		/\(18\) r\d = map\[sizes\]/,
		/\(18\) r\d = map\[[^\]]*bss\]\[0\]\+0/,
		/\(85\) call bpf_ktime_get_\w+$/m,
		/\(85\) call pc\+\d+ <record>/,
		/\(18\) r\d = func\[pc\+\d+\] <each>/,
	]) {
		t.regex(out, pattern);
	}
});

kernel('prog disasm --jited prints machine code under its source lines', async t => {
	const pin = await pinned(t);
	const {code, out, err} = await skep('prog', 'disasm', pin, '--jited');
	t.deepEqual([code, err], [0, '']);
	t.deepEqual(out.match(/^\w+:$/gm)?.sort(), ['each:', 'entry:', 'record:']);
	t.regex(out, /^; packets\+\+;\n +[\da-f]+: \S/m);
	if (process.arch === 'x64') {
		t.regex(out, /^ +[\da-f]+: (?:ret|jmp .*return_thunk)/m);
		t.regex(out, /^ +[\da-f]+: j\w+ 0x[\da-f]{1,4}$/m);
		t.regex(out, /call\w* 0xffffffff[\da-f]{8} <\w*ktime_get\w*>/);
	}

	const plain = await skep('prog', 'disasm', pin, '--jited', '--no-source');
	t.false(plain.out.includes('; '));
	const json = await skep('prog', 'disasm', pin, '--jited', '-o', 'json');
	const [first, second] = json.out.split('\n').map(line => JSON.parse(line || '{}') as object);
	t.deepEqual(first, {kind: 'function', offset: 0, text: 'entry:'});
	t.like(second, {offset: 0});
});

kernel('prog disasm --jited shows bytes where there is no llvm-objdump', async t => {
	const pin = await pinned(t);
	const [node, ...args] = cliCommand('prog', 'disasm', pin, '--jited');
	const out = await run('/bin/sh', '-c', 'PATH=/nowhere exec "$@" 2>&1', 'sh', node, ...args);
	t.regex(out, /llvm-objdump is not installed: apt-get install llvm; bytes are shown/);
	t.regex(out, /entry:\n +0000 {2}(?:[\da-f]{2} ){16}/);
});

test('prog disasm prints programs of an object, which needs no kernel', async t => {
	const object = await compile(source);
	const {code, out} = await skep('prog', 'disasm', `${object}:entry`);
	t.is(code, 0);
	t.regex(out, /^entry:\n; .*struct xdp_md \*ctx/);
	t.regex(out, /\(18\) r\d = map\[sizes\]/);
	t.regex(out, /\(85\) call bpf_map_lookup_elem#1$/m);
	const none = await skep('prog', 'disasm', `${object}:nothing`);
	t.deepEqual([none.code, /no program "nothing"; it has entry/.test(none.err)], [2, true]);
	const jited = await skep('prog', 'disasm', object, '--jited');
	t.is(jited.code, 2);
});
