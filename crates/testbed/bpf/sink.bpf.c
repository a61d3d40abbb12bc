// SPDX-License-Identifier: Apache-2.0
//
// Where forwarded frames end: counts them, and how long those that carry a time were under way.

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/tcp.h>
#include <linux/types.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

// Counterpart of src/peers/wire/sink.rs. The last one takes what took longer.
#define MICROSECONDS 16384

struct seen {
	__u64 frames;
	// Not of the generator.
	__u64 others;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct seen);
} seen SEC(".maps");

// Stamped frames by the microseconds that they were under way.
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, MICROSECONDS);
	__type(key, __u32);
	__type(value, __u64);
} under_way SEC(".maps");

struct frame {
	struct ethhdr ethernet;
	struct iphdr ip;
	struct tcphdr tcp;
} __attribute__((packed));

static __always_inline void time(__u64 stamp)
{
	__u64 took_us = (bpf_ktime_get_ns() - stamp) / 1000;
	__u32 bucket = took_us < MICROSECONDS ? took_us : MICROSECONDS - 1;
	__u64 *count = bpf_map_lookup_elem(&under_way, &bucket);

	if (count)
		++*count;
}

SEC("xdp")
int sink(struct xdp_md *ctx)
{
	struct frame *frame = (void *)(long)ctx->data;
	struct seen *counts;
	__u32 only = 0;
	__u64 stamp;

	counts = bpf_map_lookup_elem(&seen, &only);
	if (!counts)
		return XDP_DROP;
	if ((void *)(frame + 1) > (void *)(long)ctx->data_end || frame->ethernet.h_proto != bpf_htons(ETH_P_IP) ||
	    frame->ip.protocol != IPPROTO_TCP) {
		counts->others++;
		return XDP_DROP;
	}
	counts->frames++;
	__builtin_memcpy(&stamp, &frame->tcp.seq, sizeof(stamp));
	if (stamp)
		time(stamp);
	return XDP_DROP;
}

char LICENSE[] SEC("license") = "Apache-2.0";
