import test from 'ava';
import {disassembleSpec} from '../../src/spec/disassemble-program.js';
import {readObject} from '../../src/spec/read.js';
import {compile} from '../helpers/compile.js';

test('a program of an object is told with its functions, lines and kernel functions', async t => {
	const {programs} = await readObject(
		await compile(`
			#include <linux/bpf.h>
			#include <bpf/bpf_helpers.h>
			extern int bpf_skep_try(int x) __attribute__((section(".ksyms")));
			static __noinline int twice(int x) { return x * 2 + bpf_skep_try(x); }
			SEC("xdp") int entry(struct xdp_md *ctx) { return twice(ctx->data); }
			char _license[] SEC("license") = "GPL";
		`),
	);
	const lines = programs['entry'] === undefined ? [] : disassembleSpec(programs['entry']);
	const texts = lines.map(({text}) => text);
	t.deepEqual(
		lines.filter(({kind}) => kind === 'function').map(({text}) => text),
		['entry:', 'twice:'],
	);
	t.true(texts.some(text => text.endsWith('(85) call bpf_skep_try')));
	t.true(texts.some(text => /\(85\) call pc\+\d+ <twice>$/.test(text)));
	t.true(texts.some(text => text.startsWith('; ') && text.includes('twice(ctx->data)')));
});
