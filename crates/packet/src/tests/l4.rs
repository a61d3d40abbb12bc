//! TCP, UDP and protocols without ports.

use super::frames::*;
use crate::{Class, Fragment, Malformed, Outcome, Packet, TcpSignal, parse};

#[test]
fn tcp_and_udp_over_both_families() {
    let packet = |key, class| Packet { key, class, fragment: Fragment::Whole, l3_offset: 14 };
    let open = Class::Tcp(TcpSignal::Open);
    assert_eq!(ours(&frame(&ipv4(TCP, &tcp(0x02)))), packet(key4(CLIENT_PORT, PORT, TCP), open));
    assert_eq!(ours(&frame(&ipv6(TCP, &tcp(0x02)))), packet(key6(CLIENT_PORT, PORT, TCP), open));
    assert_eq!(ours(&frame(&ipv4(UDP, &udp()))), packet(key4(CLIENT_PORT, PORT, UDP), Class::Udp));
    assert_eq!(ours(&frame(&ipv6(UDP, &udp()))), packet(key6(CLIENT_PORT, PORT, UDP), Class::Udp));
}

#[test]
fn rst_beats_fin_beats_syn_and_syn_with_ack_is_no_opening() {
    const FIN: u8 = 1;
    const SYN: u8 = 2;
    const RST: u8 = 4;
    const ACK: u8 = 16;
    for flags in 0..=255 {
        let expected = match flags {
            _ if flags & (RST | FIN) != 0 => TcpSignal::Close,
            _ if flags & ACK != 0 => TcpSignal::Acknowledge,
            _ if flags & SYN != 0 => TcpSignal::Open,
            _ => TcpSignal::Plain,
        };
        assert_eq!(ours(&frame(&ipv4(TCP, &tcp(flags)))).class, Class::Tcp(expected), "{flags:02x}");
    }
}

#[test]
fn a_tcp_header_cut_or_too_short() {
    let segment = tcp(0x10);
    for len in 0..20 {
        assert_malformed(&frame(&ipv4(TCP, &segment[..len])), Malformed::TcpHeader);
        assert_malformed(&frame(&ipv6(TCP, &segment[..len])), Malformed::TcpHeader);
    }
    for words in 0..16 {
        let mut segment = segment.clone();
        segment[12] = words << 4;
        let frame = frame(&ipv4(TCP, &segment));
        // 20 bytes of header and 12 of data: a data offset up to 8 stays within.
        if (5..=8).contains(&words) {
            assert_eq!(ours(&frame).key, key4(CLIENT_PORT, PORT, TCP));
        } else {
            assert_malformed(&frame, Malformed::TcpHeader);
        }
    }
}

#[test]
fn a_udp_header_cut_too_short_or_too_long() {
    let datagram = udp();
    for len in 0..8 {
        assert_malformed(&frame(&ipv4(UDP, &datagram[..len])), Malformed::UdpHeader);
        assert_malformed(&frame(&ipv6(UDP, &datagram[..len])), Malformed::UdpHeader);
    }
    for len in 0..20u8 {
        let mut datagram = datagram.clone();
        datagram[5] = len;
        let frame = frame(&ipv4(UDP, &datagram));
        // Less than the IP payload is allowed: the rest belongs to nobody (RFC 768 has no word against it).
        if (8..=16).contains(&len) {
            assert_eq!(ours(&frame).key, key4(CLIENT_PORT, PORT, UDP));
        } else {
            assert_malformed(&frame, Malformed::UdpHeader);
        }
    }
}

#[test]
fn a_udp_length_is_compared_behind_extension_headers() {
    let mut datagram = udp();
    assert_eq!(
        ours(&frame(&ipv6(DESTINATION_OPTIONS, &extension(UDP, 0, &datagram)))).key,
        key6(CLIENT_PORT, PORT, UDP)
    );
    datagram[5] = 17;
    let long = ipv6(DESTINATION_OPTIONS, &extension(UDP, 0, &datagram));
    assert_malformed(&frame(&long), Malformed::UdpHeader);
}

#[test]
fn other_protocols_have_no_ports_and_need_no_header() {
    // ESP, AH, SCTP, GRE; ICMPv6 in IPv4 and ICMP in IPv6 are no ICMP.
    for protocol in [50, 51, SCTP, GRE, ICMPV6, NO_NEXT_HEADER, 255] {
        let packet = ours(&frame(&ipv4(protocol, &[])));
        assert_eq!((packet.key, packet.class), (key4(0, 0, protocol), Class::Other));
    }
    for protocol in [50, 51, SCTP, GRE, ICMP, NO_NEXT_HEADER, 255] {
        let packet = ours(&frame(&ipv6(protocol, &[0xff; 9])));
        assert_eq!((packet.key, packet.class), (key6(0, 0, protocol), Class::Other));
    }
}

#[test]
fn a_wrong_header_names_its_ports_if_they_are_there() {
    let ports = |payload: &[u8], protocol| match outcome(&frame(&ipv4(protocol, payload))) {
        Outcome::Malformed { key, .. } => {
            key.map(|key| (key.source_port(), key.destination_port(), key.protocol()))
        }
        other => panic!("{other:?}"),
    };
    let header = [0x12, 0x34, 0, 81, 0, 7, 0, 0];
    for protocol in [TCP, UDP] {
        assert_eq!(ports(&header, protocol), Some((0x1234, 81, protocol)));
        assert_eq!(ports(&header[..4], protocol), Some((0x1234, 81, protocol)));
        assert_eq!(ports(&header[..3], protocol), None);
    }
}

#[test]
fn a_capture_may_cut_the_options_of_tcp_but_not_its_fixed_part() {
    let mut segment = tcp(0x10).to_vec();
    segment[12] = 8 << 4;
    segment.extend([1; 12 + 100]);
    let whole = frame(&ipv4(TCP, &segment));
    for len in 14 + 20 + 20..whole.len() {
        let Outcome::Ours(packet) = parse(&whole[..len], whole.len(), OWN) else { panic!("cut at {len}") };
        assert_eq!(
            (packet.key, packet.class),
            (key4(CLIENT_PORT, PORT, TCP), Class::Tcp(TcpSignal::Acknowledge))
        );
    }
    let Outcome::Malformed { reason, .. } = parse(&whole[..14 + 20 + 19], whole.len(), OWN) else {
        panic!("cut")
    };
    assert_eq!(reason, Malformed::TcpHeader);
}
