//! ICMP and ICMPv6 errors, and the packets that they quote.

use super::frames::*;
use crate::{Class, FlowKey, Fragment, Malformed, NotOurs, Outcome, parse};
use etherparse::IpFragOffset;
use std::net::IpAddr;

/// Errors of RFC 792: destination unreachable, time exceeded, parameter problem.
const ERRORS: [u8; 3] = [3, 11, 12];
/// Errors of RFC 4443: destination unreachable, packet too big, time exceeded, parameter problem.
const ERRORS6: [u8; 4] = [1, 2, 3, 4];

const WHOLE_QUOTE: Class = Class::IcmpError { ports_missing: false };

/// The quoted L4 header: from service to client, 8 bytes.
fn reply() -> Vec<u8> {
    [&PORT.to_be_bytes()[..], &CLIENT_PORT.to_be_bytes(), &[0, 8, 0, 0]].concat()
}

/// An ICMP error of `kind` from a router, about `quote`.
fn error4(kind: u8, quote: &[u8]) -> Vec<u8> {
    let payload = [&[kind, 4, 0, 0, 0, 0, 5, 0], quote].concat();
    frame(&ipv4_with(ICMP, &payload, |header| header.source = ROUTER4))
}

/// An ICMPv6 error of `kind` from a router, about `quote`.
fn error6(kind: u8, quote: &[u8]) -> Vec<u8> {
    let payload = [&[kind, 0, 0, 0, 0, 0, 5, 0], quote].concat();
    frame(&ipv6_between(ROUTER6, VIP6, ICMPV6, &payload))
}

/// A packet from VIP to client, as an error quotes it.
fn quote4(protocol: u8, l4: &[u8]) -> Vec<u8> {
    ipv4_with(protocol, l4, |header| (header.source, header.destination) = (VIP4, CLIENT4))
}

fn quote6(next_header: u8, payload: &[u8]) -> Vec<u8> {
    ipv6_between(VIP6, CLIENT6, next_header, payload)
}

#[track_caller]
fn assert_error(frame: &[u8], key: FlowKey, class: Class) {
    let packet = ours(frame);
    assert_eq!((packet.key, packet.class, packet.fragment), (key, class, Fragment::Whole));
}

#[test]
fn every_error_has_the_quoted_tuple_reversed() {
    for protocol in [TCP, UDP] {
        for kind in ERRORS {
            let frame = error4(kind, &quote4(protocol, &reply()));
            assert_error(&frame, key4(CLIENT_PORT, PORT, protocol), WHOLE_QUOTE);
        }
        for kind in ERRORS6 {
            let frame = error6(kind, &quote6(protocol, &reply()));
            assert_error(&frame, key6(CLIENT_PORT, PORT, protocol), WHOLE_QUOTE);
        }
    }
}

#[test]
fn every_other_type_is_the_kernels() {
    for kind in 0..=255 {
        if !ERRORS.contains(&kind) {
            assert_not_ours(&error4(kind, &quote4(TCP, &reply())), NotOurs::IcmpOther);
            // One byte is enough to tell.
            assert_not_ours(&frame(&ipv4(ICMP, &[kind])), NotOurs::IcmpOther);
        }
        if !ERRORS6.contains(&kind) {
            assert_not_ours(&error6(kind, &quote6(TCP, &reply())), NotOurs::IcmpOther);
            assert_not_ours(&frame(&ipv6(ICMPV6, &[kind])), NotOurs::IcmpOther);
        }
    }
}

#[test]
fn an_error_about_icmp_is_the_kernels() {
    assert_not_ours(&error4(3, &quote4(ICMP, &reply())), NotOurs::IcmpOther);
    assert_not_ours(&error4(3, &quote4(ICMP, &[])), NotOurs::IcmpOther);
    assert_not_ours(&error6(1, &quote6(ICMPV6, &reply())), NotOurs::IcmpOther);
    let behind_options = quote6(DESTINATION_OPTIONS, &extension(ICMPV6, 0, &[]));
    assert_not_ours(&error6(1, &behind_options), NotOurs::IcmpOther);
}

