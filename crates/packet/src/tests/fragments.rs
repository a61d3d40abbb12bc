//! Fragments: the first one has ports, the later ones have its key.

use super::frames::*;
use crate::{Class, Fragment, FragmentKey, Malformed, NotOurs, TcpSignal};

const ID: u16 = 0xbeef;
const ID6: u32 = 0xdead_beef;

fn datagram4(protocol: u8) -> FragmentKey {
    FragmentKey { addresses: key4(0, 0, protocol), id: u32::from(ID) }
}

fn datagram6(protocol: u8) -> FragmentKey {
    FragmentKey { addresses: key6(0, 0, protocol), id: ID6 }
}

#[test]
fn fragments_of_ipv4() {
    let first = frame(&ipv4_fragment(UDP, ID, 0, true, &udp()));
    let packet = ours(&first);
    assert_eq!((packet.key, packet.class), (key4(CLIENT_PORT, PORT, UDP), Class::Udp));
    assert_eq!(packet.fragment, Fragment::First(u32::from(ID)));
    assert_eq!(packet.fragment_key(&first), Some(datagram4(UDP)));

    for (offset, more) in [(2, true), (2, false), (0x1fff, false), (1, true)] {
        let later = frame(&ipv4_fragment(UDP, ID, offset, more, &[]));
        let packet = ours(&later);
        assert_eq!((packet.key, packet.class), (key4(0, 0, UDP), Class::Other));
        assert_eq!(packet.fragment, Fragment::Later(u32::from(ID)));
        assert_eq!(packet.fragment_key(&later), Some(datagram4(UDP)));
    }
}

#[test]
fn fragments_of_ipv6() {
    let first = frame(&ipv6(FRAGMENT, &fragment_header(TCP, ID6, 0, true, &tcp(0x10))));
    let packet = ours(&first);
    assert_eq!(packet.key, key6(CLIENT_PORT, PORT, TCP));
    assert_eq!(packet.class, Class::Tcp(TcpSignal::Acknowledge));
    assert_eq!(packet.fragment, Fragment::First(ID6));
    assert_eq!(packet.fragment_key(&first), Some(datagram6(TCP)));

    for (offset, more) in [(4, true), (4, false), (0x1fff, false)] {
        let later = frame(&ipv6(FRAGMENT, &fragment_header(TCP, ID6, offset, more, &[])));
        let packet = ours(&later);
        assert_eq!((packet.key, packet.class), (key6(0, 0, TCP), Class::Other));
        assert_eq!(packet.fragment, Fragment::Later(ID6));
        assert_eq!(packet.fragment_key(&later), Some(datagram6(TCP)));
    }
}

#[test]
fn a_whole_datagram_has_no_fragment_key() {
    let mut whole = frame(&ipv4(TCP, &tcp(0x10)));
    whole[14 + 6] = 0x40;
    assert_eq!(ours(&whole).fragment_key(&whole), None);
    let atomic = frame(&ipv6(FRAGMENT, &fragment_header(TCP, ID6, 0, false, &tcp(0x10))));
    assert_eq!(ours(&atomic).fragment, Fragment::Whole);
    assert_eq!(ours(&atomic).fragment_key(&atomic), None);
}

#[test]
fn headers_around_the_fragment_header_are_followed_in_the_first_one_only() {
    let around =
        |fragment: &[u8]| tagged(&[0x8100, 0x86dd], &ipv6(HOP_BY_HOP, &extension(FRAGMENT, 1, fragment)));
    let options = extension(UDP, 1, &udp());
    let first = around(&fragment_header(DESTINATION_OPTIONS, ID6, 0, true, &options));
    let later = around(&fragment_header(DESTINATION_OPTIONS, ID6, 3, false, &[0xff; 5]));
    assert_eq!(ours(&first).key, key6(CLIENT_PORT, PORT, UDP));
    assert_eq!(ours(&later).key, key6(0, 0, DESTINATION_OPTIONS));
    // Both have the Next Header of the fragment header in their fragment key.
    assert_eq!(ours(&first).fragment_key(&first), Some(datagram6(DESTINATION_OPTIONS)));
    assert_eq!(ours(&later).fragment_key(&later), Some(datagram6(DESTINATION_OPTIONS)));
}

#[test]
fn a_first_fragment_may_be_shorter_than_its_udp_length() {
    let mut datagram = udp();
    datagram[4..6].copy_from_slice(&4000u16.to_be_bytes());
    assert_eq!(ours(&frame(&ipv4_fragment(UDP, ID, 0, true, &datagram))).key, key4(CLIENT_PORT, PORT, UDP));
    let first = fragment_header(UDP, ID6, 0, true, &datagram);
    assert_eq!(ours(&frame(&ipv6(FRAGMENT, &first))).key, key6(CLIENT_PORT, PORT, UDP));
    // Not so an atomic one: it is whole.
    let atomic = fragment_header(UDP, ID6, 0, false, &datagram);
    assert_malformed(&frame(&ipv6(FRAGMENT, &atomic)), Malformed::UdpHeader);
}

