import {loadCollection} from '../../../src/object/collection/load-collection.js';
import {parseObject} from '../../../src/spec/read.js';
import {SpecError} from '../../../src/spec/spec-error.js';
import {kernelTest} from '../../helpers/kernel.js';
import {objectOf} from '../../spec/corpus.js';

const kernel = kernelTest({feature: 'arenas', since: '6.9'});

const source = (extra = '') => `
	struct {
		__uint(type, 33);
		__uint(map_flags, BPF_F_MMAPABLE);
		__uint(max_entries, 2);
		${extra}
	} arena SEC(".maps");
	extern void *bpf_arena_alloc_pages(void *map, void *at, __u32 count, int node, __u64 flags) __ksym;
	extern void bpf_arena_free_pages(void *map, void *page, __u32 count) __ksym;
	SEC("syscall") int entry(void *ctx) {
		void *page = bpf_arena_alloc_pages(&arena, 0, 1, -1, 0);
		if (!page) return 1;
		bpf_arena_free_pages(&arena, page, 1);
		return 2;
	}
	char _license[] SEC("license") = "GPL";
`;

kernel('a program takes pages from an arena and gives them back', async t => {
	using collection = loadCollection(parseObject(await objectOf(source())));
	const {arena} = collection.maps;
	t.like(arena?.info, {type: 'arena', keySize: 0, valueSize: 0, maxEntries: 2});
	t.is(arena?.info.extra, 1n << 44n);
	t.is(collection.program('entry').run().returnValue, 2);
});

kernel('an arena is where the object says', async t => {
	const place = '__uint(map_extra, 0x10000000);';
	using collection = loadCollection(parseObject(await objectOf(source(place))));
	t.is(collection.map('arena').info.extra, 0x1000_0000n);
});

kernel('variables in an arena are refused by name', async t => {
	const bytes = await objectOf(`
		int number SEC(".addr_space.1") = 1;
		SEC("xdp") int entry(void *ctx) { return number; }
	`);
	t.throws(() => parseObject(bytes), {
		instanceOf: SpecError,
		message:
			'read object "object": section ".addr_space.1" is not supported: variables in an arena',
	});
});
