/* A long program: about a thousand look-ups in a row, 24,000 instructions. */

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, 1024);
} numbers SEC(".maps");

#define STEP                                                                                       \
	key = sum ^ __COUNTER__;                                                                   \
	value = bpf_map_lookup_elem(&numbers, &key);                                               \
	if (value) {                                                                               \
		sum += *value;                                                                     \
		sum ^= sum << 7;                                                                   \
		sum += sum >> 3;                                                                   \
		sum ^= sum << 11;                                                                  \
		sum += sum >> 5;                                                                   \
		sum *= 31;                                                                         \
		*value = sum;                                                                      \
	}
#define STEPS_10 STEP STEP STEP STEP STEP STEP STEP STEP STEP STEP
#define STEPS_100                                                                                  \
	STEPS_10 STEPS_10 STEPS_10 STEPS_10 STEPS_10 STEPS_10 STEPS_10 STEPS_10 STEPS_10 STEPS_10

SEC("xdp")
int large(struct xdp_md *ctx)
{
	__u64 sum = ctx->rx_queue_index;
	__u64 *value;
	__u32 key;

	STEPS_100 STEPS_100 STEPS_100 STEPS_100 STEPS_100
	STEPS_100 STEPS_100 STEPS_100 STEPS_100
	return sum & 1 ? XDP_PASS : XDP_DROP;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
