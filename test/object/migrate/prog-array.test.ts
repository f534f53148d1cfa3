import {readObject} from '../../../src/spec/read.js';
import {openPinnedMap} from '../../../src/object/map/open-map.js';
import {makeBpffs} from '../../helpers/bpffs.js';
import {compile} from '../../helpers/compile.js';
import {kernelTest} from '../../helpers/kernel.js';
import {load, pinsIn} from './objects.js';

const kernel = kernelTest({feature: 'program arrays', since: '4.13'});

async function tailCalls(verdict: string, ring = 4096) {
	return readObject(
		await compile(`
			#include <linux/bpf.h>
			#include <bpf/bpf_helpers.h>
			int target(struct xdp_md *ctx);
			struct {
				__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
				__uint(max_entries, 2);
				__uint(pinning, LIBBPF_PIN_BY_NAME);
				__uint(key_size, 4);
				__array(values, int(struct xdp_md *));
			} jumps SEC(".maps") = {.values = {[0] = &target}};
			struct {
				__uint(type, BPF_MAP_TYPE_RINGBUF);
				__uint(max_entries, ${ring});
				__uint(pinning, LIBBPF_PIN_BY_NAME);
			} ring SEC(".maps");
			SEC("xdp") int target(struct xdp_md *ctx) { return ${verdict}; }
			SEC("xdp") int entry(struct xdp_md *ctx)
			{
				int *sample = bpf_ringbuf_reserve(&ring, 4, 0);
				if (sample)
					bpf_ringbuf_discard(sample, 0);
				bpf_tail_call(ctx, &jumps, 0);
				return XDP_ABORTED;
			}
			char _license[] SEC("license") = "GPL";
		`),
	);
}

kernel(
	'a pinned program array is never filled anew: its successor takes the pin at commit',
	async t => {
		const pinRoot = await makeBpffs(t);
		const old = load(t, await tailCalls('XDP_DROP'), {pinRoot});
		t.deepEqual(
			old.pins.map(({how}) => how),
			['created', 'created'],
		);
		const made = load(t, await tailCalls('XDP_TX'), {pinRoot});
		t.deepEqual(
			made.uncommitted.map(({name, how}) => [name, how]),
			[['jumps', 'replaced']],
		);
		// Old and new each jump to their own.
		t.is(old.program('entry').run().verdict, 'drop');
		t.is(made.program('entry').run().verdict, 'tx');
		for (const program of Object.values(old.programs)) program.close();
		t.deepEqual(await made.commit(), []);
		t.deepEqual(pinsIn(pinRoot), ['jumps', 'ring']);
		using after = openPinnedMap(`${pinRoot}/jumps`);
		t.is(after.info.id, made.map('jumps').info.id);
		old.close();
		t.is(made.program('entry').run().verdict, 'tx');
	},
);

async function loop(fields: string) {
	return readObject(
		await compile(`
			#include <linux/bpf.h>
			#include <bpf/bpf_helpers.h>
			int again(struct xdp_md *ctx);
			struct {
				__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
				__uint(max_entries, 2);
				__uint(pinning, LIBBPF_PIN_BY_NAME);
				__uint(key_size, 4);
				__array(values, int(struct xdp_md *));
			} loop SEC(".maps") = {.values = {[1] = &again}};
			struct count { ${fields} };
			struct {
				__uint(type, BPF_MAP_TYPE_ARRAY);
				__uint(max_entries, 1);
				__type(key, __u32);
				__type(value, struct count);
				__uint(pinning, LIBBPF_PIN_BY_NAME);
			} counts SEC(".maps");
			SEC("xdp") int again(struct xdp_md *ctx)
			{
				__u32 zero = 0;
				struct count *count = bpf_map_lookup_elem(&counts, &zero);
				if (count && ++count->runs % 3 == 0)
					return XDP_DROP;
				bpf_tail_call(ctx, &loop, 1);
				return XDP_ABORTED;
			}
			SEC("xdp") int entry(struct xdp_md *ctx)
			{
				bpf_tail_call(ctx, &loop, 1);
				return XDP_ABORTED;
			}
			char _license[] SEC("license") = "GPL";
		`),
	);
}

kernel('programs that only their own array keeps do not hold up its successor', async t => {
	const pinRoot = await makeBpffs(t);
	const old = load(t, await loop('__u64 runs;'), {pinRoot});
	t.is(old.program('entry').run().verdict, 'drop');
	const made = load(t, await loop('__u64 extra; __u64 runs;'), {pinRoot, onMismatch: 'migrate'});
	t.deepEqual(made.uncommitted.map(({name, how}) => [name, how]).sort(), [
		['counts', 'migrated'],
		['loop', 'replaced'],
	]);
	// As long as somebody might run them, they do.
	await t.throwsAsync(made.commit({timeout: 0}), {message: /still use/, code: 'ERR_MIGRATION'});
	old.close();
	const [report] = await made.commit();
	t.is(report?.map, 'counts');
	t.deepEqual(made.map('counts').get(0), {extra: 0n, runs: 3n});
	t.is(made.program('entry').run().verdict, 'drop');
	t.deepEqual(made.map('counts').get(0), {extra: 0n, runs: 6n});
	t.deepEqual(pinsIn(pinRoot), ['counts', 'loop']);
});

kernel('a ring buffer of another size takes its place empty', async t => {
	const pinRoot = await makeBpffs(t);
	load(t, await tailCalls('XDP_DROP'), {pinRoot}).close();
	const spec = await tailCalls('XDP_DROP', 16_384);
	t.throws(() => load(t, spec, {pinRoot}), {
		message: /maxEntries is 4096, the object wants 16384; choose 'migrate', 'recreate'/,
	});
	t.deepEqual(pinsIn(pinRoot), ['jumps', 'ring']);
	const made = load(t, spec, {pinRoot, onMismatch: 'migrate'});
	t.deepEqual(made.pins.map(({name, how}) => [name, how]).sort(), [
		['jumps', 'replaced'],
		['ring', 'replaced'],
	]);
	await made.commit();
	using ring = openPinnedMap(`${pinRoot}/ring`);
	t.is(ring.info.maxEntries, 16_384);
});

kernel('a ring buffer is compared by the size that the kernel rounds it to', async t => {
	const pinRoot = await makeBpffs(t);
	load(t, await tailCalls('XDP_DROP', 3 * 4096), {pinRoot}).close();
	const made = load(t, await tailCalls('XDP_DROP', 3 * 4096), {pinRoot});
	t.is(made.pins.find(({name}) => name === 'ring')?.how, 'opened');
	t.is(made.map('ring').info.maxEntries, 16_384);
});
