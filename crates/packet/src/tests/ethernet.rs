//! Ethernet, VLAN tags, and which frames are readable at all.

use super::frames::*;
use crate::{Mac, NotOurs, parse};
use etherparse::{PacketBuilder, VlanId};

#[test]
fn one_tag_and_two_in_any_order_move_the_ip_header() {
    let packet = ipv4(TCP, &tcp(0x02));
    for (kinds, l3_offset) in [
        (&[0x0800][..], 14),
        (&[0x8100, 0x0800], 18),
        (&[0x88a8, 0x0800], 18),
        (&[0x88a8, 0x8100, 0x0800], 22),
        (&[0x8100, 0x88a8, 0x0800], 22),
        (&[0x8100, 0x8100, 0x0800], 22),
        (&[0x88a8, 0x88a8, 0x0800], 22),
    ] {
        let parsed = ours(&tagged(kinds, &packet));
        assert_eq!((parsed.l3_offset, parsed.key), (l3_offset, key4(CLIENT_PORT, PORT, TCP)), "{kinds:04x?}");
    }
}

#[test]
fn two_tags_in_front_of_ipv6() {
    let parsed = ours(&tagged(&[0x88a8, 0x8100, 0x86dd], &ipv6(UDP, &udp())));
    assert_eq!((parsed.l3_offset, parsed.key), (22, key6(CLIENT_PORT, PORT, UDP)));
}

#[test]
fn frames_made_by_another_hand_parse() {
    let (outer, inner) = (VlanId::try_new(7).unwrap(), VlanId::try_new(8).unwrap());
    let builder = PacketBuilder::ethernet2(PEER.0, OWN.0).double_vlan(outer, inner);
    let mut frame = Vec::new();
    builder.ipv4(CLIENT4, VIP4, 64).udp(CLIENT_PORT, PORT).write(&mut frame, b"data").unwrap();
    assert_eq!(ours(&frame).key, key4(CLIENT_PORT, PORT, UDP));
}

#[test]
fn a_third_tag_is_unreadable() {
    let packet = ipv4(TCP, &tcp(0x02));
    assert_not_ours(&tagged(&[0x8100, 0x8100, 0x8100, 0x0800], &packet), NotOurs::Unreadable);
    assert_not_ours(&tagged(&[0x88a8, 0x8100, 0x88a8, 0x0800], &packet), NotOurs::Unreadable);
}

#[test]
fn a_cut_tag_is_unreadable() {
    let frame = tagged(&[0x8100, 0x8100, 0x0800], &ipv4(TCP, &tcp(0x02)));
    for len in 14..22 {
        assert_not_ours(&frame[..len], NotOurs::Unreadable);
    }
}

#[test]
fn what_is_neither_ipv4_nor_ipv6_is_unreadable() {
    // ARP, MPLS, the pre-standard tag, an 802.3 length, and IP in each other's EtherType.
    for kind in [0x0806, 0x8847, 0x9100, 0x0026] {
        assert_not_ours(&tagged(&[kind], &ipv4(TCP, &tcp(0x02))), NotOurs::Unreadable);
    }
    assert_not_ours(&tagged(&[0x86dd], &ipv4(TCP, &tcp(0x02))), NotOurs::Unreadable);
    assert_not_ours(&tagged(&[0x0800], &ipv6(TCP, &tcp(0x02))), NotOurs::Unreadable);
}

#[test]
fn every_other_mac_is_not_ours() {
    let mut frame = frame(&ipv4(TCP, &tcp(0x02)));
    for other in [PEER, Mac([0xff; 6]), Mac([0x33, 0x33, 0, 0, 0, 1]), Mac([2, 0, 0, 0, 1, 2]), Mac([0; 6])] {
        frame[..6].copy_from_slice(&other.0);
        assert_not_ours(&frame, NotOurs::OtherMac);
        assert!(matches!(parse(&frame, frame.len(), other), crate::Outcome::Ours(_)));
    }
}

#[test]
fn a_frame_without_whole_ethernet_header_is_unreadable_whoever_it_is_for() {
    for len in 0..14 {
        assert_not_ours(&frame(&ipv4(TCP, &tcp(0x02)))[..len], NotOurs::Unreadable);
        assert_not_ours(&[0xff; 13][..len], NotOurs::Unreadable);
    }
}
