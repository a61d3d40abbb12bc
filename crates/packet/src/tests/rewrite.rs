//! Rewriting.

use super::frames::*;
use crate::{Mac, rewrite};
use etherparse::Ipv4Header;

const SERVER: Mac = Mac([2, 0, 0, 0, 2, 7]);

/// The frame as it leaves, and where it differs from what it was.
fn rewritten(frame: &[u8], l3_offset: u8) -> (Vec<u8>, Vec<usize>) {
    let mut after = frame.to_vec();
    rewrite(&mut after, l3_offset, OWN, SERVER);
    let changed = (0..frame.len()).filter(|&at| frame[at] != after[at]).collect();
    (after, changed)
}

#[test]
fn an_ipv4_frame_leaves_with_its_checksum_right() {
    let frame = frame(&ipv4(TCP, &tcp(0x02)));
    let (after, _) = rewritten(&frame, 14);
    assert_eq!(after[..6], SERVER.0);
    assert_eq!(after[6..12], OWN.0);
    let (header, _) = Ipv4Header::from_slice(&after[14..]).unwrap();
    assert_eq!(header.time_to_live, 63);
    assert_eq!(header.header_checksum, header.calc_header_checksum());
    assert_eq!(after[34..], frame[34..]);
}

#[test]
fn behind_tags_with_options_and_padding_nothing_else_changes() {
    let packet = ipv4_with(UDP, &udp(), |header| header.options = [1; 12].into());
    let mut frame = tagged(&[0x88a8, 0x8100, 0x0800], &packet);
    frame.extend([0xaa; 9]);
    let (_, changed) = rewritten(&frame, 22);
    assert!(changed.iter().all(|&at| at < 12 || [30, 32, 33].contains(&at)), "{changed:?}");
}

#[test]
fn an_ipv6_frame_loses_a_hop() {
    let frame = tagged(&[0x8100, 0x86dd], &ipv6(HOP_BY_HOP, &extension(TCP, 0, &tcp(0x02))));
    let (after, changed) = rewritten(&frame, 18);
    assert_eq!(after[18 + 7], 63);
    assert!(changed.iter().all(|&at| at < 12 || at == 25), "{changed:?}");
}

#[test]
fn a_wrong_checksum_stays_wrong() {
    let mut frame = frame(&ipv4(TCP, &tcp(0x02)));
    frame[25] ^= 1;
    let (after, _) = rewritten(&frame, 14);
    let (header, _) = Ipv4Header::from_slice(&after[14..]).unwrap();
    assert_ne!(header.header_checksum, header.calc_header_checksum());
}

#[test]
fn the_checksum_is_mended_for_every_ttl_and_where_it_carries() {
    for ttl in 1..=255 {
        for id in [0, 1, 0x1234, 0x7fff, 0xfffe, 0xffff] {
            let packet = ipv4_with(UDP, &udp(), |header| {
                header.time_to_live = ttl;
                header.identification = id;
            });
            let (after, _) = rewritten(&frame(&packet), 14);
            let (header, _) = Ipv4Header::from_slice(&after[14..]).unwrap();
            assert_eq!(header.header_checksum, header.calc_header_checksum(), "ttl {ttl}, id {id}");
        }
    }
}

#[test]
fn the_example_of_rfc_1624() {
    // Section 4: checksum 0xDD2F, a word changes from 0x5555 to 0x3285, and the sum must not become 0xFFFF.
    assert_eq!(crate::checksum::mended(0xdd2f, 0x5555 - 0x3285), 0x0000);
}

#[test]
fn what_does_not_parse_is_left_as_it_is() {
    let frame = frame(&ipv4(TCP, &tcp(0x02)));
    for len in 0..26 {
        assert_eq!(rewritten(&frame[..len], 14).1, [0; 0], "{len}");
    }
    for l3_offset in [0, 11, 13, 60, 255] {
        assert_eq!(rewritten(&frame, l3_offset).1, [0; 0], "{l3_offset}");
    }
    let mut expired = frame;
    expired[14 + 8] = 0;
    assert_eq!(rewritten(&expired, 14).0[14 + 8], 0);
    let mut expired = super::frames::frame(&ipv6(TCP, &tcp(0x02)));
    expired[14 + 7] = 0;
    assert_eq!(rewritten(&expired, 14).0[14 + 7], 0);
}
