/* An event of 64 bytes for each packet: nine fields, and what a packet begins with. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct event {
	__u64 time;
	__u64 cookie;
	__u32 source;
	__u32 destination;
	__u16 source_port;
	__u16 destination_port;
	__u32 length;
	__u32 verdict;
	__u32 ifindex;
};

struct record {
	struct event event;
	__u8 data[24];
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 24);
	__type(value, struct event);
} events SEC(".maps");

__u64 lost;

SEC("xdp")
int send(struct xdp_md *ctx)
{
	struct record *record = bpf_ringbuf_reserve(&events, sizeof(*record), 0);

	if (!record) {
		lost++;
		return XDP_DROP;
	}
	__builtin_memset(record, 1, sizeof(*record));
	record->event.length = ctx->data_end - ctx->data;
	bpf_ringbuf_submit(record, BPF_RB_NO_WAKEUP);
	return XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
