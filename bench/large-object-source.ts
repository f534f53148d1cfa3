/** What a large object is made of. */
export interface LargeObject {
	readonly programs: number;
	readonly maps: number;
	/** In each program; some 17 instructions each. */
	readonly lookUps: number;
}

/** As large as those of the largest datapaths: 60,000 instructions, 70 maps. */
export const largest: LargeObject = {programs: 35, maps: 70, lookUps: 100};

/**
 * An object of many programs and maps in C, with what loaders have to work on: types, lines, functions
 * that are called, references to maps, CO-RE relocations. Each program uses all of `mapsEach` maps.
 */
export function largeSource(object: LargeObject, mapsEach = 8): string {
	const {programs, maps} = object;
	const numbers = (count: number) => Array.from({length: count}, (_, i) => i);
	return `
#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
struct task_struct { int pid; int tgid; unsigned int flags; } __attribute__((preserve_access_index));
struct key { __u32 address; __u16 port; __u8 protocol; __u8 pad; };
struct value { __u64 packets; __u64 bytes; __u32 next; __u32 flags; };
${numbers(maps).map(declareMap).join('\n')}
const volatile __u32 seed = 7;
static __noinline __u32 mix(__u32 a, __u32 b)
{
	a ^= b << 7;
	a += a >> 3;
	return a * 31 + bpf_core_field_offset(struct task_struct, tgid);
}
#define LOOK_UP(map)					\\
	value = bpf_map_lookup_elem(&map, &key);	\\
	if (value) {					\\
		value->packets++;			\\
		value->bytes += length;			\\
		key.address ^= value->next;		\\
	}
${numbers(programs)
	.map(program => declareProgram(program, object, mapsEach))
	.join('\n')}
char _license[] SEC("license") = "Dual BSD/GPL";
`;
}

function declareMap(map: number): string {
	return `struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, struct key);
	__type(value, struct value);
} map_${map} SEC(".maps");`;
}

function declareProgram(program: number, {maps, lookUps}: LargeObject, mapsEach: number): string {
	const lines = Array.from({length: lookUps}, (_, i) => {
		const map = (program * 2 + (i % mapsEach)) % maps;
		const mixed = i % 10 === 0 ? '\tkey.address = mix(key.address, length);\n' : '';
		return `${mixed}\tLOOK_UP(map_${map})`;
	});
	return `SEC("tc") int program_${program}(struct __sk_buff *skb)
{
	struct key key = {.address = skb->hash ^ seed, .port = ${program}};
	struct value *value;
	__u32 length = skb->len + bpf_core_field_offset(struct task_struct, flags);

${lines.join('\n')}
	return key.address & 1;
}`;
}