#[test]
fn a_first_fragment_without_its_whole_l4_header() {
    for (protocol, header) in [(TCP, &tcp(0x02)[..19]), (UDP, &udp()[..7]), (UDP, &[]), (ICMP, &[])] {
        assert_malformed_first(
            &frame(&ipv4_fragment(protocol, ID, 0, true, header)),
            Malformed::FirstFragmentHeader,
            Some(datagram4(protocol)),
        );
    }
    for (protocol, header) in [(TCP, &tcp(0x02)[..19]), (UDP, &udp()[..7]), (ICMPV6, &[1, 0, 0, 0, 0, 0, 0])]
    {
        assert_malformed_first(
            &frame(&ipv6(FRAGMENT, &fragment_header(protocol, ID6, 0, true, header))),
            Malformed::FirstFragmentHeader,
            Some(datagram6(protocol)),
        );
    }
    // TCP options that go on in the second fragment.
    let mut segment = tcp(0x02);
    segment[12] = 0xf0;
    let first = frame(&ipv4_fragment(TCP, ID, 0, true, &segment));
    assert_malformed_first(&first, Malformed::FirstFragmentHeader, Some(datagram4(TCP)));
}

#[test]
fn a_first_fragment_whose_extension_chain_is_cut() {
    let cut = fragment_header(DESTINATION_OPTIONS, ID6, 0, true, &extension(TCP, 9, &[])[..72]);
    assert_malformed_first(
        &frame(&ipv6(FRAGMENT, &cut)),
        Malformed::FirstFragmentHeader,
        Some(datagram6(DESTINATION_OPTIONS)),
    );
}

#[test]
fn what_is_wrong_in_a_first_fragment_keeps_its_reason_and_names_the_datagram() {
    let mut segment = tcp(0x02);
    segment[12] = 0x40;
    let first = frame(&ipv4_fragment(TCP, ID, 0, true, &segment));
    assert_malformed_first(&first, Malformed::TcpHeader, Some(datagram4(TCP)));

    let mut datagram = udp();
    datagram[5] = 7;
    let first = frame(&ipv6(FRAGMENT, &fragment_header(UDP, ID6, 0, true, &datagram)));
    assert_malformed_first(&first, Malformed::UdpHeader, Some(datagram6(UDP)));

    let mut first = frame(&ipv4_fragment(UDP, ID, 0, true, &udp()));
    first[17] += 1;
    assert_malformed_first(&first, Malformed::Ipv4TotalLength, Some(datagram4(UDP)));

    let again = fragment_header(TCP, 8, 0, false, &tcp(0x02));
    let first = frame(&ipv6(FRAGMENT, &fragment_header(FRAGMENT, ID6, 0, true, &again)));
    assert_malformed_first(&first, Malformed::Ipv6ExtensionHeader, Some(datagram6(FRAGMENT)));
}

#[test]
fn a_malformed_later_fragment_names_no_datagram() {
    let mut later = frame(&ipv4_fragment(UDP, ID, 4, true, &[0; 8]));
    later[17] += 1;
    assert_malformed(&later, Malformed::Ipv4TotalLength);
}

#[test]
fn fragments_of_icmp_for_the_kernel_are_remembered_by_their_first_one() {
    let echo = [8, 0, 0, 0, 0, 1, 0, 1];
    let first = frame(&ipv4_fragment(ICMP, ID, 0, true, &echo));
    let packet = ours(&first);
    assert_eq!((packet.key, packet.class), (key4(0, 0, ICMP), Class::Other));
    assert_eq!(packet.fragment_key(&first), Some(datagram4(ICMP)));
    let later = frame(&ipv4_fragment(ICMP, ID, 1, false, &echo));
    assert_eq!((ours(&later).key, ours(&later).class), (key4(0, 0, ICMP), Class::Other));

    let options = extension(ICMPV6, 0, &[128, 0, 0, 0]);
    let first = frame(&ipv6(FRAGMENT, &fragment_header(DESTINATION_OPTIONS, ID6, 0, true, &options)));
    let packet = ours(&first);
    assert_eq!((packet.key, packet.class), (key6(0, 0, ICMPV6), Class::Other));
    assert_eq!(packet.fragment_key(&first), Some(datagram6(DESTINATION_OPTIONS)));

    // Whole ones are not ours.
    assert_not_ours(&frame(&ipv4(ICMP, &echo)), NotOurs::IcmpOther);
}

#[test]
fn a_fragment_key_of_a_frame_that_is_not_the_parsed_one_is_none_or_wrong_but_no_panic() {
    let first = frame(&ipv4_fragment(UDP, ID, 0, true, &udp()));
    let packet = ours(&first);
    for len in 0..34 {
        assert_eq!(packet.fragment_key(&first[..len]), None);
    }
}
