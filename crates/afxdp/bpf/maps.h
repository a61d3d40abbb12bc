// SPDX-License-Identifier: Apache-2.0
//
// The maps of the steering program: what it knows of interfaces, sockets and VIPs. User space fills them; the
// counterparts in Rust are in src/steering/layout.rs.

#pragma once

#include <linux/if_ether.h>
#include <linux/in6.h>
#include <linux/types.h>

#include <bpf/bpf_helpers.h>

// Lists of ports that one prefix can have: its own and those that it inherits from shorter prefixes.
#define MAX_PORT_LISTS 8

// What is served at every port (or, of protocols other than TCP and UDP, at all) of the addresses of a prefix.
#define SERVES_TCP 1
#define SERVES_UDP 2
#define SERVES_OTHER 4
// The prefix has more port lists than fit here: every packet of its addresses goes to the walk.
#define SERVES_UNSURE 8

struct interface {
	__u8 own_mac[ETH_ALEN];
	__u16 slot;
	__u32 queues;
};

struct counts {
	__u64 passed;
	__u64 redirected;
};

struct key4 {
	__u32 prefix_len;
	__be32 address;
};

struct key6 {
	__u32 prefix_len;
	struct in6_addr address;
};

struct vip {
	__u32 serves;
	__u32 list_count;
	__u32 lists[MAX_PORT_LISTS];
};

struct port_key {
	__u32 list;
	__be16 port;
	__u8 protocol;
	__u8 zero;
};

// Interfaces on which the program works, by ifindex.
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, struct interface);
} interfaces SEC(".maps");

// Frames of each interface, by slot.
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, struct counts);
} frame_counts SEC(".maps");

// Sockets: queue q of the interface in slot s is at s * queues + q.
struct {
	__uint(type, BPF_MAP_TYPE_XSKMAP);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} sockets SEC(".maps");

// VIPs by longest prefix. A reload fills new tries and then exchanges them whole, so that no packet sees half of one.
// Sizes instead of types: clang leaves the types of an inner map's keys out of BTF.
struct trie4 {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(key_size, sizeof(struct key4));
	__uint(value_size, sizeof(struct vip));
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct trie4);
} vips4 SEC(".maps");

struct trie6 {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(key_size, sizeof(struct key6));
	__uint(value_size, sizeof(struct vip));
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct trie6);
} vips6 SEC(".maps");

// Members of the port lists. A list's number is not used again, so old and new tries can share this map.
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct port_key);
	__type(value, __u8);
} ports SEC(".maps");
