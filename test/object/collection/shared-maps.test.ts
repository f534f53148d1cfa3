/** Several objects of one application, as loaders in Go and Rust bring them together. */

import {writeFile} from 'node:fs/promises';
import {join} from 'node:path';

import {kernelBtf} from '../../../src/kernel/host/kernel-btf.js';
import {loadCollection} from '../../../src/object/collection/load-collection.js';
import {readObject} from '../../../src/spec/read.js';
import {compile} from '../../helpers/compile.js';
import {kernelTest} from '../../helpers/kernel.js';
import {makeTempFolder} from '../../helpers/temp.js';

const kernel = kernelTest({feature: 'CO-RE', since: '5.4'});

const program = (maps: string, body: string): string => `
	#include <linux/bpf.h>
	#include <bpf/bpf_core_read.h>
	#include <bpf/bpf_helpers.h>
	struct task_struct { int tgid; } __attribute__((preserve_access_index));
	${maps}
	SEC("xdp") int count(struct xdp_md *ctx)
	{
		__u32 key = 0;
		__u64 *value = bpf_map_lookup_elem(&counts, &key);
		if (value)
			*value += ${body};
		return XDP_PASS;
	}
	char _license[] SEC("license") = "Dual BSD/GPL";
`;

const typed = `
	struct {
		__uint(type, BPF_MAP_TYPE_ARRAY);
		__uint(max_entries, 1);
		__type(key, __u32);
		__type(value, __u64);
	} counts SEC(".maps");
`;
const legacy = `
	struct bpf_map_def { __u32 type, key_size, value_size, max_entries, map_flags; };
	struct bpf_map_def counts SEC("maps") = { BPF_MAP_TYPE_ARRAY, 4, 8, 1, 0 };
`;

kernel('objects share a map by replacement, typed or legacy, with types from a file', async t => {
	const targetBtf = join(await makeTempFolder(t), 'kernel.btf');
	await writeFile(targetBtf, kernelBtf().bytes);
	const offset = 'bpf_core_field_offset(struct task_struct, tgid)';
	const [owner, relocated, old] = await Promise.all(
		[program(typed, '1'), program(typed, offset), program(legacy, '10')].map(async source =>
			readObject(await compile(source)),
		),
	);
	if (owner === undefined || relocated === undefined || old === undefined) return t.fail();
	using first = loadCollection(owner);
	const counts = first.map('counts');
	const replaceMaps = {counts};
	using second = loadCollection(relocated, {replaceMaps, targetBtf});
	using third = loadCollection(old, {replaceMaps});
	const data = new Uint8Array(64);
	second.program('count').run({data});
	const added = counts.get(0);
	t.true(typeof added === 'bigint' && added > 8n, String(added));
	for (const each of [first, third, third]) each.program('count').run({data});
	t.is(counts.get(0), (added as bigint) + 21n);
	second.close();
	t.false(counts.closed);
	return undefined;
});