#[test]
fn a_quote_may_have_options_and_extension_headers() {
    let options = ipv4_with(UDP, &reply(), |header| {
        (header.source, header.destination) = (VIP4, CLIENT4);
        header.options = [1; 40].into();
    });
    assert_error(&error4(3, &options), key4(CLIENT_PORT, PORT, UDP), WHOLE_QUOTE);

    let chain = extension(DESTINATION_OPTIONS, 0, &extension(ROUTING, 2, &routing(TCP, 0, &reply())));
    assert_error(&error6(2, &quote6(HOP_BY_HOP, &chain)), key6(CLIENT_PORT, PORT, TCP), WHOLE_QUOTE);
    let atomic = fragment_header(UDP, 7, 0, false, &reply());
    assert_error(&error6(2, &quote6(FRAGMENT, &atomic)), key6(CLIENT_PORT, PORT, UDP), WHOLE_QUOTE);
}

#[test]
fn options_and_extension_headers_of_the_error_itself() {
    let payload = [&[3, 4, 0, 0, 0, 0, 5, 0], &quote4(TCP, &reply())[..]].concat();
    let options = ipv4_with(ICMP, &payload, |header| header.options = [1; 24].into());
    assert_error(&frame(&options), key4(CLIENT_PORT, PORT, TCP), WHOLE_QUOTE);

    let payload = [&[1, 0, 0, 0, 0, 0, 0, 0], &quote6(UDP, &reply())[..]].concat();
    let chained = ipv6(DESTINATION_OPTIONS, &extension(ICMPV6, 0, &payload));
    assert_error(&frame(&chained), key6(CLIENT_PORT, PORT, UDP), WHOLE_QUOTE);
}

#[test]
fn eight_bytes_of_tcp_or_udp_must_be_quoted_and_none_of_others() {
    for protocol in [TCP, UDP] {
        for len in 0..8 {
            assert_malformed(&error4(3, &quote4(protocol, &reply()[..len])), Malformed::IcmpQuote);
            assert_malformed(&error6(1, &quote6(protocol, &reply()[..len])), Malformed::IcmpQuote);
        }
    }
    assert_error(&error4(3, &quote4(SCTP, &[])), key4(0, 0, SCTP), WHOLE_QUOTE);
    assert_error(&error6(1, &quote6(GRE, &[1])), key6(0, 0, GRE), WHOLE_QUOTE);
}

#[test]
fn the_lengths_in_a_quote_are_those_of_the_whole_packet() {
    let mut quote = quote4(TCP, &reply());
    quote[2..4].copy_from_slice(&1500u16.to_be_bytes());
    assert_error(&error4(3, &quote), key4(CLIENT_PORT, PORT, TCP), WHOLE_QUOTE);
    let mut quote = quote6(TCP, &reply());
    quote[4..6].copy_from_slice(&1460u16.to_be_bytes());
    // Nor does its hop limit, which is why it may have died.
    quote[7] = 0;
    assert_error(&error6(3, &quote), key6(CLIENT_PORT, PORT, TCP), WHOLE_QUOTE);
}

#[test]
fn a_quoted_later_fragment_has_no_ports() {
    let missing = Class::IcmpError { ports_missing: true };
    let later = ipv4_with(UDP, &[], |header| {
        (header.source, header.destination) = (VIP4, CLIENT4);
        header.fragment_offset = IpFragOffset::try_new(185).unwrap();
    });
    assert_error(&error4(11, &later), key4(0, 0, UDP), missing);
    let later = fragment_header(TCP, 7, 181, true, &[]);
    assert_error(&error6(3, &quote6(FRAGMENT, &later)), key6(0, 0, TCP), missing);
    // The first one has them.
    let first = ipv4_with(UDP, &reply(), |header| {
        (header.source, header.destination) = (VIP4, CLIENT4);
        header.more_fragments = true;
    });
    assert_error(&error4(11, &first), key4(CLIENT_PORT, PORT, UDP), WHOLE_QUOTE);
    let first = fragment_header(TCP, 7, 0, true, &reply());
    assert_error(&error6(3, &quote6(FRAGMENT, &first)), key6(CLIENT_PORT, PORT, TCP), WHOLE_QUOTE);
}

#[test]
fn a_quote_that_cannot_be_read() {
    let quote = quote4(UDP, &reply());
    for len in 0..quote.len() {
        assert_malformed(&error4(3, &quote[..len]), Malformed::IcmpQuote);
    }
    for first_byte in [0x65, 0x44, 0x4f, 0x05] {
        let mut quote = quote.clone();
        quote[0] = first_byte;
        assert_malformed(&error4(3, &quote), Malformed::IcmpQuote);
    }
    let quote = quote6(DESTINATION_OPTIONS, &extension(UDP, 1, &reply()));
    for len in 0..quote.len() {
        assert_malformed(&error6(1, &quote[..len]), Malformed::IcmpQuote);
    }
    // The other family's quote.
    assert_malformed(&error4(3, &quote6(UDP, &reply())), Malformed::IcmpQuote);
    assert_malformed(&error6(1, &quote4(UDP, &reply())), Malformed::IcmpQuote);
}

