//! The IPv6 header and its extension headers.

use super::frames::*;
use crate::{Class, Fragment, Malformed, NotOurs, Outcome, TcpSignal, parse};

/// `count` destination options headers in front of a TCP segment, the first one named by `next_header`.
fn options(count: usize) -> (u8, Vec<u8>) {
    (0..count).fold((TCP, tcp(0x02)), |(next, behind), _| (DESTINATION_OPTIONS, extension(next, 0, &behind)))
}

#[test]
fn traffic_class_and_flow_label_are_no_part_of_the_outcome() {
    let plain = frame(&ipv6(TCP, &tcp(0x10)));
    let mut other = plain.clone();
    other[14..18].copy_from_slice(&[0x6b, 0xcd, 0xef, 0x01]);
    assert_eq!(outcome(&other), outcome(&plain));
    assert_eq!(ours(&plain).key, key6(CLIENT_PORT, PORT, TCP));
}

#[test]
fn fewer_than_40_bytes_are_unreadable() {
    let whole = frame(&ipv6(TCP, &tcp(0x10)));
    for len in 14..54 {
        assert_not_ours(&whole[..len], NotOurs::Unreadable);
    }
}

#[test]
fn hop_limit_of_one_or_less_is_the_kernels_before_any_other_fault() {
    let mut frame = frame(&ipv6(TCP, &tcp(0x10)));
    for payload_len in [32, 9999u16] {
        frame[18..20].copy_from_slice(&payload_len.to_be_bytes());
        for hop_limit in [0, 1] {
            frame[14 + 7] = hop_limit;
            assert_not_ours(&frame, NotOurs::TtlExpired);
        }
    }
    frame[14 + 7] = 2;
    assert_malformed(&frame, Malformed::Ipv6PayloadLength);
}

#[test]
fn payload_length_beyond_the_wire() {
    let whole = frame(&ipv6(TCP, &tcp(0x10)));
    for len in 54..whole.len() {
        assert_malformed(&whole[..len], Malformed::Ipv6PayloadLength);
    }
    for len in 74..whole.len() {
        assert_eq!(parse(&whole[..len], whole.len(), OWN), outcome(&whole));
    }
}

#[test]
fn padding_is_no_part_of_the_packet() {
    let mut padded = frame(&ipv6(UDP, &[]));
    padded.extend(udp());
    assert_malformed(&padded, Malformed::UdpHeader);
    let mut padded = frame(&ipv6(HOP_BY_HOP, &[]));
    padded.extend(extension(UDP, 0, &udp()));
    assert_malformed(&padded, Malformed::Ipv6ExtensionHeader);
}

#[test]
fn every_extension_header_leads_to_the_l4_header() {
    let segment = tcp(0x02);
    for (next, payload) in [
        (HOP_BY_HOP, extension(TCP, 0, &segment)),
        (HOP_BY_HOP, extension(TCP, 255, &segment)),
        (DESTINATION_OPTIONS, extension(TCP, 1, &segment)),
        (ROUTING, routing(TCP, 0, &segment)),
        (FRAGMENT, fragment_header(TCP, 7, 0, false, &segment)),
    ] {
        let packet = ours(&frame(&ipv6(next, &payload)));
        assert_eq!(packet.key, key6(CLIENT_PORT, PORT, TCP), "{next}");
        assert_eq!((packet.class, packet.fragment), (Class::Tcp(TcpSignal::Open), Fragment::Whole));
    }
}

#[test]
fn the_recommended_order_of_all_of_them() {
    // RFC 8200 §4.1: hop-by-hop, destination options, routing, fragment, destination options.
    let last = extension(UDP, 0, &udp());
    let atomic = fragment_header(DESTINATION_OPTIONS, 7, 0, false, &last);
    let routed = routing(FRAGMENT, 0, &atomic);
    let first = extension(ROUTING, 1, &routed);
    let packet = ours(&frame(&ipv6(HOP_BY_HOP, &extension(DESTINATION_OPTIONS, 0, &first))));
    assert_eq!((packet.key, packet.fragment), (key6(CLIENT_PORT, PORT, UDP), Fragment::Whole));
}

#[test]
fn eight_extension_headers_are_followed_and_no_more() {
    let (next, payload) = options(8);
    assert_eq!(ours(&frame(&ipv6(next, &payload))).key, key6(CLIENT_PORT, PORT, TCP));
    for count in [9, 100] {
        let (next, payload) = options(count);
        assert_malformed(&frame(&ipv6(next, &payload)), Malformed::Ipv6ExtensionCount);
    }
}

#[test]
fn a_cut_extension_header() {
    for next in [HOP_BY_HOP, DESTINATION_OPTIONS, ROUTING, FRAGMENT] {
        for len in 0..8 {
            let cut = extension(TCP, 0, &[])[..len].to_vec();
            assert_malformed(&frame(&ipv6(next, &cut)), Malformed::Ipv6ExtensionHeader);
        }
    }
    // Longer than the packet.
    let long = extension(TCP, 3, &[]);
    assert_malformed(&frame(&ipv6(HOP_BY_HOP, &long[..31])), Malformed::Ipv6ExtensionHeader);
}

#[test]
fn an_extension_header_that_a_capture_cut() {
    let whole = frame(&ipv6(DESTINATION_OPTIONS, &extension(TCP, 1, &tcp(0x02))));
    let Outcome::Malformed { reason, .. } = parse(&whole[..60], whole.len(), OWN) else { panic!("whole") };
    assert_eq!(reason, Malformed::Ipv6ExtensionHeader);
}

#[test]
fn hop_by_hop_options_stand_in_front_only() {
    let second = extension(TCP, 0, &tcp(0x02));
    for front in [HOP_BY_HOP, DESTINATION_OPTIONS] {
        let payload = extension(HOP_BY_HOP, 0, &second);
        assert_malformed(&frame(&ipv6(front, &payload)), Malformed::Ipv6ExtensionHeader);
    }
}

#[test]
fn a_routing_header_with_segments_left_is_the_kernels_at_once() {
    // What follows would be malformed.
    assert_not_ours(&frame(&ipv6(ROUTING, &routing(TCP, 1, &[]))), NotOurs::RoutingHeader);
    let behind = extension(ROUTING, 0, &routing(HOP_BY_HOP, 255, &[]));
    assert_not_ours(&frame(&ipv6(DESTINATION_OPTIONS, &behind)), NotOurs::RoutingHeader);
    // What comes before it counts.
    assert_malformed(&frame(&ipv6(ROUTING, &routing(TCP, 1, &[])[..23])), Malformed::Ipv6ExtensionHeader);
}

#[test]
fn a_second_fragment_header() {
    let second = fragment_header(TCP, 7, 0, false, &tcp(0x02));
    let atomic = fragment_header(FRAGMENT, 7, 0, false, &second);
    assert_malformed(&frame(&ipv6(FRAGMENT, &atomic)), Malformed::Ipv6ExtensionHeader);
}
