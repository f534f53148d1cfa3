/* A map of the size and shape of a connection table: what the benchmarks read and write. */

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct flow_key {
	__u32 source;
	__u32 destination;
	__u16 source_port;
	__u16 destination_port;
	__u8 protocol;
	__u8 direction;
	__u16 pad;
};

struct flow {
	__u64 rx_packets;
	__u64 rx_bytes;
	__u64 tx_packets;
	__u64 tx_bytes;
	__u32 lifetime;
	__u32 identity;
	__u32 last_report;
	__u16 rev_nat_index;
	__u8 rx_flags;
	__u8 tx_flags;
	__u8 state;
	__u8 zone;
	__u8 loopback;
	__u8 dsr;
	__u8 proxy;
	__u8 tunnel;
	__u8 rx_closing;
	__u8 tx_closing;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, struct flow_key);
	__type(value, struct flow);
	__uint(max_entries, 1 << 20);
} flows SEC(".maps");

char LICENSE[] SEC("license") = "Dual BSD/GPL";