#[test]
fn a_quoted_chain_of_extension_headers_is_bounded() {
    let endless = (0..9).fold(reply(), |behind, _| extension(DESTINATION_OPTIONS, 0, &behind));
    assert_malformed(&error6(1, &quote6(DESTINATION_OPTIONS, &endless)), Malformed::IcmpQuote);
    let misplaced = extension(HOP_BY_HOP, 0, &extension(UDP, 0, &reply()));
    assert_malformed(&error6(1, &quote6(DESTINATION_OPTIONS, &misplaced)), Malformed::IcmpQuote);
}

#[test]
fn a_quoted_routing_header_with_segments_left_hides_whose_flow_it_is() {
    let routed = quote6(ROUTING, &routing(TCP, 1, &reply()));
    assert_not_ours(&error6(1, &routed), NotOurs::RoutingHeader);
}

#[test]
fn a_cut_icmp_header() {
    assert_malformed(&frame(&ipv4(ICMP, &[])), Malformed::IcmpHeader);
    assert_malformed(&frame(&ipv6(ICMPV6, &[])), Malformed::IcmpHeader);
    for len in 1..8 {
        assert_malformed(&frame(&ipv4(ICMP, &[3; 8][..len])), Malformed::IcmpHeader);
        assert_malformed(&frame(&ipv6(ICMPV6, &[3; 8][..len])), Malformed::IcmpHeader);
    }
    assert_malformed(&frame(&ipv4(ICMP, &[3; 8])), Malformed::IcmpQuote);
}

#[test]
fn padding_and_what_a_capture_cut_are_not_quoted() {
    let quote = quote4(UDP, &reply());
    let mut padded = error4(3, &quote[..quote.len() - 1]);
    padded.push(0);
    assert_malformed(&padded, Malformed::IcmpQuote);
    let whole = error4(3, &quote);
    let cut = parse(&whole[..whole.len() - 1], whole.len(), OWN);
    assert!(matches!(cut, Outcome::Malformed { reason: Malformed::IcmpQuote, .. }));
}

#[test]
fn an_error_goes_to_the_outer_destination() {
    let packet = quote4(UDP, &reply());
    let mut frame = error4(3, &packet);
    frame[30..34].copy_from_slice(&[192, 0, 2, 99]);
    assert_eq!(ours(&frame).destination(&frame), IpAddr::from([192, 0, 2, 99]));
    assert_eq!(ours(&frame).key.destination(), IpAddr::from(VIP4));
    let mut frame = error6(1, &quote6(UDP, &reply()));
    frame[53] = 0x99;
    assert_ne!(ours(&frame).destination(&frame), IpAddr::from(VIP6));
    // Of everything else it is the key's.
    let plain = super::frames::frame(&ipv6(TCP, &tcp(0x02)));
    assert_eq!(ours(&plain).destination(&plain), IpAddr::from(VIP6));
}

#[test]
fn a_fragmented_error_has_the_fragment_key_of_its_own_addresses() {
    let payload = [&[3, 4, 0, 0, 0, 0, 5, 0], &quote4(TCP, &reply())[..], &[0; 4]].concat();
    let first = frame(&ipv4_fragment(ICMP, 9, 0, true, &payload));
    let packet = ours(&first);
    assert_eq!((packet.key, packet.class), (key4(CLIENT_PORT, PORT, TCP), WHOLE_QUOTE));
    let key = packet.fragment_key(&first).unwrap();
    assert_eq!((key.addresses, key.id), (key4(0, 0, ICMP), 9));
    // Its quote can't go on in another fragment: this is no cut header.
    let cut = frame(&ipv4_fragment(ICMP, 9, 0, true, &payload[..32]));
    assert_malformed_first(&cut, Malformed::IcmpQuote, Some(key));
}

#[test]
fn icmp_of_the_other_family_is_no_icmp() {
    let packet = ours(&frame(&ipv6(ICMP, &[3, 0, 0, 0, 0, 0, 0, 0])));
    assert_eq!((packet.key, packet.class), (key6(0, 0, ICMP), Class::Other));
}
