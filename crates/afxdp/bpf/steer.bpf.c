// SPDX-License-Identifier: Apache-2.0
//
// Steering: sends packets for a VIP to the AF_XDP socket of the queue on which they came in, and leaves everything
// else to the kernel.
//
// The rule between this program and the walk: what is passed here, the walk would have punted; what the walk forwards
// or drops, is redirected here. Redirecting too much costs time, since the walk hands such packets back; passing too
// much breaks connections and counters. So everything for a VIP that is not plainly the kernel's goes to the walk:
// fragments, ICMP errors, and every packet whose headers are wrong, so that it is dropped and counted there.
//
// The headers are judged in the order of the crate evenkeel-packet.

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/types.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "maps.h"

// VLAN tags that are looked behind, and extension headers that are followed.
#define MAX_TAGS 2
#define MAX_EXTENSIONS 8

// Not all of these are in a kernel header that leaves libc alone.
#define MORE_FRAGMENTS_OR_OFFSET 0x3fff
#define ICMP4_DEST_UNREACH 3
#define ICMP4_TIME_EXCEEDED 11
#define ICMP4_PARAMETER_PROBLEM 12
#define ICMP6_FIRST_ERROR 1
#define ICMP6_LAST_ERROR 4

enum decision { KERNEL, WORKER };

// Does a service of this VIP take the packet? Ports are in wire order, and 0 for protocols without.
static __always_inline enum decision classify(const struct vip *vip, __u32 all_ports, __u8 protocol, __be16 port)
{
	struct port_key key = { .port = port, .protocol = protocol };

	if (vip->serves & (all_ports | SERVES_UNSURE))
		return WORKER;
	for (__u32 i = 0; i < MAX_PORT_LISTS; i++) {
		if (i >= vip->list_count)
			break;
		key.list = vip->lists[i];
		if (bpf_map_lookup_elem(&ports, &key))
			return WORKER;
	}
	return KERNEL;
}

// Where the program is in a frame, in bytes from its start. What is at a place that only the frame tells is copied
// from there by helpers: pointers to such places may be used with CAP_PERFMON alone, which the program does without.
struct place {
	struct xdp_md *ctx;
	__u32 offset;
	// What is left of the IP packet from here on.
	__u32 len;
};

// Copies a header from a place; fails if it is cut.
static __always_inline int read(struct place *at, void *header, __u32 header_len)
{
	return at->len < header_len || bpf_xdp_load_bytes(at->ctx, at->offset, header, header_len);
}

static __always_inline enum decision tcp(const struct vip *vip, struct place *at)
{
	struct tcphdr header;
	__u32 header_len;

	if (read(at, &header, sizeof(header)))
		return WORKER;
	header_len = header.doff * 4;
	if (header_len < sizeof(header) || header_len > at->len)
		return WORKER;
	return classify(vip, SERVES_TCP, IPPROTO_TCP, header.dest);
}

static __always_inline enum decision udp(const struct vip *vip, struct place *at)
{
	struct udphdr header;
	__u32 udp_len;

	if (read(at, &header, sizeof(header)))
		return WORKER;
	udp_len = bpf_ntohs(header.len);
	if (udp_len < sizeof(header) || udp_len > at->len)
		return WORKER;
	return classify(vip, SERVES_UDP, IPPROTO_UDP, header.dest);
}

// What is behind the IP headers of a whole datagram.
static __always_inline enum decision upper(const struct vip *vip, __u8 protocol, struct place *at)
{
	switch (protocol) {
	case IPPROTO_TCP:
		return tcp(vip, at);
	case IPPROTO_UDP:
		return udp(vip, at);
	default:
		return classify(vip, SERVES_OTHER, protocol, 0);
	}
}

static __always_inline enum decision icmp4(struct place *at)
{
	__u8 kind;

	if (read(at, &kind, sizeof(kind)))
		return WORKER;
	switch (kind) {
	case ICMP4_DEST_UNREACH:
	case ICMP4_TIME_EXCEEDED:
	case ICMP4_PARAMETER_PROBLEM:
		return WORKER;
	default:
		return KERNEL;
	}
}

static __always_inline enum decision icmp6(struct place *at)
{
	__u8 kind;

	if (read(at, &kind, sizeof(kind)))
		return WORKER;
	return kind >= ICMP6_FIRST_ERROR && kind <= ICMP6_LAST_ERROR ? WORKER : KERNEL;
}

static __always_inline const struct vip *find4(__be32 address)
{
	struct key4 key = { .prefix_len = 32, .address = address };
	__u32 current = 0;
	void *trie = bpf_map_lookup_elem(&vips4, &current);

	return trie ? bpf_map_lookup_elem(trie, &key) : NULL;
}

static __always_inline enum decision ipv4(struct xdp_md *ctx, struct iphdr *header, void *end, __u32 offset)
{
	struct place at = { .ctx = ctx };
	const struct vip *vip;
	__u32 header_len, len;

	if ((void *)(header + 1) > end || header->version != 4 || header->ttl <= 1)
		return KERNEL;
	vip = find4(header->daddr);
	if (!vip)
		return KERNEL;

	header_len = header->ihl * 4;
	len = bpf_ntohs(header->tot_len);
	if (header_len < sizeof(*header) || len < header_len || offset + len > bpf_xdp_get_buff_len(ctx))
		return WORKER;
	if (header->frag_off & bpf_htons(MORE_FRAGMENTS_OR_OFFSET))
		return WORKER;
	at.offset = offset + header_len;
	at.len = len - header_len;
	if (header->protocol == IPPROTO_ICMP)
		return icmp4(&at);
	return upper(vip, header->protocol, &at);
}

