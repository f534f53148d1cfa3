/* A program that is fitted to the types of the kernel. */

#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

struct task_struct {
	int pid;
	int tgid;
	struct task_struct *real_parent;
} __attribute__((preserve_access_index));

struct sk_buff {
	unsigned int len;
	unsigned int data_len;
	unsigned short protocol;
} __attribute__((preserve_access_index));

int seen;

SEC("raw_tp/netif_receive_skb")
int relocated(struct bpf_raw_tracepoint_args *ctx)
{
	struct sk_buff *skb = (void *)ctx->args[0];
	struct task_struct *task = (void *)bpf_get_current_task();

	seen = BPF_CORE_READ(task, real_parent, tgid) + BPF_CORE_READ(task, pid);
	seen += BPF_CORE_READ(skb, len) + BPF_CORE_READ(skb, data_len);
	seen += bpf_core_field_size(skb->protocol) + bpf_core_type_exists(struct sk_buff);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
