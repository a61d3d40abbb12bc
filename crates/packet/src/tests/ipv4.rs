//! The IPv4 header.

use super::frames::*;
use crate::{Malformed, NotOurs, Outcome, parse};

/// A frame with a TCP segment, of which byte `at` of the IPv4 header is `value`.
fn with_byte(at: usize, value: u8) -> Vec<u8> {
    let mut frame = frame(&ipv4(TCP, &tcp(0x10)));
    frame[14 + at] = value;
    frame
}

/// A frame with a TCP segment and this total length.
fn with_total_len(total_len: u16) -> Vec<u8> {
    let mut frame = frame(&ipv4(TCP, &tcp(0x10)));
    frame[16..18].copy_from_slice(&total_len.to_be_bytes());
    frame
}

#[test]
fn options_move_the_l4_header() {
    for words in 1..=10 {
        let options = [1; 40];
        let packet =
            ipv4_with(UDP, &udp(), |header| header.options = options[..words * 4].try_into().unwrap());
        assert_eq!(ours(&frame(&packet)).key, key4(CLIENT_PORT, PORT, UDP), "{words} words");
    }
}

#[test]
fn dscp_ecn_and_the_checksum_are_no_part_of_the_outcome() {
    let plain = outcome(&frame(&ipv4(TCP, &tcp(0x10))));
    for (at, value) in [(1, 0xff), (10, 0x12), (11, 0x34), (6, 0x40), (6, 0x80), (5, 7)] {
        assert_eq!(outcome(&with_byte(at, value)), plain);
    }
}

#[test]
fn ttl_of_one_or_less_is_the_kernels_before_any_other_fault() {
    assert_not_ours(&with_byte(8, 1), NotOurs::TtlExpired);
    assert_not_ours(&with_byte(8, 0), NotOurs::TtlExpired);
    assert_eq!(ours(&with_byte(8, 2)).key, key4(CLIENT_PORT, PORT, TCP));
    let mut expired_and_wrong = with_total_len(9999);
    expired_and_wrong[14 + 8] = 1;
    assert_not_ours(&expired_and_wrong, NotOurs::TtlExpired);
    expired_and_wrong[14] = 0x44;
    assert_not_ours(&expired_and_wrong, NotOurs::TtlExpired);
}

#[test]
fn a_wrong_version_is_unreadable_even_with_ttl_of_one() {
    let mut frame = with_byte(0, 0x55);
    assert_not_ours(&frame, NotOurs::Unreadable);
    frame[14 + 8] = 1;
    assert_not_ours(&frame, NotOurs::Unreadable);
}

#[test]
fn fewer_than_20_bytes_are_unreadable() {
    let whole = frame(&ipv4(TCP, &tcp(0x10)));
    for len in 14..34 {
        assert_not_ours(&whole[..len], NotOurs::Unreadable);
        assert_eq!(parse(&whole[..len], whole.len(), OWN), Outcome::NotOurs(NotOurs::Unreadable));
    }
}

#[test]
fn header_length_below_five_words_comes_before_the_total_length() {
    for words in 0..5 {
        assert_malformed(&with_byte(0, 0x40 | words), Malformed::Ipv4HeaderLength);
    }
    let mut both = with_total_len(9999);
    both[14] = 0x44;
    assert_malformed(&both, Malformed::Ipv4HeaderLength);
}

#[test]
fn header_length_beyond_the_captured_bytes() {
    let options = ipv4_with(UDP, &udp(), |header| header.options = [1; 40].into());
    let whole = frame(&options);
    for len in 34..74 {
        let cut = &whole[..len];
        let Outcome::Malformed { reason, .. } = parse(cut, whole.len(), OWN) else { panic!("{len}") };
        assert_eq!(reason, Malformed::Ipv4HeaderLength);
        // Without the wire behind it the total length is wrong first.
        assert_malformed(cut, Malformed::Ipv4TotalLength);
    }
}

#[test]
fn total_length_below_the_header_or_beyond_the_wire() {
    let whole = frame(&ipv4(TCP, &tcp(0x10)));
    let right = (whole.len() - 14) as u16;
    for total_len in [0, 19, right + 1, 0xffff] {
        assert_malformed(&with_total_len(total_len), Malformed::Ipv4TotalLength);
    }
    assert_eq!(ours(&with_total_len(right)).key, key4(CLIENT_PORT, PORT, TCP));
    // 40 bytes of header, but the total length says 39.
    let mut options = frame(&ipv4_with(UDP, &udp(), |header| header.options = [1; 20].into()));
    options[16..18].copy_from_slice(&39u16.to_be_bytes());
    assert_malformed(&options, Malformed::Ipv4TotalLength);
}

#[test]
fn tags_count_against_the_wire() {
    let mut frame = tagged(&[0x8100, 0x0800], &ipv4(UDP, &udp()));
    assert_eq!(ours(&frame).l3_offset, 18);
    frame.pop();
    let Outcome::Malformed { reason, .. } = outcome(&frame) else { panic!("whole") };
    assert_eq!(reason, Malformed::Ipv4TotalLength);
}

#[test]
fn padding_is_no_part_of_the_datagram() {
    // 8 bytes of UDP would fit into the padding, but the datagram ends before them.
    let mut padded = frame(&ipv4(UDP, &[]));
    padded.extend(udp());
    assert_malformed(&padded, Malformed::UdpHeader);
    let mut padded = frame(&ipv4(TCP, &tcp(0x10)));
    padded.extend([0; 26]);
    assert_eq!(ours(&padded).key, key4(CLIENT_PORT, PORT, TCP));
}

#[test]
fn a_frame_that_a_capture_cut_is_judged_by_its_length_on_the_wire() {
    let whole = frame(&ipv4(TCP, &tcp(0x10)));
    // Ethernet, IPv4 and TCP headers are all that is needed.
    for len in 54..whole.len() {
        assert_eq!(parse(&whole[..len], whole.len(), OWN), outcome(&whole));
        assert_malformed(&whole[..len], Malformed::Ipv4TotalLength);
    }
    for len in 34..54 {
        let Outcome::Malformed { reason, .. } = parse(&whole[..len], whole.len(), OWN) else {
            panic!("{len}")
        };
        assert_eq!(reason, Malformed::TcpHeader);
    }
}