static __always_inline const struct vip *find6(const struct in6_addr *address)
{
	struct key6 key = { .prefix_len = 128, .address = *address };
	__u32 current = 0;
	void *trie = bpf_map_lookup_elem(&vips6, &current);

	return trie ? bpf_map_lookup_elem(trie, &key) : NULL;
}

static __always_inline int is_extension(__u8 next)
{
	return next == IPPROTO_HOPOPTS || next == IPPROTO_ROUTING || next == IPPROTO_DSTOPTS ||
	       next == IPPROTO_FRAGMENT;
}

// The first 8 bytes of hop-by-hop options, destination options and routing headers (RFC 8200 4.3, 4.4, 4.6).
struct extension {
	__u8 next;
	__u8 len;
	__u8 type;
	__u8 segments_left;
	__u8 rest[4];
};

static __always_inline enum decision ipv6(struct xdp_md *ctx, struct ipv6hdr *header, void *end, __u32 offset)
{
	struct place at = { .ctx = ctx };
	const struct vip *vip;
	__u8 next;

	if ((void *)(header + 1) > end || header->version != 6 || header->hop_limit <= 1)
		return KERNEL;
	vip = find6(&header->daddr);
	if (!vip)
		return KERNEL;

	at.offset = offset + sizeof(*header);
	at.len = bpf_ntohs(header->payload_len);
	if (at.offset + at.len > bpf_xdp_get_buff_len(ctx))
		return WORKER;
	next = header->nexthdr;
	for (int i = 0; i < MAX_EXTENSIONS; i++) {
		struct extension extension;
		__u32 extension_len;

		if (!is_extension(next))
			break;
		if (next == IPPROTO_FRAGMENT || (next == IPPROTO_HOPOPTS && i > 0))
			return WORKER;
		if (read(&at, &extension, sizeof(extension)))
			return WORKER;
		extension_len = (extension.len + 1) * 8;
		if (extension_len > at.len)
			return WORKER;
		// On its way to somewhere else.
		if (next == IPPROTO_ROUTING && extension.segments_left > 0)
			return KERNEL;
		next = extension.next;
		at.offset += extension_len;
		at.len -= extension_len;
	}
	if (is_extension(next))
		return WORKER;
	if (next == IPPROTO_ICMPV6)
		return icmp6(&at);
	return upper(vip, next, &at);
}

// Byte by byte, since clang makes a call of memcmp here. It joins what it can.
static __always_inline int is_same_mac(const __u8 *a, const __u8 *b)
{
	__u8 difference = 0;

	for (int i = 0; i < ETH_ALEN; i++)
		difference |= a[i] ^ b[i];
	return !difference;
}

struct vlan_tag {
	__be16 tci;
	__be16 kind;
};

static __always_inline enum decision ethernet(struct xdp_md *ctx, const __u8 *own_mac)
{
	void *end = (void *)(long)ctx->data_end;
	struct ethhdr *header = (void *)(long)ctx->data;
	__u32 offset = sizeof(*header);
	void *at = header + 1;
	__be16 kind;

	if (at > end || !is_same_mac(header->h_dest, own_mac))
		return KERNEL;
	kind = header->h_proto;
	for (int i = 0; i < MAX_TAGS; i++) {
		struct vlan_tag *tag = at;

		if (kind != bpf_htons(ETH_P_8021Q) && kind != bpf_htons(ETH_P_8021AD))
			break;
		if ((void *)(tag + 1) > end)
			return KERNEL;
		kind = tag->kind;
		at = tag + 1;
		offset += sizeof(*tag);
	}
	if (kind == bpf_htons(ETH_P_IP))
		return ipv4(ctx, at, end, offset);
	if (kind == bpf_htons(ETH_P_IPV6))
		return ipv6(ctx, at, end, offset);
	return KERNEL;
}

SEC("xdp")
int steer(struct xdp_md *ctx)
{
	__u32 ifindex = ctx->ingress_ifindex, queue = ctx->rx_queue_index, slot;
	struct interface *interface;
	struct counts *counts;
	long action = XDP_PASS;

	interface = bpf_map_lookup_elem(&interfaces, &ifindex);
	if (!interface)
		return XDP_PASS;
	slot = interface->slot;
	counts = bpf_map_lookup_elem(&frame_counts, &slot);
	if (!counts)
		return XDP_PASS;

	// Without a socket, as before the first worker is ready, the kernel has the packet.
	if (ethernet(ctx, interface->own_mac) == WORKER && queue < interface->queues)
		action = bpf_redirect_map(&sockets, slot * interface->queues + queue, XDP_PASS);
	if (action == XDP_REDIRECT)
		counts->redirected++;
	else
		counts->passed++;
	return action;
}

// No helper used here asks for a licence that the kernel takes for compatible with its own.
char LICENSE[] SEC("license") = "Apache-2.0";
