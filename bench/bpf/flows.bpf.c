/* A map of the size and shape of a connection table: what the benchmarks read and write: keys of
 * 16 bytes, values of 56, 18 fields in all. */

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct flow_key {
	__u32 source;
	__u32 destination;
	__u16 source_port;
	__u16 destination_port;
	__u8 protocol;
	__u8 direction;
};

struct flow {
	__u64 rx_packets;
	__u64 rx_bytes;
	__u64 tx_packets;
	__u64 tx_bytes;
	__u32 lifetime;
	__u32 identity;
	__u32 rx_report;
	__u32 tx_report;
	__u16 rev_nat_index;
	__u16 flags;
	__u16 backend;
	__u16 zone;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, struct flow_key);
	__type(value, struct flow);
	__uint(max_entries, 1 << 20);
} flows SEC(".maps");

char LICENSE[] SEC("license") = "Dual BSD/GPL";
