// SPDX-License-Identifier: Apache-2.0
//
// Makes frames for a forwarder: run by BPF_PROG_TEST_RUN with live frames, it fills one in and sends it out of an interface.
//
// A run goes through all flows in an order that looks random, again and again: each flow has one packet in a round. All
// headers are written each time, since a page comes back as its last user left it.

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/tcp.h>
#include <linux/types.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define FIRST_PORT 1024
#define TTL 64

// Counterpart of src/peers/wire/generator.rs.
struct generator {
	// Flows less one; their number is a power of two.
	__u64 flow_mask;
	// Between two frames; 0: as fast as it goes.
	__u64 gap_ns;
	// After the generator was held up, what it is behind by more than this is not sent later.
	__u64 max_lag_ns;
	// Frames to send, then no more.
	__u64 limit;
	// Frames whose number has none of these bits carry the time.
	__u64 stamp_mask;
	__be32 first_source;
	__be32 destination;
	__u32 interface;
	__be16 port;
	__u8 tcp_flags;
	__u8 destination_mac[ETH_ALEN];
	__u8 source_mac[ETH_ALEN];
	__u8 unused[5];
	// Written by the program.
	__u64 sent;
	__u64 due_ns;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct generator);
} generators SEC(".maps");

struct frame {
	struct ethhdr ethernet;
	struct iphdr ip;
	struct tcphdr tcp;
	__u8 padding[6];
} __attribute__((packed));

// Multiplying by an odd number and folding the high half down can both be undone, and so all numbers below a power
// of two come out once. The round moves the order on.
static __always_inline __u64 flow_of(const struct generator *to, __u64 number)
{
	__u64 mask = to->flow_mask;
	__u64 round = number & ~mask;
	__u64 flow = (number * 0x2545f491 + (round >> 7)) & mask;

	flow ^= flow >> 9;
	flow = (flow * 0x1b873593) & mask;
	flow ^= flow >> 7;
	return flow;
}

static __always_inline __u16 fold(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

static __always_inline void fill(const struct generator *to, struct frame *frame, __u64 number)
{
	__u64 flow = flow_of(to, number);
	// 64k sources, and a port for each time they are through.
	__be32 source = bpf_htonl(bpf_ntohl(to->first_source) + (flow & 0xffff));
	__u64 stamp = number & to->stamp_mask ? 0 : bpf_ktime_get_ns();

	__builtin_memcpy(frame->ethernet.h_dest, to->destination_mac, ETH_ALEN);
	__builtin_memcpy(frame->ethernet.h_source, to->source_mac, ETH_ALEN);
	frame->ethernet.h_proto = bpf_htons(ETH_P_IP);

	frame->ip = (struct iphdr){
		.version = 4,
		.ihl = 5,
		.tot_len = bpf_htons(sizeof(frame->ip) + sizeof(frame->tcp)),
		.ttl = TTL,
		.protocol = IPPROTO_TCP,
		.saddr = source,
		.daddr = to->destination,
	};
	frame->ip.check = fold(bpf_htons(0x4500) + frame->ip.tot_len + bpf_htons(TTL << 8 | IPPROTO_TCP) +
			       (source & 0xffff) + (source >> 16) + (to->destination & 0xffff) +
			       (to->destination >> 16));

	frame->tcp = (struct tcphdr){
		.source = bpf_htons(FIRST_PORT + (flow >> 16)),
		.dest = to->port,
		.doff = 5,
	};
	((__u8 *)&frame->tcp)[13] = to->tcp_flags;
	// Nobody on the way looks at the sequence numbers, nor at the checksum over them.
	__builtin_memcpy(&frame->tcp.seq, &stamp, sizeof(stamp));
}

SEC("xdp")
int generate(struct xdp_md *ctx)
{
	struct frame *frame = (void *)(long)ctx->data;
	struct generator *to;
	__u32 only = 0;

	to = bpf_map_lookup_elem(&generators, &only);
	if (!to || (void *)(frame + 1) > (void *)(long)ctx->data_end || to->sent >= to->limit)
		return XDP_DROP;
	if (to->gap_ns) {
		__u64 now = bpf_ktime_get_ns();

		if (now < to->due_ns)
			return XDP_DROP;
		to->due_ns += to->gap_ns;
		if (to->due_ns + to->max_lag_ns < now)
			to->due_ns = now;
	}
	fill(to, frame, to->sent++);
	return bpf_redirect(to->interface, 0);
}

char LICENSE[] SEC("license") = "Apache-2.0";
